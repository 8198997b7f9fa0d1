//! Image files of many formats: decoding to upright sRGB pixels, and encoding of released pixels.
//!
//! - [`Reader`] decodes a file to a [`Picture`], within [`Limits`] on pixels, memory and time. The [`Format`] follows from
//!   the first bytes, not from the name. Orientation is applied, colour profiles are converted to sRGB, grey is expanded
//!   to RGB, transparency is shown on a background, the first page or frame is taken, and 16 bits stay 16 bits.
//! - [`Picture::encode`] encodes a picture whose pixels were changed, with its metadata and its transparency.
//! - [`path_text`] names a file in tables and messages: any path is one line of text, and each another one.
//!
//! | format | varieties | decoder |
//! |---|---|---|
//! | JPEG | baseline, progressive, a scan a component; all samplings; grey, YCbCr, RGB, CMYK, YCCK; 8 bits | zune-jpeg, jpeg-decoder |
//! | PNG | 1 to 16 bits, palettes, alpha, interlaced; the still image of animations | image (png) |
//! | WebP | lossy, lossless, alpha; first frame | image-webp |
//! | GIF | first frame | image (gif) |
//! | BMP, QOI | | image |
//! | TIFF | grey, RGB, palettes, YCbCr, CMYK; 1 to 16 bits; alpha; strips, tiles, planes; fax; first page | here; directories by tiff, fax codes by hayro-ccitt |
//! | JPEG XL | feature `jxl` | jxl-oxide |
//! | HEIC | feature `heic` | heic-rs |
//!
//! All these decoders are written in Rust, under MIT or Apache-2.0. JPEG XL and HEIC are optional because few users
//! need them, and because heic-rs is young. AVIF is refused by name: its Rust decoder, rav1d, has no published safe
//! interface, and the other decoders are written in C or are under the AGPL.
//!
//! PNG, lossless WebP and JPEG are encoded by Rust code, lossy WebP by libwebp with the feature `webp-lossy`.
//!
//! Any bytes give a picture or an [`Error`] of one line. Announced sizes are checked before memory is allocated, and
//! damage is an error, not grey pixels. A decoder that panics gives [`Error::DecoderPanicked`]; the first decoded file
//! extends the panic hook, so that such panics are not reported. The crate prints nothing and knows no networks and no
//! indexes.
//!
//! ```
//! use active_index_image_file::{Encoding, Pixels, Reader};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let samples = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples"));
//! let picture = Reader::default().open(&samples.join("17_igloo.jpg"))?;
//! let mut changed = picture.pixels.to_rgb8();
//! changed.get_pixel_mut(0, 0).0 = [255, 0, 0];
//! let file = picture.encode(&Pixels::Eight(changed.clone()), Encoding::Png)?;
//! let again = Reader::default().decode(&file.bytes)?;
//! assert_eq!(again.pixels, Pixels::Eight(changed));
//! assert_eq!(again.metadata, picture.metadata);
//! # Ok(())
//! # }
//! ```

mod colour;
mod deadline;
mod decode;
mod encode;
mod error;
mod format;
mod lightness;
mod limits;
mod metadata;
mod path_text;
mod picture;
mod resample;
mod signature;
mod store;
mod tiff_directory;
mod timed_reader;
mod xmp;

pub use decode::Reader;
pub use encode::{Encoded, Encoding};
pub use error::{Error, Result};
pub use format::Format;
pub use limits::Limits;
pub use metadata::Metadata;
pub use path_text::{path_of_text, path_text};
pub use picture::{Picture, Pixels, Rgb16Image, Transparency};
pub use store::Store;

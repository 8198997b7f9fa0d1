//! Images that are found again: *Active Image Indexing* (Fernandez et al., ICLR 2023) in pure Rust on burn.
//!
//! A reverse-image search keeps a few bytes of each image and loses edited copies. Activation changes an image
//! imperceptibly before its release, so that the index still finds them. An application depends on this crate alone;
//! it re-exports the libraries below and contains no logic.
//!
//! | module | does |
//! |---|---|
//! | [`image_file`] | reads any image file to upright sRGB pixels, writes released pixels with their metadata |
//! | [`extractor`] | loads a network, and turns pixels into unit descriptors |
//! | [`index`] | trains, fills, searches and changes vector indexes in faiss's file format |
//! | [`witness`] | keeps of a picture what a query is laid over to confirm it |
//! | [`collection`] | remembers released images, and finds them again |
//! | [`find`] | looks pictures up in collections until a match is confirmed, with E-values |
//! | [`activate`] | changes images for an index |
//! | [`release`] | activates image files within limits on quality, writes them, and remembers them in a collection |
//! | [`looks`] | lists views of a query picture: content found, turned back, mirrored |
//! | [`describe`] | describes many images, reading ahead of the network |
//! | [`evaluation`] | edits images and counts the copies that an index finds |
//! | `service` | answers lookups over HTTP; with the feature `service` |
//! | [`burn`] | tensors and devices, in the version the others use |
//!
//! # Example
//!
//! A photograph is released into a collection, and a copy at half its size is found.
//!
//! ```
//! use active_index::{activate::{Activator, Settings, describe, pixels}, burn::tensor::Device, evaluation::Edit};
//! use active_index::collection::{Collection, Digest, FindSettings, NewEntry};
//! use active_index::{extractor::{Extractor, weights::Manifest}, image_file::Reader, index::Index};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
//! # let folder = tempfile::tempdir()?;
//! let device = Device::flex();
//! let weights = Manifest::bundled().default_model().fetch(&root.join("weights"), &mut |_| ())?;
//! let extractor = Extractor::load(&weights, &device)?;
//! let index = Index::open(&root.join("weights/default.faiss"), &device)?;
//! let shop = Collection::create(&folder.path().join("shop"), &index)?;
//!
//! let bytes = Reader::default().read(&root.join("samples/17_igloo.jpg"))?;
//! let photo = Reader::default().decode(&bytes)?.pixels.into_rgb8();
//! let original = pixels::from_rgb8(&photo, photo.width() as usize, photo.height() as usize, &device)?;
//! let activator = Activator::new(&extractor, shop.quantiser(), Settings { iterations: 2, ..Settings::default() })?;
//! let released = activator.activate(&[original], &mut |_| ())?.remove(0).pixels;
//! let entry = NewEntry::added("igloo", Some(Digest::of_file(&bytes)));
//! let stored = shop.store(&[entry], describe(&extractor, [released.clone()]))?;
//!
//! let copy = image::RgbImage::from_raw(photo.width(), photo.height(), pixels::to_rgb8(&released)?).ok_or("size")?;
//! let copy = "resize=0.5".parse::<Edit>()?.apply(&copy, 0)?;
//! let query = pixels::from_rgb8(&copy, copy.width() as usize, copy.height() as usize, &device)?;
//! let found = shop.find(describe(&extractor, [query]), &FindSettings::default())?;
//! assert_eq!(found[0][0].id, stored[0].id());
//! # Ok(())
//! # }
//! ```

pub use activate;
pub use burn;
pub use collection;
pub use describe;
pub use evaluation;
pub use extractor;
pub use find;
pub use image_file;
pub use index;
pub use looks;
pub use release;
#[cfg(feature = "service")]
pub use service;
pub use witness;

//! From images to descriptors, as a stream.
//!
//! - [`Describer`]: runs the network on batches, and on a [stream](Describer::stream) of items that threads read ahead.
//! - [`read_ahead`]: ordered work by threads that stay within a window of their consumer.
//! - [`BatchSize`]: number of images a device takes at once, found by trying.
//! - [`network_input`]: an image at the size of the network's input.
//!
//! Results come in the order of the items. An item that fails keeps its failure at its place, and the others go on.
//! The crate prints nothing, picks no device and knows no indexes.
//!
//! ```
//! use burn::tensor::Device;
//! use active_index_describe::{BatchRequest, Describer, Error};
//! use extractor::Extractor;
//! use image_file::Reader;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
//! # let weights = root.join("tests/golden/extractors/sscd.classy.pt");
//! # let files = ["samples/17_igloo.jpg", "README.md"].map(|name| root.join(name));
//! let extractor = Extractor::load(&weights, &Device::flex())?;
//! let mut describer = Describer::new(&extractor, BatchRequest::Auto, false);
//! let mut lengths = Vec::new();
//! describer.describe_files(&Reader::default(), &files, |_| Ok(()), |_, described| {
//!     lengths.push(described.map(|(descriptor, _notes)| descriptor.len()).ok());
//!     Ok::<_, Error>(())
//! })?;
//! assert_eq!(lengths, [Some(extractor.dimension()), None], "a text file is no image");
//! # Ok(())
//! # }
//! ```

mod batch_size;
mod describer;
mod error;
mod image_files;
mod network_input;
mod read_ahead;
mod stream;

pub use batch_size::{AutoSizes, BatchRequest, BatchSize};
pub use describer::Describer;
pub use error::{Error, Result};
pub use network_input::network_input;
pub use read_ahead::{read_ahead, reading_threads};
pub use stream::{Described, Input, Prepared};

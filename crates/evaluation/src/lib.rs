//! Evaluation of active indexing: the share of edited copies that an index finds.
//!
//! - [`Edit`]: the edits people make to images, each by name (`crop=0.5`, `meme`, `auto`).
//! - [`pipeline`]: images to descriptors of their edited copies, resumable.
//! - [`retrieval`]: rank, recall and mean average precision of the right entry, with [`bootstrap`] intervals.
//! - [`copy_detection`]: micro average precision of queries of which some have no match.
//! - [`find`]: lookups in a collection: verified matches, false matches, E-values that keep their promise.
//! - [`distractors`]: further entries that fill an index to a realistic size.
//! - [`Events`]: progress, failures and cancellation, for the caller to receive.
//!
//! Pixels are 8-bit RGB; descriptors are `[n, d]`, row-major, unit norm. The crate prints nothing and picks no device.
//! Everything random takes a seed.
//!
//! ```
//! use std::num::NonZeroUsize;
//!
//! use burn::tensor::{Device, Tensor};
//! use describe::{BatchRequest, Describer};
//! use active_index_evaluation::{
//!     EditSet, EntryNames, Ignored,
//!     bootstrap::Bootstrap,
//!     pipeline::{KnownDescriptors, Pipeline, Subject},
//!     retrieval::{Config, Stored},
//! };
//! use extractor::Extractor;
//! use image_file::Reader;
//! use index::{Index, TrainConfig};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
//! # let weights = root.join("tests/golden/extractors/sscd.classy.pt");
//! # let photos = ["17_igloo.jpg", "14_moose.jpg"].map(|name| root.join("samples").join(name));
//! let extractor = Extractor::load(&weights, &Device::flex())?;
//! let d = extractor.dimension();
//! let index = Index::train(&"Flat".parse()?, Tensor::ones([1, d], &Device::flex()), &TrainConfig::default())?;
//!
//! let mut pipeline = Pipeline {
//!     describer: Describer::new(&extractor, BatchRequest::Auto, false),
//!     reader: Reader::default(),
//!     known: KnownDescriptors::open(None, d, &Ignored)?,
//!     seed: 0,
//!     events: &Ignored,
//! };
//! let one = vec![NonZeroUsize::MIN];
//! let edits = "none,jpeg=50".parse::<EditSet>()?.0;
//! let (cells, nprobes, looks) = (one.clone(), one.clone(), one);
//! let config = Config { edits, cells, nprobes, looks, stored: Stored::Originals };
//! let subjects = photos.map(Subject::of_file);
//! let findings = config.evaluate(&mut pipeline, index, &EntryNames::new(), &subjects)?;
//! let summaries = findings.summaries(&config.edits, &Bootstrap::default())?;
//! assert_eq!(summaries[0].edits[0].passive.measures.r1, 1.0, "every original finds itself");
//! # Ok(())
//! # }
//! ```

pub mod bootstrap;
pub mod copy_detection;
pub mod distractors;
mod edits;
mod entry_names;
mod error;
mod events;
pub mod find;
pub mod pipeline;
pub mod retrieval;

pub use self::{
    edits::{Edit, EditSet, MAX_PIXELS},
    entry_names::{EntryNames, check_names},
    error::{Error, Result},
    events::{Events, Ignored, Task},
};

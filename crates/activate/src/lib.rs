//! Active image indexing (Fernandez et al., ICLR 2023) on burn: changes an image imperceptibly before it is
//! released, so that its descriptor sits deep in its index cell and edited copies are found again.
//!
//! The loop is image -> target -> perturbation -> released image. Gradients flow to the pixels only; the
//! network's weights and the index are constants, and nothing in the index changes. The crate reads no files
//! by itself, prints nothing and picks no device; [`extractor`] and [`index`] are re-exported, so that this is the
//! one dependency of an application (beside a decoder for its images).
//!
//! ```
//! use activate::{Activator, Settings, index::Index, pixels, extractor::{Extractor, weights::Manifest}};
//! use activate::burn::tensor::Device;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
//! # let released_file = std::env::temp_dir().join("active-index-example.png");
//! let device = Device::flex();
//! let weights = Manifest::bundled().default_model().fetch(&root.join("weights"), &mut |_| ())?;
//! let extractor = Extractor::load(&weights, &device)?;
//! let index = Index::open(&root.join("weights/default.faiss"), &device)?;
//!
//! let photo = image::open(root.join("samples/17_igloo.jpg"))?.into_rgb8();
//! let [width, height] = [photo.width(), photo.height()].map(|side| side as usize);
//! let original = pixels::from_rgb8(&photo, width, height, &device)?;
//!
//! let settings = Settings { iterations: 2, ..Settings::default() };
//! let released = Activator::new(&extractor, &index, settings)?.activate(&[original], &mut |_| ())?.remove(0);
//! assert!(released.after.cosine > released.before.cosine);
//!
//! let bytes = pixels::to_rgb8(&released.pixels)?;
//! image::save_buffer(&released_file, &bytes, width as u32, height as u32, image::ColorType::Rgb8)?;
//! # std::fs::remove_file(released_file)?;
//! # Ok(())
//! # }
//! ```

#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "transfers of tests need not be counted"))]

mod activator;
mod descent;
mod error;
mod jnd;
mod luminance;
mod objective;
mod optimise;
pub mod pixels;
mod planes;
mod position;
mod settings;
mod stop;
mod vectors;
mod views;

pub use activator::{Activated, Activator};
pub use burn;
pub use descent::Perturbation;
pub use error::{Error, Result};
pub use extractor::{self, DescriptorNetwork, describe, describe_prepared};
pub use index;
pub use jnd::jnd_map;
pub use objective::{Objective, Step};
pub use optimise::{Optimised, Progress, Trace};
pub use position::Position;
pub use settings::{Budget, Masked, Optimizer, Settings};
pub use stop::{End, Stop};

//! Active image indexing (Fernandez et al., ICLR 2023) on burn: changes an image imperceptibly before its release, so
//! that edited copies of it are found again.
//!
//! - An index stores a code of each descriptor, and a search visits only some of its cells. An edited
//!   copy is lost when its descriptor leaves the cell of the original.
//! - Activation changes the pixels instead of the index: the index keeps the code of the original.
//! - The target of the descriptor is what the index stores, `q(x)`: a centroid plus a decoded residual.
//! - The descriptor term `L_f` is the negative cosine to the target (equation 4); [`Objective`] has alternatives.
//! - The image term `L_i` is the mean squared change, in the normalised space of the extractor.
//! - Each step minimises `lambda_f L_f + lambda_i L_i` by a backward pass of the network to the pixels. Weights are
//!   constants.
//! - The paper's change is `S H tanh(delta)`, updated by Adam; the map `H` of just-noticeable differences hides it
//!   where the image is textured (section 3.3). See [`jnd_map`] and [`Perturbation`].
//! - The default is steepest descent under a budget of squared change instead, over random edited views of the image,
//!   towards the inside of its cell. [`Settings::paper`] is the original method.
//! - The released image is rounded to the levels of its file, and [`Activated`] reports its descriptor's position.
//!
//! The crate reads no files, prints nothing and picks no device. It re-exports [`extractor`] and [`index`], so that an
//! application needs no other dependency besides a decoder for its images.
//!
//! ```
//! use active_index_activate::{Activator, Settings, index::Index, pixels, extractor::{Extractor, weights::Manifest}};
//! use active_index_activate::burn::tensor::Device;
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
pub use settings::{Budget, Masked, Optimiser, Settings};
pub use stop::{End, Stop};

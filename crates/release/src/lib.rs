//! Releases images: from image files to activated files, and to their entries in a collection.
//!
//! - [`Releaser`]: reads [`Job`]s, activates their images for indexes, and encodes the strongest change that [`QualityLimits`]
//!   allow.
//! - [`Destination`]: place of the released files. A [`Folder`] remembers nothing; [`Remembering`] keeps entries in a collection,
//!   where an image is known again by the digest of its file.
//! - [`ReleasedImage`]: report on one job.
//! - [`Events`]: progress and cancellation, for the caller to receive.
//! - [`quality`]: difference of a released image to its original (PSNR, SSIM, L-infinity).
//!
//! Threads read and decode ahead of the activation, and another one encodes and writes behind it. The crate parses no command
//! line, prints nothing and picks no device.
//!
//! # Example
//!
//! A photograph is released into a collection, and known when it comes again.
//!
//! ```
//! use active_index_release::{Decision, Ignored, Job, Options, Releaser, Remembering};
//! use burn::tensor::{Device, Distribution, Tensor};
//! use collection::{Collection, Meta};
//! use extractor::Extractor;
//! use index::{Index, TrainConfig};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
//! # let weights = root.join("tests/golden/extractors/sscd.classy.pt");
//! # let photo = root.join("samples/17_igloo.jpg");
//! # let folder = tempfile::tempdir()?;
//! let extractor = Extractor::load(&weights, &Device::flex())?;
//! let vectors = Tensor::random([400, extractor.dimension()], Distribution::Normal(0.0, 1.0), &Device::flex());
//! let quantiser = Index::train(&"IVF4,PQ4x4".parse()?, vectors, &TrainConfig::default())?;
//! let shop = Collection::create(&folder.path().join("shop"), &quantiser)?;
//!
//! let mut options = Options::default();
//! options.settings.iterations = 1;
//! let releaser = Releaser::new(&extractor, false, std::slice::from_ref(shop.quantiser()), options)?;
//! let job = Job {
//!     input: photo,
//!     name: "igloo.jpg".into(),
//!     output: folder.path().join("igloo.png"),
//!     meta: Meta::from_iter([("licence".to_owned(), "CC0".into())]),
//!     decision: Decision::Release,
//! };
//! let jobs = [job];
//! let released = releaser.release(&jobs, &Remembering::new(&shop)?, &Ignored, None)?.remove(0);
//! let figures = released.figures.ok_or("no figures")?;
//! assert!(jobs[0].output.is_file() && figures.psnr >= 42.5);
//!
//! let again = releaser.release(&jobs, &Remembering::new(&shop)?, &Ignored, None)?.remove(0);
//! assert!(again.was_known());
//! assert_eq!(again.remembered.map(|entry| entry.id), released.remembered.map(|entry| entry.id));
//! # Ok(())
//! # }
//! ```

mod activation;
mod batch;
mod destination;
mod error;
mod events;
mod finished_image;
mod job;
mod options;
mod original;
mod pair;
mod pixel_tensor;
pub mod quality;
mod quality_limits;
mod released_image;
mod releaser;
mod remembering;

pub use self::{
    destination::{Destination, Examined, Folder, ReleasedFile, Taken},
    error::{Error, Result, one_line},
    events::{Events, Ignored},
    job::{Decision, Job},
    options::Options,
    pair::{Keep, Pair},
    quality_limits::QualityLimits,
    released_image::{Figures, ReleasedImage, Remembered, Status},
    releaser::Releaser,
    remembering::{Remembering, witness_kind},
};

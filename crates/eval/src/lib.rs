//! How many edited copies an index finds.
//!
//! - [`Transform`]: the edits people make to images, each by name (`crop=0.5`, `meme`, `auto`).
//! - [`quality`]: how far a released image is from the original (PSNR, SSIM, L-infinity).
//! - [`distractors`]: descriptors that look like real ones, to fill an index with.
//! - [`Setting::compare`]: originals against released images under the same edits.
//! - [`retrieval`]: recall and mean average precision of the right id.
//! - [`Ranks`]: the same for all edits, with [`bootstrap`] intervals, released images paired with originals.
//! - [`copy_detection`]: micro average precision and the precision-recall curve over all queries at once.
//!
//! Pixels are 8-bit RGB; descriptors are `[n, d]`, row-major, unit norm. The crate reads no files, prints
//! nothing and knows no network. Whatever is random takes a seed.

pub mod bootstrap;
mod comparison;
pub mod copy_detection;
pub mod distractors;
mod error;
pub mod quality;
mod ranks;
pub mod retrieval;
mod transform;

pub use comparison::{Comparison, Setting};
pub use error::{Error, Result};
pub use ranks::{Compared, Estimate, Ranks, Summary};
pub use transform::{MAX_PIXELS, Transform};

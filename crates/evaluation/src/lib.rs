//! Evaluation of active indexing: share of the edited copies that an index finds.
//!
//! - [`Edit`]: the edits people make to images, each by name (`crop=0.5`, `meme`, `auto`).
//! - [`quality`]: difference of a released image to its original (PSNR, SSIM, L-infinity).
//! - [`distractors`]: synthetic descriptors that fill an index to a realistic size.
//! - [`Setting::compare`]: originals against released images under the same edits.
//! - [`retrieval`]: recall and mean average precision of the right id, with [`bootstrap`] intervals.
//! - [`copy_detection`]: micro average precision and the precision-recall curve over all queries at once.
//!
//! Pixels are 8-bit RGB; descriptors are `[n, d]`, row-major, unit norm. The crate prints nothing and picks no device.
//! Everything random takes a seed.

pub mod bootstrap;
mod comparison;
pub mod copy_detection;
pub mod distractors;
mod edits;
mod error;
pub mod quality;
pub mod retrieval;

pub use comparison::{Comparison, Setting};
pub use edits::{Edit, MAX_PIXELS};
pub use error::{Error, Result};

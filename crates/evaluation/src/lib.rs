//! Evaluation of active indexing: the share of edited copies that an index finds.
//!
//! - [`Edit`]: the edits people make to images, each by name (`crop=0.5`, `meme`, `auto`).
//! - [`pipeline`]: images to descriptors of their edited copies, resumable.
//! - [`retrieval`]: rank, recall and mean average precision of the right entry, with [`bootstrap`] intervals.
//! - [`copy_detection`]: micro average precision of queries of which some have no match.
//! - [`quality`]: difference of a released image to its original (PSNR, SSIM, L-infinity).
//! - [`distractors`]: further entries that fill an index to a realistic size.
//! - [`Events`]: progress, failures and cancellation, for the caller to receive.
//!
//! Pixels are 8-bit RGB; descriptors are `[n, d]`, row-major, unit norm. The crate prints nothing and picks no device.
//! Everything random takes a seed.

pub mod bootstrap;
pub mod copy_detection;
pub mod distractors;
mod edits;
mod entry_names;
mod error;
mod events;
pub mod pipeline;
pub mod quality;
pub mod retrieval;

pub use self::{
    edits::{Edit, EditSet, MAX_PIXELS},
    entry_names::EntryNames,
    error::{Error, Result},
    events::{Events, Ignored, Task},
};

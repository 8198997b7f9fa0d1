//! `eval retrieval` and `eval copy-detection`: evaluations of the library, as tables, documents and pages.

mod copy_detection;
mod gallery;
mod opening;
pub mod retrieval;
pub mod selection;
mod settings;

pub use self::{copy_detection::copy_detection, opening::open};

//! `eval retrieval` and `eval copy-detection`: evaluations of the library, reported as tables, JSON and pages.

pub mod copy_detection;
mod extractor_check;
mod gallery;
pub mod retrieval;
pub mod selection;
mod settings;

pub use self::extractor_check::open;

//! `eval retrieval`, `eval copy-detection` and `eval find`: evaluations of the library, reported as tables, JSON and pages.

pub mod copy_detection;
mod extractor_check;
pub mod find;
mod gallery;
pub mod retrieval;
pub mod selection;
mod settings;

pub use self::extractor_check::open;

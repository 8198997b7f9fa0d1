//! `eval retrieval` and `eval copy-detection`: how many edited copies an index finds.

mod copy_detection;
mod gallery;
mod gather;
mod pipeline;
pub mod retrieval;
mod settings;
mod state;
pub mod stored;
pub mod subjects;

pub use copy_detection::copy_detection;

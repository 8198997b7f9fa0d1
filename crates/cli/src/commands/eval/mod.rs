//! `eval retrieval` and `eval copy-detection`: how many edited copies an index finds.

mod copy_detection;
mod gallery;
mod gather;
mod pipeline;
mod retrieval;
mod settings;
mod state;
mod stored;
mod subjects;

pub use copy_detection::copy_detection;
pub use retrieval::retrieval;

//! From a model's name to named tensors: the manifest, fetching, reading.

mod checkpoint;
mod fetch;
mod manifest;
mod onnx;

pub use checkpoint::{Array, Checkpoint, CheckpointError};
pub use fetch::Progress;
pub use manifest::{Manifest, Model, PackageSource};

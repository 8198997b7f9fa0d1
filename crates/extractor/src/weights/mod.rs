//! From a model's name or a file to named tensors: the manifest, fetching, reading, converting.

mod checkpoint;
mod elements;
mod fetch;
mod fold;
mod manifest;
mod onnx;
mod read;
mod safetensors;
mod torch;

pub use checkpoint::{Array, Checkpoint, CheckpointError};
pub use fetch::Progress;
pub(crate) use fold::Folding;
pub use manifest::{AddressSource, Manifest, Model, ModelSource, PackageSource};
pub use read::{Options, Weights};

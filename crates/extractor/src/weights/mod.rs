//! Weights: the manifest of models, fetching, and reading of safetensors, ONNX and PyTorch files.

mod fetch;
mod file_kind;
mod float_type;
mod manifest;
mod onnx;
mod safetensors;
mod sha256;
mod torch;
mod weights_file;

pub use crate::{
    architecture::public_checkpoint::Options,
    checkpoint::{Array, Checkpoint, CheckpointError},
};
pub use fetch::Progress;
pub use manifest::{AddressSource, Manifest, Model, ModelSource, PackageSource};
pub use weights_file::Weights;

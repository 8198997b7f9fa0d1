//! Options of every verb.

use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};
use extractor::Precision;

/// Options of every verb.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Device to compute on: auto, cpu, wgpu[:N] or cuda[:N]; `active-index devices` lists them
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// Extractor weights: a model of the manifest, or a safetensors, PyTorch, TorchScript or ONNX file [default:
    /// the manifest's default model]
    #[arg(long, global = true, value_name = "NAME|FILE")]
    pub weights: Option<String>,
    /// Precision of the descriptor convolutions; reduced precision is meant for GPUs
    #[arg(long, global = true, value_enum, default_value_t = DescriptorPrecision::Single, value_name = "PRECISION")]
    pub descriptor_precision: DescriptorPrecision,
    /// Maximum number of CPU threads [default: one per core]
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Print the result as one JSON document instead of a table
    #[arg(long, global = true)]
    pub json: bool,
    /// Print details such as the device and the weights in use on stderr
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// Precision of the factors of the descriptor convolutions; matrix units accumulate in single precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DescriptorPrecision {
    /// 32-bit floats, on every device
    Single,
    /// TF32, 11 bits of mantissa: NVIDIA GPUs through CUDA
    Tf32,
    /// bfloat16, 8 bits of mantissa: most GPUs through CUDA, and CPUs with AVX-512 BF16
    Bf16,
    /// float16, 11 bits of mantissa: most GPUs
    F16,
}

impl From<DescriptorPrecision> for Precision {
    fn from(name: DescriptorPrecision) -> Self {
        match name {
            DescriptorPrecision::Single => Self::Single,
            DescriptorPrecision::Tf32 => Self::Tf32,
            DescriptorPrecision::Bf16 => Self::Bf16,
            DescriptorPrecision::F16 => Self::F16,
        }
    }
}

//! `cargo xtask convert-weights`: converts a published weights file to one that describes itself.

use std::path::PathBuf;

use anyhow::Result;
use burn::tensor::Device;
use extractor::{
    Extractor, Pooling, Preprocess,
    weights::{Options, Weights},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// TorchScript archive, PyTorch state dict or checkpoint, ONNX file (float32, or int8 with scales), safetensors
    input: PathBuf,
    /// The converted file
    #[arg(long, value_name = "FILE.safetensors")]
    out: PathBuf,
    /// Attention heads of a transformer [default: one for every 64 channels]
    #[arg(long)]
    heads: Option<usize>,
    /// Exponent of generalised-mean pooling [default: 3 with a projection, of EfficientNets 1]
    #[arg(long, value_name = "P")]
    gem: Option<f64>,
    /// Edge of the input, in pixels, stretched, with ImageNet's mean and deviation [default: the published models']
    #[arg(long)]
    size: Option<usize>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let options = Options {
        heads: arguments.heads,
        pooling: arguments.gem.map(Pooling::Gem),
        preprocess: arguments.size.map(|size| Preprocess { size, ..Preprocess::default() }),
    };
    let mut weights = Weights::read_with(&arguments.input, &options)?;
    weights.name_source(&arguments.input)?;
    // Weights that no extractor can be built from are not written.
    let fingerprint = Extractor::from_weights(&weights, &Device::flex())
        .map_err(|error| anyhow::anyhow!("{}: {error}", arguments.input.display()))?
        .fingerprint();
    weights.write(&arguments.out)?;
    let spec = &weights.spec;
    let numbers: usize = weights.tensors.iter().map(|(_, array)| array.values.len()).sum();
    println!("{}: {}, {numbers} numbers, {}", arguments.out.display(), spec.architecture, spec.pooling);
    println!("descriptors of {} numbers, input of {} pixels", spec.dimension, spec.preprocess.size);
    println!("fingerprint {fingerprint}");
    Ok(())
}

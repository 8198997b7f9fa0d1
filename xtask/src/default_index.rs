//! `cargo xtask default-index`: the index that comes with the program.

use std::path::PathBuf;

use anyhow::Result;
use burn::tensor::{Device, Tensor};
use eval::distractors;
use index::{Factory, Index, TrainConfig, npy};
use indicatif::ProgressBar;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Real descriptors, float32 [n, d], in one or several files
    #[arg(required = true, value_name = "DESCRIPTORS.npy")]
    descriptors: Vec<PathBuf>,
    /// Kind of index
    #[arg(long, default_value = "IVF1024,PQ8x8")]
    factory: Factory,
    /// Synthetic entries, drawn from a Gaussian fitted to the real ones
    #[arg(long, default_value_t = 100_000)]
    synthetic: usize,
    /// Seed of the synthetic entries and of the training
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The index [default: weights/default.faiss]
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Trains on real and synthetic descriptors together and stores both: the real ones have the ids from 0.
pub fn run(arguments: &Arguments) -> Result<()> {
    let device = Device::flex();
    let real = arguments.descriptors.iter().map(|path| Ok(npy::read_descriptors(path, &device)?));
    let real = Tensor::cat(real.collect::<Result<Vec<_>>>()?, 0);
    let synthetic = distractors::gaussian(real.clone(), arguments.synthetic, arguments.seed);
    let vectors = Tensor::cat(vec![real, synthetic], 0);

    let config = TrainConfig { seed: arguments.seed, ..TrainConfig::default() };
    let bar = ProgressBar::no_length();
    let mut index = Index::train_with_progress(&arguments.factory, vectors.clone(), &config, &mut |_| bar.inc(1))?;
    bar.finish_and_clear();
    index.add(vectors)?;
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => crate::root()?.join("weights/default.faiss"),
    };
    index.write(&out)?;
    println!("{}: {}, {} entries, {} bytes", out.display(), index.factory(), index.ntotal(), std::fs::metadata(&out)?.len());
    Ok(())
}

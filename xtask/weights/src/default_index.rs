//! `cargo xtask default-index`: builds the bundled index.

use std::path::PathBuf;

use anyhow::Result;
use burn::tensor::{Device, Tensor};
use evaluation::distractors;
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
    /// Leave out real descriptors that show the same picture as one of these, float32 [n, d]
    #[arg(long, value_name = "FILE.npy")]
    except: Option<PathBuf>,
    /// Seed of the synthetic entries and of the training
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The index [default: weights/default.faiss]
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Cosine above which two descriptors count as the same picture; unrelated photographs stay below 0.3.
const SAME_PICTURE: f32 = 0.4;

/// Trains on real and synthetic descriptors together and stores both: the real ones have the ids from 0.
pub fn run(arguments: &Arguments) -> Result<()> {
    let device = Device::flex();
    let real = arguments.descriptors.iter().map(|path| Ok(npy::read_descriptors(path, &device)?));
    let mut real = Tensor::cat(real.collect::<Result<Vec<_>>>()?, 0);
    if let Some(path) = &arguments.except {
        real = without(real, npy::read_descriptors(path, &device)?)?;
    }
    println!("{} real descriptors, {} synthetic ones", real.dims()[0], arguments.synthetic);
    let synthetic = distractors::gaussian(real.clone(), arguments.synthetic, arguments.seed);
    let vectors = Tensor::cat(vec![real, synthetic], 0);

    let config = TrainConfig { seed: arguments.seed, ..TrainConfig::default() };
    let bar = ProgressBar::no_length();
    let mut index =
        Index::train_with_progress(&arguments.factory, vectors.clone(), &config, &mut |_| bar.inc(1))?;
    bar.finish_and_clear();
    index.add(vectors)?;
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => crate::root()?.join("weights/default.faiss"),
    };
    index.write(&out)?;
    println!(
        "{}: {}, {} entries, {} bytes",
        out.display(),
        index.factory(),
        index.ntotal(),
        std::fs::metadata(&out)?.len()
    );
    Ok(())
}

/// Rows of `real` `[n, d]` that are not copies of a row of `except` `[m, d]`. In an index, a copy would count as a
/// wrong answer to a query for its picture.
fn without(real: Tensor<2>, except: Tensor<2>) -> Result<Tensor<2>> {
    let nearest = real.clone().matmul(except.transpose()).max_dim(1);
    let nearest: Vec<f32> = nearest.into_data().try_to_vec().map_err(|e| anyhow::anyhow!("{e}"))?;
    let kept: Vec<i64> =
        (0..).zip(nearest).filter(|(_, cosine)| *cosine < SAME_PICTURE).map(|(row, _)| row).collect();
    let device = real.device();
    Ok(real.select(0, Tensor::from_ints(kept.as_slice(), &device)))
}

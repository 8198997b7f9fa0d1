//! `cargo xtask synthetic`: draws descriptors that fill a collection to a realistic size.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use burn::tensor::Device;
use evaluation::distractors;
use index::npy;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Real descriptors to fit the Gaussian to, float32 [n, d]
    #[arg(value_name = "DESCRIPTORS.npy")]
    descriptors: PathBuf,
    /// Number of descriptors to draw; all of them are in memory, at 4 d bytes each
    #[arg(long, default_value_t = 516_096)]
    count: usize,
    /// Seed of the draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Output file, float32 [count, d]
    #[arg(long, value_name = "FILE.npy")]
    out: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let real = npy::read_descriptors(&arguments.descriptors, &Device::flex())?;
    let [n, d] = real.dims();
    ensure!(n > 1, "{}: expected at least 2 descriptors, found {n}", arguments.descriptors.display());
    let drawn = distractors::gaussian(real, arguments.count, arguments.seed);
    npy::write_tensor(&arguments.out, drawn)?;
    println!("{}: {} descriptors of {d} numbers", arguments.out.display(), arguments.count);
    Ok(())
}

//! Rates of the machine and memory of this process.

use std::{
    hint::black_box,
    thread::{available_parallelism, scope},
    time::Instant,
};

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor};

use crate::workload::{D, NLIST};

/// Number of repeats; the fastest gives the machine's rate.
const REPEATS: usize = 6;

/// Peak resident memory of this process, MiB.
pub fn peak_memory() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kibibytes: f64 = line.split_whitespace().next().context("empty VmHWM")?.parse()?;
    Ok(kibibytes / 1024.0)
}

/// Rate at which all threads together sum 1 GiB, in GB/s.
pub fn bandwidth() -> f64 {
    let buffer = vec![1u64; 1 << 27];
    let threads = threads();
    let fastest = fastest(|| {
        scope(|scope| {
            for part in buffer.chunks(buffer.len().div_ceil(threads)) {
                scope.spawn(move || black_box(part.iter().fold(0u64, |sum, &x| sum.wrapping_add(x))));
            }
        });
    });
    size_of_val(&buffer[..]) as f64 / fastest / 1e9
}

/// Rate of burn's product of `[NLIST, D]` by `[D, NLIST]`, in GFLOP/s.
pub fn product() -> f64 {
    let a = Tensor::<2>::ones([NLIST, D], &Device::flex());
    let fastest = fastest(|| drop(black_box(a.clone().matmul(a.clone().transpose()).into_data())));
    2.0 * (NLIST * NLIST * D) as f64 / fastest / 1e9
}

fn fastest(mut call: impl FnMut()) -> f64 {
    let times = (0..REPEATS).map(|_| {
        let started = Instant::now();
        call();
        started.elapsed().as_secs_f64()
    });
    times.fold(f64::INFINITY, f64::min)
}

/// Number of threads of this process: the parent's choice, or all.
fn threads() -> usize {
    let said = std::env::var("RAYON_NUM_THREADS").ok().and_then(|threads| threads.parse().ok());
    said.unwrap_or_else(|| available_parallelism().map_or(1, usize::from)).max(1)
}

//! How many images a second a device describes and activates, and how long it trains and searches an index: beside our
//! own CPU, PyTorch on the same device (eager and compiled, in three precisions) and faiss on the CPU. Below the table,
//! what a step of an activation sends and reads, and who waits for whom.
//!
//! ```text
//! PEER_PYTHON=target/torch/bin/python cargo bench -p benches -p cli --features benches/cuda --bench device -- --device cuda
//! ```
#![allow(clippy::print_stdout)]

#[path = "../step/peer.rs"]
mod peer;
mod trace;
mod work;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use clap::Parser;
use extractor::{Precision, weights::Manifest};
use peer::Peer;
use work::{Side, Work};

#[derive(Parser)]
struct Arguments {
    /// cpu, wgpu or cuda; the latter two with the feature of that name.
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Images that go through the network together.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    batches: Vec<usize>,
    /// Edge of the images that are activated.
    #[arg(long, default_value_t = 512)]
    side: usize,
    /// Steps of an activation.
    #[arg(long, default_value_t = 10)]
    steps: usize,
    /// A weights file, from the project's folder, instead of the default model: small ones let a software driver through. The
    /// peer reads ONNX alone.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Edge of the network's input.
    #[arg(long, default_value_t = 288)]
    size: usize,
    /// Vectors that an index is trained on, and that it stores; 0 leaves indexes out.
    #[arg(long, default_value_t = 262_144)]
    vectors: usize,
    /// Queries of a search.
    #[arg(long, default_value_t = 10_000)]
    queries: usize,
    /// Counted measurements, after one that is not: it chooses kernels and compiles them.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Leaves our own CPU out.
    #[arg(long)]
    device_only: bool,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What PyTorch is asked for on the device.
const PEERS: [&str; 5] = ["eager-f32", "eager-tf32", "eager-bf16", "compiled-tf32", "compiled-bf16"];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let weights = match &arguments.weights {
        Some(file) => root.join(file),
        None => Manifest::bundled().default_model().fetch(&root.join("weights"), &mut |_| ())?,
    };
    let side = |device, precision| Side::new(&weights, arguments.size, device, precision);
    let there = side(device(&arguments.device)?, Precision::Single)?;
    let rough = side(device(&arguments.device)?, Precision::Bf16);
    let host = (!arguments.device_only).then(|| side(Device::flex(), Precision::Single)).transpose()?;
    let start = |python: std::ffi::OsString| {
        Peer::start(&python, "torch_device.py", &[weights.as_os_str(), arguments.device.as_ref()])
    };
    if let Err(error) = &rough {
        println!("bf16 is left out: {error}");
    }
    let mut peer = std::env::var_os("PEER_PYTHON").map(start).transpose()?;
    let name = peer.as_ref().map_or("no peer (set PEER_PYTHON)", |peer| &peer.version);
    println!(
        "active-index {} on {} and {name}; medians of {}",
        env!("CARGO_PKG_VERSION"),
        arguments.device,
        arguments.runs
    );
    println!(
        "| work | ours | ours, bf16 | our CPU | {} | faiss-cpu |\n|---|---|---|---|---|---|---|---|---|---|",
        PEERS.join(" | ")
    );
    for work in works(&arguments) {
        let mine = median(&work, arguments.runs, |work| there.measure(work))?;
        let rough = rough.as_ref().ok().filter(|_| work.is_differentiated());
        let rough =
            rough.map(|rough| median(&work, arguments.runs, |work| rough.measure(work))).transpose()?;
        // One of them: an activation of 64 images takes minutes.
        let own = host.as_ref().map(|host| median(&work, 1, |work| host.measure(work))).transpose()?;
        let mut ask = |peer_name: &str| match &mut peer {
            Some(peer) if work.is_known_to(peer_name) => {
                let request = work.request(peer_name);
                median(&work, arguments.runs, |_| peer.measure(&request)).map(Some)
            }
            _ => Ok(None),
        };
        let others = PEERS.into_iter().chain(["faiss"]).map(&mut ask).collect::<Result<Vec<_>>>()?;
        let cells: Vec<_> =
            [Some(mine), rough, own].into_iter().chain(others).map(|seconds| work.cell(seconds)).collect();
        println!("| {} | {} |", work.name(), cells.join(" | "));
    }
    println!("\n{}", trace::HEADING);
    for &batch in &arguments.batches {
        for (name, settings) in trace::settings(arguments.steps) {
            println!("| {name}, batch {batch} | {} |", there.trace(settings, batch, arguments.side)?);
        }
    }
    Ok(())
}

fn works(arguments: &Arguments) -> Vec<Work> {
    let Arguments { side, steps, vectors, queries, .. } = *arguments;
    let batches = || arguments.batches.iter().copied();
    let describe = batches().map(|batch| Work::Describe { batch });
    let mut works: Vec<_> =
        describe.chain(batches().map(|batch| Work::Activate { batch, side, steps })).collect();
    if vectors > 0 {
        works.extend([Work::Train { vectors }, Work::Search { vectors, queries }]);
    }
    works
}

fn device(name: &str) -> Result<Device> {
    match name {
        "cpu" => Ok(Device::flex()),
        #[cfg(feature = "wgpu-untuned")]
        "wgpu" => Ok(Device::wgpu(Default::default())),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(0)),
        other => bail!("--device {other}: expected cpu, or wgpu or cuda with --features benches/{other}"),
    }
}

/// The median of `runs` measurements in seconds, after one that is not counted.
fn median(work: &Work, runs: usize, mut measure: impl FnMut(&Work) -> Result<f64>) -> Result<f64> {
    let all = (0..=runs).map(|_| measure(work)).collect::<Result<Vec<_>>>()?;
    let mut counted = all[1..].to_vec();
    counted.sort_by(f64::total_cmp);
    counted.get(counted.len() / 2).copied().context("--runs: expected at least 1")
}

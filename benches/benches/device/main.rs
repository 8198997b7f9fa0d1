//! Images per second that a device describes and activates, in each precision it has, and the time it takes
//! to train and search an index; beside our CPU, PyTorch on the same device (eager and compiled, in the same
//! precision) and faiss on the CPU. The first table compares the device's descriptors with our CPU's. The
//! last table lists the transfers and waits of an activation step. A failed measurement has its reason below
//! the tables, and the others still run.
//!
//! ```text
//! PEER_PYTHON=target/torch/bin/python cargo bench -p benches -p cli --features benches/cuda --bench device -- --device cuda
//! ```
#![expect(clippy::print_stdout, reason = "benchmarks print their tables")]

#[path = "../step/peer.rs"]
mod peer;
mod table;
mod trace;
mod work;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use clap::Parser;
use extractor::{Precision, weights::Manifest};
use peer::Peer;
use table::{Measured, Table};
use work::{Side, Work};

#[derive(Parser)]
struct Arguments {
    /// Device: cpu, wgpu or cuda; the latter two need the feature of that name.
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Images that go through the network together.
    #[arg(long, value_delimiter = ',', default_values_t = [16, 64, 1])]
    batches: Vec<usize>,
    /// Edge of the images that are activated.
    #[arg(long, default_value_t = 512)]
    side: usize,
    /// Steps of an activation.
    #[arg(long, default_value_t = 10)]
    steps: usize,
    /// Weights file, relative to the project's folder, instead of the default model; a software driver needs
    /// a small one. The peer reads only ONNX.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Edge of the network's input.
    #[arg(long, default_value_t = 288)]
    size: usize,
    /// Number of vectors that an index is trained on and stores; 0 leaves indexes out.
    #[arg(long, default_value_t = 262_144)]
    vectors: usize,
    /// Queries of a search.
    #[arg(long, default_value_t = 10_000)]
    queries: usize,
    /// Counted measurements, after one uncounted that chooses and compiles kernels.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Largest batch on our CPU, which is measured once: 64 images take minutes. 0 leaves it out.
    #[arg(long, default_value_t = 16)]
    cpu_batch: usize,
    /// Argument added by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Precisions and their names in the tables and for the peer.
const PRECISIONS: [(Precision, &str); 4] = [
    (Precision::Single, "f32"),
    (Precision::Tf32, "tf32"),
    (Precision::Bf16, "bf16"),
    (Precision::F16, "f16"),
];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let weights = match &arguments.weights {
        Some(file) => benches::root().join(file),
        None => Manifest::bundled().default_model().fetch(&benches::root().join("weights"), &mut |_| ())?,
    };
    let device = device(&arguments.device)?;
    let side = |device: &Device, precision| Side::new(&weights, arguments.size, device, precision);
    let host = side(&Device::flex(), Precision::Single)?;
    let start = |python: std::ffi::OsString| {
        Peer::start(&python, "torch_device.py", &[weights.as_os_str(), arguments.device.as_ref()])
    };
    let mut peer = std::env::var_os("PEER_PYTHON").map(start).transpose()?;
    let name = peer.as_ref().map_or("no peer (set PEER_PYTHON)", |peer| &peer.version);
    let (version, runs) = (env!("CARGO_PKG_VERSION"), arguments.runs);
    println!("active-index {version} on {} and {name}; medians of {runs}\n", arguments.device);

    let mut table = Table::default();
    println!("| descriptors in | largest difference from our CPU | least cosine |\n|---|---|---|");
    let mut sides = Vec::new();
    for (precision, name) in PRECISIONS {
        if let Some(there) = table.attempt(name, || side(&device, precision)) {
            if let Some([largest, cosine]) = table.attempt(name, || there.differs_from(&host)) {
                println!("| {name} | {largest:.1e} | {cosine:.6} |");
            }
            sides.push((name, there));
        }
    }

    println!("\n{}", table::IMAGES);
    for work in images(&arguments) {
        let own = (work.batch() <= arguments.cpu_batch)
            .then(|| table.attempt("our CPU", || median(1, || host.measure(&work))))
            .flatten();
        for (name, there) in &sides {
            if !there.has_gradients && work.is_differentiated() {
                continue;
            }
            let ours = table.attempt(name, || median(runs, || there.measure(&work)));
            let mut ask = |mode: &str| {
                let request = work.request(&format!("{mode}-{name}"));
                let peer = peer.as_mut()?;
                table.attempt(&request, || median(runs, || peer.measure(&request)))
            };
            let [eager, compiled] = ["eager", "compiled"].map(&mut ask);
            println!("{}", work.images_row(name, &Measured { ours, eager, compiled, own }));
        }
    }
    if arguments.vectors > 0
        && let Some((_, there)) = sides.first()
    {
        println!("\n{}", table::INDEXES);
        for work in indexes(&arguments) {
            let ours = table.attempt("ours", || median(runs, || there.measure(&work)));
            let own = table.attempt("our CPU", || median(1, || host.measure(&work)));
            let faiss = peer.as_mut().and_then(|peer| {
                let request = work.request("faiss");
                table.attempt(&request, || median(1, || peer.measure(&request)))
            });
            println!("{}", work.index_row(ours, own, faiss));
        }
    }

    println!("\n{}", trace::HEADING);
    for (name, there) in sides.iter().filter(|(_, there)| there.has_gradients) {
        for (method, settings) in trace::settings(arguments.steps) {
            let batch = arguments.batches[0];
            let traced = table.attempt(method, || there.trace(settings, batch, arguments.side));
            println!(
                "| {method}, {name}, batch {batch} | {} |",
                traced.unwrap_or_else(|| "failed".to_owned())
            );
        }
    }
    table.print_failures();
    Ok(())
}

fn images(arguments: &Arguments) -> Vec<Work> {
    let Arguments { side, steps, .. } = *arguments;
    let of_batch = |&batch: &usize| [Work::Describe { batch }, Work::Activate { batch, side, steps }];
    arguments.batches.iter().flat_map(of_batch).collect()
}

fn indexes(arguments: &Arguments) -> [Work; 2] {
    let Arguments { vectors, queries, .. } = *arguments;
    [Work::Train { vectors }, Work::Search { vectors, queries }]
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

/// Median of `runs` measurements in seconds, after one uncounted.
fn median(runs: usize, mut measure: impl FnMut() -> Result<f64>) -> Result<f64> {
    let all = (0..=runs).map(|_| measure()).collect::<Result<Vec<_>>>()?;
    let mut counted = all[1..].to_vec();
    counted.sort_by(f64::total_cmp);
    counted.get(counted.len() / 2).copied().context("--runs: expected at least 1")
}

//! Time of a pass of the network at 288 x 288 (forward for describing, forward and gradient to the input for
//! one activation step) and of a whole activation of ten steps; taking turns with PyTorch, in both of its
//! layouts, and with onnxruntime on the same weights.
//!
//! ```text
//! python3 -m venv target/torch && target/torch/bin/pip install torch numpy onnx onnxruntime
//! PEER_PYTHON=target/torch/bin/python cargo bench -p benches --bench step
//! ```
#![expect(clippy::print_stdout, reason = "benchmarks print their tables")]

mod layers;
mod peer;

use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use activate::{Activator, Settings};
use anyhow::{Context, Result};
use burn::tensor::{Device, Distribution, Tensor};
use clap::Parser;
use extractor::{Extractor, weights::Manifest};
use index::{Index, Target};
use peer::Peer;

#[derive(Parser)]
struct Arguments {
    /// Counted measurements of each side, after one uncounted.
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Thread counts.
    #[arg(long, value_delimiter = ',', default_values_t = [2, 1])]
    threads: Vec<usize>,
    /// Leave out the whole activations.
    #[arg(long)]
    passes_only: bool,
    /// Print only the table of layers.
    #[arg(long)]
    layers_only: bool,
    /// Argument added by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Pause before each measurement: the threads of the other side stay awake for a while.
const PAUSE: Duration = Duration::from_millis(300);

/// Passes per measurement on all sides, because describing and activating run several. `torch_step.py` has
/// the same number.
const IN_A_ROW: u32 = 5;

/// Images in a pass.
const BATCHES: [usize; 2] = [1, 4];

/// Measured quantity.
#[derive(Clone, Copy)]
enum Work {
    Forward {
        batch: usize,
    },
    Step {
        batch: usize,
    },
    /// Ten iterations on one image.
    Activation {
        height: usize,
        width: usize,
    },
}

/// Peer of a comparison, with the word that requests it from its process.
const PEERS: [(&str, &str); 3] =
    [("PyTorch", "nchw"), ("PyTorch, channels last", "nhwc"), ("onnxruntime", "onnx")];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let weights = Manifest::bundled().default_model().fetch(&root.join("weights"), &mut |_| ())?;
    let forward = BATCHES.map(|batch| Work::Forward { batch });
    let mut works: Vec<_> = forward.into_iter().chain(BATCHES.map(|batch| Work::Step { batch })).collect();
    if !arguments.passes_only {
        works.push(Work::Activation { height: 512, width: 512 });
        works.push(Work::Activation { height: 3000, width: 4000 });
    }
    for &threads in &arguments.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        for batch in BATCHES {
            pool.install(|| layers::print(batch))?;
        }
        if arguments.layers_only {
            continue;
        }
        let mut side = Side::new(&root, &weights, threads)?;
        println!(
            "active-index {} and {}, {threads} threads, medians",
            env!("CARGO_PKG_VERSION"),
            side.name()
        );
        println!("| work | ours, ms | peer | peer, ms | ours / peer |\n|---|---|---|---|---|");
        for &work in &works {
            side.compare(work, arguments.runs)?;
        }
    }
    Ok(())
}

/// Our network and the peer's process.
struct Side {
    extractor: Extractor,
    index: Index,
    pool: rayon::ThreadPool,
    peer: Option<Peer>,
}

impl Side {
    fn new(root: &Path, weights: &Path, threads: usize) -> Result<Self> {
        let device = Device::flex();
        let start = |python: std::ffi::OsString| {
            Peer::start(&python, "torch_step.py", &[weights.as_os_str(), threads.to_string().as_ref()])
        };
        Ok(Self {
            extractor: Extractor::load(weights, &device)?,
            index: Index::open(&root.join("weights/default.faiss"), &device)?,
            pool: rayon::ThreadPoolBuilder::new().num_threads(threads).build()?,
            peer: std::env::var_os("PEER_PYTHON").map(start).transpose()?,
        })
    }

    fn name(&self) -> &str {
        self.peer.as_ref().map_or("no peer (set PEER_PYTHON)", |peer| &peer.version)
    }

    /// Measures the sides in turn and prints a row per peer.
    fn compare(&mut self, work: Work, runs: usize) -> Result<()> {
        let runs = if matches!(work, Work::Activation { .. }) { runs.div_ceil(3) } else { runs };
        let peers: Vec<_> = PEERS.into_iter().filter(|(_, word)| work.is_known_to(word)).collect();
        let (mut ours, mut theirs) = (Vec::new(), vec![Vec::new(); peers.len()]);
        for run in 0..=runs {
            sleep(PAUSE);
            let mine = self.measure(work)?;
            ours.extend((run > 0).then_some(mine));
            for ((_, word), theirs) in peers.iter().zip(&mut theirs) {
                if let Some(peer) = &mut self.peer {
                    sleep(PAUSE);
                    let seconds = peer.measure(&work.request(word))?;
                    theirs.extend((run > 0).then_some(seconds));
                }
            }
        }
        let ours = median(ours).context("no measurement")?;
        for ((name, _), theirs) in peers.iter().zip(theirs) {
            let Some(theirs) = median(theirs) else { continue };
            let (mine, milliseconds, ratio) = (1e3 * ours, 1e3 * theirs, ours / theirs);
            println!("| {} | {mine:.0} | {name} | {milliseconds:.0} | {ratio:.2} |", work.name());
        }
        if self.peer.is_none() {
            println!("| {} | {:.0} | - | - | - |", work.name(), 1e3 * ours);
        }
        Ok(())
    }

    /// Seconds of one measurement on our side.
    fn measure(&self, work: Work) -> Result<f64> {
        self.pool.install(|| match work {
            Work::Forward { batch } => Ok(self.forward(batch)),
            Work::Step { batch } => Ok(self.step(batch)),
            Work::Activation { height, width } => self.activation(height, width),
        })
    }

    fn forward(&self, batch: usize) -> f64 {
        let input = random([batch, 3, 288, 288]);
        in_a_row(|| drop(self.extractor.describe(input.clone()).into_data()))
    }

    fn step(&self, batch: usize) -> f64 {
        let (input, target) = (random([batch, 3, 288, 288]), random([batch, 512]));
        in_a_row(|| {
            let input = input.clone().autodiff().require_grad();
            let described = self.extractor.describe(input.clone());
            let mut gradients = (described * target.clone().autodiff()).sum().backward();
            drop(input.grad_remove(&mut gradients).map(Tensor::into_data));
        })
    }

    fn activation(&self, height: usize, width: usize) -> Result<f64> {
        let image = Tensor::random([1, 3, height, width], Distribution::Uniform(0.0, 1.0), &Device::flex());
        let activator = Activator::new(&self.extractor, &self.index, Settings::paper())?;
        let target = self.index.target(random([1, 512]), Target::Reconstruction)?;
        let started = Instant::now();
        drop(activator.optimise(&[image], &target, None, &mut |_| ())?);
        Ok(started.elapsed().as_secs_f64())
    }
}

impl Work {
    fn name(self) -> String {
        match self {
            Self::Forward { batch } => format!("forward, batch {batch}"),
            Self::Step { batch } => format!("step, batch {batch}"),
            Self::Activation { height, width } => format!("activation of {width} x {height}"),
        }
    }

    /// Peers of a work: onnxruntime computes no gradients, and PyTorch's layout only affects the network.
    fn is_known_to(self, peer: &str) -> bool {
        match self {
            Self::Forward { .. } => true,
            Self::Step { .. } => peer != "onnx",
            Self::Activation { .. } => peer != "onnx",
        }
    }

    fn request(self, peer: &str) -> String {
        match self {
            Self::Forward { batch } => format!("forward {peer} {batch}"),
            Self::Step { batch } => format!("step {peer} {batch}"),
            Self::Activation { height, width } => format!("activation {peer} {height} {width}"),
        }
    }
}

/// Seconds per pass of several consecutive passes.
fn in_a_row(pass: impl Fn()) -> f64 {
    let started = Instant::now();
    (0..IN_A_ROW).for_each(|_| pass());
    started.elapsed().as_secs_f64() / f64::from(IN_A_ROW)
}

fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

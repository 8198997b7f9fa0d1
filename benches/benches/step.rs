//! How long a pass of the network takes: forward (describing) and forward with the gradient to the pixels (one
//! activation step), at 288 x 288, in turn with PyTorch on the same weights.
//!
//! ```text
//! python3 -m venv target/torch && target/torch/bin/pip install torch numpy onnx
//! PEER_PYTHON=target/torch/bin/python cargo bench -p benches --bench step
//! ```
#![allow(clippy::print_stdout)]

use std::{
    io::{BufRead, BufReader, Lines, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result};
use burn::tensor::{Device, Distribution, Tensor};
use extractor::{Extractor, weights::Manifest};

/// Measurements of each side, after one that is not counted.
const RUNS: usize = 7;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let weights =
        Manifest::bundled().model("sscd_disc_mixup_int8")?.fetch(&root.join("weights"), &mut |_| ())?;
    let extractor = Extractor::load(&weights, &Device::flex())?;
    let threads = std::thread::available_parallelism()?.get();
    let mut peer =
        std::env::var_os("PEER_PYTHON").map(|python| Peer::start(&python, &weights, threads)).transpose()?;
    let name = peer.as_ref().map_or("no peer: set PEER_PYTHON", |peer| peer.version.as_str()).to_owned();
    println!(
        "active-index {} (burn 0.22.1, flex) and {name}, {threads} threads, medians of {RUNS}",
        env!("CARGO_PKG_VERSION")
    );
    println!("| pass | batch | ours, ms | peer, ms | ours / peer |\n|---|---|---|---|---|");
    for what in ["forward", "step"] {
        for batch in [1, 4] {
            println!("{}", compare(&extractor, peer.as_mut(), what, batch)?);
        }
    }
    Ok(())
}

/// One row of the table; the sides are measured in turn.
fn compare(extractor: &Extractor, mut peer: Option<&mut Peer>, what: &str, batch: usize) -> Result<String> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let mine = measure(extractor, what, batch);
        let other = peer.as_mut().map(|peer| peer.measure(what, batch)).transpose()?;
        if run > 0 {
            ours.push(mine);
            theirs.extend(other);
        }
    }
    let ours = median(ours).context("no measurement")?;
    let theirs = median(theirs);
    let text = |value: Option<f64>, digits| value.map_or("-".to_owned(), |v| format!("{v:.digits$}"));
    let (milliseconds, ratio) = (theirs.map(|t| 1e3 * t), theirs.map(|t| ours / t));
    Ok(format!("| {what} | {batch} | {:.0} | {} | {} |", 1e3 * ours, text(milliseconds, 0), text(ratio, 2)))
}

/// Seconds of one pass.
fn measure(extractor: &Extractor, what: &str, batch: usize) -> f64 {
    let device = Device::flex();
    let random = |shape| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
    let (input, target) = (random([batch, 3, 288, 288]), random([batch, 512, 1, 1]).reshape([batch, 512]));
    let started = Instant::now();
    if what == "forward" {
        drop(extractor.describe(input).into_data());
    } else {
        let input = input.autodiff().require_grad();
        let mut gradients = (extractor.describe(input.clone()) * target.autodiff()).sum().backward();
        drop(input.grad_remove(&mut gradients).map(Tensor::into_data));
    }
    started.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// A Python process that measures when asked.
struct Peer {
    version: String,
    process: Child,
    ask: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    fn start(python: &std::ffi::OsStr, weights: &Path, threads: usize) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/torch_step.py");
        let mut command = Command::new(python);
        command
            .arg(script)
            .arg(weights)
            .arg(threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().context("cannot run PEER_PYTHON")?;
        let ask = process.stdin.take().context("no stdin")?;
        let mut answers = BufReader::new(process.stdout.take().context("no stdout")?).lines();
        let version = answers.next().context("the peer said nothing")??;
        Ok(Self { version, process, ask, answers })
    }

    fn measure(&mut self, what: &str, batch: usize) -> Result<f64> {
        writeln!(self.ask, "{what} {batch}")?;
        Ok(self.answers.next().context("the peer stopped")??.parse()?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends with its input; a peer that does not is not waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! Images per second described, from files to descriptors, taking turns with a PyTorch DataLoader and Pillow
//! on the same network; images per second activated, from files to released files; and the time to read an
//! image: decoding, and resizing to 288 x 288.
//!
//! ```text
//! python3 -m venv target/torch && target/torch/bin/pip install torch numpy onnx pillow
//! cargo build --release
//! PEER_PYTHON=target/torch/bin/python cargo bench -p benches --bench describe -- PHOTOS
//! ```
#![expect(clippy::print_stdout, reason = "benchmarks print their tables")]

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use extractor::weights::Manifest;
use image_file::Reader;

/// Counted measurements of each side, after one uncounted.
const RUNS: usize = 5;
/// Counted measurements of activation, and the largest number of its images: one takes seconds.
const ACTIVATION_RUNS: usize = 3;
const ACTIVATED: usize = 24;
/// Images that go through the network together, on both sides.
const BATCH: usize = 8;
/// Edge of the network's input.
const SIZE: usize = 288;

/// Settings of the peer's method: the paper's ten steps.
const PAPER: [&str; 6] = ["--objective", "reconstruction", "--optimizer", "adam", "--iterations", "10"];

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let named = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).map(PathBuf::from);
    let folder = named.unwrap_or_else(|| root.join("samples")).canonicalize()?;
    let weights = Manifest::bundled().default_model().fetch(&root.join("weights"), &mut |_| ())?;
    let files = images(&folder)?;
    let ours = Ours { program: program()?, folder: folder.clone(), files: files.clone() };
    let threads = std::thread::available_parallelism()?.get();
    let python = std::env::var_os("PEER_PYTHON");
    let mut peer = python.map(|python| Peer::start(&python, &weights, threads, &folder)).transpose()?;
    let name = peer.as_ref().map_or("no peer: set PEER_PYTHON", |peer| peer.version.as_str()).to_owned();
    println!(
        "{} images in {}; active-index {} and {name}, {threads} threads, batches of {BATCH}, medians of {RUNS}",
        files.len(),
        folder.display(),
        env!("CARGO_PKG_VERSION")
    );
    println!("| what | ours | peer | ours / peer |\n|---|---|---|---|");
    let activation = format!("images/s, {} images, ten steps, PNG", ours.activated().len());
    let rows = [
        ("describe", "images/s", RUNS),
        ("activate", activation.as_str(), ACTIVATION_RUNS),
        ("read", "ms an image, one thread", RUNS),
    ];
    for (what, unit, runs) in rows {
        println!("{}", compare(&ours, peer.as_mut(), [what, unit], runs)?);
    }
    Ok(())
}

/// Files of a folder that both sides can read.
fn images(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_image = |path: &PathBuf| path.extension().is_some_and(|e| e == "jpg" || e == "png" || e == "webp");
    let mut files: Vec<_> = folder.read_dir()?.flatten().map(|entry| entry.path()).filter(is_image).collect();
    files.sort();
    ensure!(files.len() > 1, "{} holds {} .jpg, .png and .webp files", folder.display(), files.len());
    Ok(files)
}

/// Path of the program beside the benchmark.
fn program() -> Result<PathBuf> {
    let benchmark = std::env::current_exe()?;
    let program = benchmark.ancestors().nth(2).context("no target folder")?.join("active-index");
    ensure!(program.is_file(), "{} is missing: cargo build --release", program.display());
    Ok(program)
}

/// Measures the sides in turn and prints one row of the table.
fn compare(ours: &Ours, mut peer: Option<&mut Peer>, [what, unit]: [&str; 2], runs: usize) -> Result<String> {
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    for run in 0..=runs {
        let figure = ours.measure(what)?;
        let other = peer.as_mut().map(|peer| peer.measure(what)).transpose()?;
        if run > 0 {
            mine.push(figure);
            theirs.extend(other);
        }
    }
    let mine = median(mine).context("no measurement")?;
    let (theirs, ratio) = match median(theirs) {
        Some(theirs) => (format!("{theirs:.2}"), format!("{:.2}", mine / theirs)),
        None => ("-".to_owned(), "-".to_owned()),
    };
    Ok(format!("| {what}, {unit} | {mine:.2} | {theirs} | {ratio} |"))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Images per second. The time to start the program and load the weights is not counted: it is the fixed cost
/// of one image.
fn rate(files: &[PathBuf], seconds: impl Fn(&[PathBuf]) -> Result<f64>) -> Result<f64> {
    let (all, one) = (seconds(files)?, seconds(&files[..1])?);
    Ok((files.len() - 1) as f64 / (all - one))
}

struct Ours {
    program: PathBuf,
    folder: PathBuf,
    files: Vec<PathBuf>,
}

impl Ours {
    fn measure(&self, what: &str) -> Result<f64> {
        match what {
            "read" => self.read(),
            "activate" => rate(self.activated(), |files| self.activate(files)),
            _ => rate(&self.files, |files| self.describe(files)),
        }
    }

    fn activated(&self) -> &[PathBuf] {
        &self.files[..self.files.len().min(ACTIVATED)]
    }

    /// Seconds of the program for some files, or for the folder if they are all of it.
    fn describe(&self, files: &[PathBuf]) -> Result<f64> {
        let out = std::env::temp_dir().join(format!("describe-{}.npy", std::process::id()));
        let inputs = if files.len() == self.files.len() { std::slice::from_ref(&self.folder) } else { files };
        let seconds = self.run("describe", inputs, &out, &["--batch", &BATCH.to_string()])?;
        for file in [out.clone(), out.with_extension("names.tsv")] {
            std::fs::remove_file(file)?;
        }
        Ok(seconds)
    }

    /// Seconds of the program to release some files.
    fn activate(&self, files: &[PathBuf]) -> Result<f64> {
        let out = std::env::temp_dir().join(format!("activated-{}", std::process::id()));
        let seconds = self.run("activate", files, &out, &PAPER)?;
        std::fs::remove_dir_all(out)?;
        Ok(seconds)
    }

    fn run(&self, verb: &str, inputs: &[PathBuf], out: &Path, options: &[&str]) -> Result<f64> {
        let mut command = Command::new(&self.program);
        command.arg(verb).args(inputs).arg("--out").arg(out).args(options).arg("--json");
        let output = command.output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        let document: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        document["seconds"].as_f64().context("no seconds")
    }

    /// Milliseconds of decoding and resizing, on one thread.
    fn read(&self) -> Result<f64> {
        let started = Instant::now();
        for file in &self.files {
            let planes = Reader::default().open(file)?.pixels.resampled(SIZE, SIZE);
            ensure!(planes.len() == 3 * SIZE * SIZE, "{} planes", planes.len());
        }
        Ok(1e3 * started.elapsed().as_secs_f64() / self.files.len() as f64)
    }
}

/// Python process that measures on request.
struct Peer {
    version: String,
    process: Child,
    ask: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    fn start(python: &OsStr, weights: &Path, threads: usize, folder: &Path) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/torch_describe.py");
        let mut command = Command::new(python);
        command.arg(script).arg(weights).args([threads, BATCH, SIZE].map(|n| n.to_string())).arg(folder);
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("PEER_PYTHON")?;
        let ask = process.stdin.take().context("no stdin")?;
        let mut answers = BufReader::new(process.stdout.take().context("no stdout")?).lines();
        let version = answers.next().context("the peer said nothing")??;
        Ok(Self { version, process, ask, answers })
    }

    fn measure(&mut self, what: &str) -> Result<f64> {
        writeln!(self.ask, "{what} {ACTIVATED}")?;
        Ok(self.answers.next().context("the peer stopped")??.parse()?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The peer ends with its input; one that does not is not waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

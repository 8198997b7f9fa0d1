//! Search, training, adding and opening, taking turns with faiss on the same vectors and files.
//!
//! ```text
//! python3 -m venv target/faiss && target/faiss/bin/pip install faiss-cpu numpy matplotlib
//! export PEER_PYTHON=target/faiss/bin/python
//! cargo bench -p benches --bench search
//! cargo bench -p benches --bench search -- --n 100000 --only search,single
//! cargo bench -p benches --bench search -- --only growth
//! ```
//!
//! Each side of each stage runs in its own process at each thread count, so thread pools have the stated size
//! and peak memory is that of the stage alone. Both processes answer the same requests in turn. After one
//! uncounted answer the medians are taken, and the ratio is the ratio of the medians. `peers/faiss_index.py`
//! makes the vectors and the faiss files once, under `target/bench-data`. Both sides open the same files.
#![expect(clippy::print_stdout, reason = "benchmarks print their tables")]

mod arguments;
mod comparison;
mod cost;
mod data;
mod duel;
mod growth;
mod machine;
mod pair;
mod report;
mod request;
mod serve;
mod side;
mod stage;
mod workload;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::{arguments::Arguments, data::Data, duel::Duel, report::Report};

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.serve { serve::serve() } else { compare(&arguments) }
}

/// Runs every stage at every thread count. A stage that fails is reported in its row, and the others still run.
fn compare(arguments: &Arguments) -> Result<()> {
    let python =
        std::env::var_os("PEER_PYTHON").context("set PEER_PYTHON to a Python that has faiss and numpy")?;
    let data = Data::new(arguments, python)?;
    let mut report = Report::default();
    for &threads in &arguments.threads {
        for &stage in &arguments.stages() {
            data.prepare(&stage.files())?;
            let mut duel = Duel::start(&data, threads, arguments)?;
            report.begin(data.n, threads, [&duel.ours.version, &duel.faiss.version]);
            if let Err(error) = comparison::run(stage, &mut duel, &mut report) {
                report.fail(&format!("{stage:?}"), &error);
            }
        }
    }
    report.end();
    growth::draw(&report.growth, &data)?;
    ensure!(report.failures == 0, "{} stages failed", report.failures);
    Ok(())
}

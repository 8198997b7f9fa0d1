//! Opening, finding, adding, memory and bytes of a collection, taking turns with one bare index of the same entries, with
//! faiss and with LanceDB on the same vectors.
//!
//! ```text
//! python3 -m venv target/peers && target/peers/bin/pip install faiss-cpu lancedb numpy matplotlib
//! export PEER_PYTHON=target/peers/bin/python
//! cargo bench -p benches --bench collection
//! cargo bench -p benches --bench collection -- --sizes 10000,100000
//! ```
//!
//! Each side is a process of its own that answers the same requests in turn. After one uncounted answer medians are taken.
//! The collection and the peers grow from one size to the next. `peers/collection_peers.py` makes the vectors once, under
//! `target/bench-data`.
#![expect(clippy::print_stdout, reason = "benchmarks print their tables")]

mod arguments;
mod comparison;
mod data;
mod growth;
mod measures;
mod report;
mod request;
mod serve;
mod sides;

use anyhow::{Context, Result};
use clap::Parser;

use crate::{arguments::Arguments, data::Data};

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(kind) = arguments.serve {
        return serve::serve(kind);
    }
    let python =
        std::env::var_os("PEER_PYTHON").context("set PEER_PYTHON to a Python that has faiss and lancedb")?;
    let data = Data::new(&arguments, python);
    data.prepare(&arguments)?;
    let growth = comparison::run(&data, &arguments)?;
    growth::draw(&growth, &data, &arguments)
}

//! Command line of the benchmark.

use std::path::PathBuf;

use clap::Parser;

use crate::stage::Stage;

/// Compares the index with faiss; PEER_PYTHON names its Python
#[derive(Debug, Parser)]
pub struct Arguments {
    /// Number of stored vectors.
    #[arg(long, default_value_t = 1_000_000)]
    pub n: usize,
    /// Stages to run [default: all but `growth`].
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Stage>,
    /// Thread counts, each with fresh processes.
    #[arg(long, value_delimiter = ',', default_value = "2,1")]
    pub threads: Vec<usize>,
    /// Counted measurements of searches and of opening.
    #[arg(long, default_value_t = 7)]
    pub repeats: usize,
    /// Counted measurements of training and adding, which take minutes and have no warm-up.
    #[arg(long, default_value_t = 1)]
    pub long_repeats: usize,
    /// Folder of vectors and indexes, relative to the workspace's root.
    #[arg(long, default_value = "target/bench-data")]
    pub data: PathBuf,
    /// Answers requests, as one side of a comparison.
    #[arg(long, hide = true)]
    pub serve: bool,
    /// Argument added by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    pub fn stages(&self) -> Vec<Stage> {
        if self.only.is_empty() { Stage::USUAL.to_vec() } else { self.only.clone() }
    }
}

//! Command line of the benchmark.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Compares a collection with a bare index, faiss and LanceDB; PEER_PYTHON names their Python
#[derive(Debug, Clone, Parser)]
pub struct Arguments {
    /// Numbers of entries, ascending.
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
    pub sizes: Vec<usize>,
    /// Threads of every side.
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Counted measurements of searches and of opening.
    #[arg(long, default_value_t = 7)]
    pub repeats: usize,
    /// Cells of all indexes.
    #[arg(long, default_value_t = 4096)]
    pub nlist: usize,
    /// Real descriptors to which the distribution of the entries is fitted [default: one that was fitted to photographs].
    #[arg(long, value_name = "FILE.npy")]
    pub descriptors: Option<PathBuf>,
    /// Peers that take part; none if the option has no value.
    #[arg(long, value_enum, value_delimiter = ',', num_args = 0.., default_value = "faiss,lancedb")]
    pub peers: Vec<Peer>,
    /// Folder of vectors, collections and indexes, relative to the workspace's root.
    #[arg(long, default_value = "target/bench-data")]
    pub data: PathBuf,
    /// Writes the table of growth and its picture into the book.
    #[arg(long)]
    pub draw: bool,
    /// Answers requests, as one side of a comparison.
    #[arg(long, hide = true)]
    pub serve: Option<Kind>,
    /// Argument added by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Side that is written in Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// IndexIVFPQ, ranked again by descriptors in float16.
    Faiss,
    /// Embedded, IVF_PQ, refined.
    Lancedb,
}

/// Side that is this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Collection.
    Collection,
    /// One index of the collection's entries, without descriptors.
    Bare,
}

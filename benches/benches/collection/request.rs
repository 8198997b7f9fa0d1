//! Requests to a side: one JSON object per line, the same for all sides.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Request to a side. Each keeps its entries in its working folder, those of the bare index in the collection's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum Request {
    /// Starts anew, without entries.
    Create { quantiser: PathBuf, nlist: usize },
    /// Stores rows `first..first + count` of a raw file, `block` at a time. Seconds, reading the file left out.
    Add { vectors: PathBuf, first: usize, count: usize, block: usize },
    /// Makes what was added quick to find, where that is a step of its own. Seconds.
    Settle,
    /// Merges all entries into one segment; the collection only. Seconds.
    Compact,
    /// Writes the bare index of all entries; the collection only.
    Export { to: PathBuf },
    /// Opens what is stored. Seconds.
    Open,
    /// Reads the queries.
    Load { path: PathBuf, count: usize },
    /// Looks up the first `count` queries at once. Seconds.
    Batch { nprobe: usize, count: usize, k: usize },
    /// Looks up each of the first `count` queries. Median seconds.
    Single { nprobe: usize, count: usize, k: usize },
    /// Writes the first row found for each of the first `count` queries: i64.
    Answers { nprobe: usize, count: usize, k: usize, to: PathBuf },
    /// Memory of the process beyond mapped pages. MiB.
    Memory,
    /// Bytes of all files.
    Bytes,
}

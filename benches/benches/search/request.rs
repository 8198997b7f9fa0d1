//! Requests to a side: one JSON object per line, the same for both sides.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Request to a side. Files to write, `to`, are relative to the side's own folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum Request {
    /// Loads the first `count` vectors of a raw file. Answers their number.
    Load { path: PathBuf, count: usize },
    /// Opens an index and answers the first `queries` loaded vectors at nprobe 16. Seconds.
    Open { path: PathBuf, queries: usize },
    /// Runs one search for the first `count` loaded vectors. Seconds.
    Batch { nprobe: usize, count: usize, k: usize },
    /// Runs a search for each of the first `count` loaded vectors. Median seconds.
    Single { nprobe: usize, count: usize, k: usize },
    /// Writes the ids found for the first `count` loaded vectors: `[count, k]`, i64. Answers their number.
    Answers { nprobe: usize, count: usize, k: usize, to: PathBuf },
    /// Trains on the loaded vectors and writes the empty index. Seconds of training.
    Train { factory: String, iterations: usize, max_points_per_centroid: usize, to: PathBuf },
    /// Adds `count` vectors of a raw file to an index, `block` at a time, and writes it. Seconds of adding.
    Add { index: PathBuf, vectors: PathBuf, count: usize, block: usize, to: PathBuf },
    /// Peak resident memory of the process so far. MiB.
    Memory,
    /// Rate of a float32 matrix product. GFLOP/s.
    Product,
    /// Rate of reading memory. GB/s; ours only.
    Bandwidth,
    /// Mean number of codes visited by one of the first `count` loaded vectors; faiss only.
    Visited { nprobe: usize, count: usize },
    /// Mean squared distance of the loaded vectors to their reconstructions in an index; faiss only.
    Distortion { index: PathBuf },
    /// Share of the vectors with the same cell and code in two indexes; faiss only.
    Agreement { ours: PathBuf, theirs: PathBuf },
}

//! Stages of the comparison, and the files that each needs.

use clap::ValueEnum;

use crate::workload::{GROWING, LARGE};

/// A stage of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// 10,000 queries at once, IVF4096,PQ8x8.
    Search,
    /// One query at a time, IVF4096,PQ8x8.
    Single,
    /// 10,000 queries at once, IVF4096,PQ64x4fs.
    Fastscan,
    /// 1000 queries at once, LSH of 512 bits.
    Lsh,
    /// Training of the coarse quantiser.
    Kmeans,
    /// Training of a product quantiser, on residuals.
    Pq,
    /// Training of a rotation with its product quantiser.
    Opq,
    /// Storing all vectors.
    Add,
    /// Opening a file of more than 2 GiB.
    Open,
    /// Lower bound of a query's time on this machine.
    Cost,
    /// Search over 0.1 to 10 million stored vectors.
    Growth,
}

impl Stage {
    /// Stages that run by default.
    pub const USUAL: [Self; 10] = [
        Self::Search,
        Self::Single,
        Self::Fastscan,
        Self::Lsh,
        Self::Kmeans,
        Self::Pq,
        Self::Opq,
        Self::Add,
        Self::Open,
        Self::Cost,
    ];

    /// Files that the stage needs.
    pub fn files(self) -> Vec<&'static str> {
        match self {
            Self::Search | Self::Single | Self::Cost => vec!["base.f32", "query.f32", "ivfpq.faiss"],
            Self::Fastscan => vec!["base.f32", "fastscan.faiss"],
            Self::Lsh => vec!["base.f32", "lsh.faiss"],
            Self::Kmeans | Self::Opq => vec!["base.f32"],
            Self::Pq => vec!["residuals.f32"],
            Self::Add => vec!["base.f32", "empty.faiss", "ivfpq.faiss"],
            Self::Open => vec!["base.f32", LARGE],
            Self::Growth => GROWING.map(|(_, file)| file).to_vec(),
        }
    }
}

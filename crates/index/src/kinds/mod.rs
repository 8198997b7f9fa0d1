//! Kinds of index, a closed set, and their training.

mod cells;
pub(crate) mod device_entries;
pub(crate) mod exhaustive;
pub(crate) mod graph;
pub(crate) mod ivf;
pub(crate) mod lsh;
pub(crate) mod mapped;
mod positional_ids;
pub(crate) mod pq_residual;
pub(crate) mod refined;
pub(crate) mod store;
pub(crate) mod train;
pub(crate) mod transformed;

use crate::kinds::{
    exhaustive::Exhaustive,
    graph::Graph,
    ivf::{Ivf, IvfFastScan},
    lsh::Lsh,
    mapped::Mapped,
    pq_residual::PqResidual,
    refined::Refined,
    store::{AsStore, Store},
    transformed::Transformed,
};

/// Index of any kind; the last three wrap another.
#[derive(Clone)]
pub(crate) enum Kind {
    /// `Flat`, `PQ{m}x{nbits}`, `SQ8` and its like.
    Exhaustive(Exhaustive),
    /// `HNSW{links}` before `Flat`, `PQ{m}x{nbits}` or `SQ8` and its like.
    Graph(Graph),
    /// `LSH{nbits}`.
    Lsh(Lsh),
    /// `IVF{nlist}` before `Flat`, `PQ{m}x{nbits}` or `SQ8` and its like.
    Ivf(Ivf),
    /// `IVF{nlist},PQ{m}x4fs`.
    FastScan(IvfFastScan),
    /// `IVF{nlist},PQ{m}+{r}`.
    PqResidual(PqResidual),
    /// `OPQ`, `PCA`, `RR`, `L2norm` before another index.
    Transformed(Box<Transformed<Self>>),
    /// `RFlat` after another index.
    Refined(Box<Refined<Self>>),
    /// `IDMap` or `IDMap2` round another index.
    Mapped(Box<Mapped<Self>>),
}

impl AsStore for Kind {
    fn store(&self) -> &dyn Store {
        match self {
            Self::Exhaustive(store) => store,
            Self::Graph(store) => store,
            Self::Lsh(store) => store,
            Self::Ivf(store) => store,
            Self::FastScan(store) => store,
            Self::PqResidual(store) => store,
            Self::Transformed(store) => store.as_ref(),
            Self::Refined(store) => store.as_ref(),
            Self::Mapped(store) => store.as_ref(),
        }
    }

    fn store_mut(&mut self) -> &mut dyn Store {
        match self {
            Self::Exhaustive(store) => store,
            Self::Graph(store) => store,
            Self::Lsh(store) => store,
            Self::Ivf(store) => store,
            Self::FastScan(store) => store,
            Self::PqResidual(store) => store,
            Self::Transformed(store) => store.as_mut(),
            Self::Refined(store) => store.as_mut(),
            Self::Mapped(store) => store.as_mut(),
        }
    }
}

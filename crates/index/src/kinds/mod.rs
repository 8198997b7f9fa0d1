//! Kinds of index, a closed set, and their training.

pub(crate) mod exhaustive;
pub(crate) mod ivf;
pub(crate) mod lsh;
mod positional_ids;
pub(crate) mod refined;
pub(crate) mod store;
pub(crate) mod train;
pub(crate) mod transformed;

use crate::kinds::{
    exhaustive::Exhaustive,
    ivf::{Ivf, fast_scan::IvfFastScan},
    lsh::Hashed,
    refined::Refined,
    store::Store,
    transformed::Transformed,
};

/// Index of any kind; the last two wrap another.
#[derive(Clone)]
pub(crate) enum Kind {
    /// `Flat`, `PQ{m}x{nbits}`, `SQ8`.
    Exhaustive(Exhaustive),
    /// `LSH{nbits}`.
    Hashed(Hashed),
    /// `IVF{nlist}` before `Flat`, `PQ{m}x{nbits}` or `SQ8`.
    Ivf(Ivf),
    /// `IVF{nlist},PQ{m}x4fs`.
    FastScan(IvfFastScan),
    /// `OPQ`, `PCA`, `RR`, `L2norm` before another index.
    Transformed(Box<Transformed>),
    /// `RFlat` after another index.
    Refined(Box<Refined>),
}

impl Kind {
    pub fn store(&self) -> &dyn Store {
        match self {
            Self::Exhaustive(store) => store,
            Self::Hashed(store) => store,
            Self::Ivf(store) => store,
            Self::FastScan(store) => store,
            Self::Transformed(store) => store.as_ref(),
            Self::Refined(store) => store.as_ref(),
        }
    }

    pub fn store_mut(&mut self) -> &mut dyn Store {
        match self {
            Self::Exhaustive(store) => store,
            Self::Hashed(store) => store,
            Self::Ivf(store) => store,
            Self::FastScan(store) => store,
            Self::Transformed(store) => store.as_mut(),
            Self::Refined(store) => store.as_mut(),
        }
    }
}

//! The closed set of index kinds.

use crate::exhaustive::Exhaustive;
use crate::hashed::Hashed;
use crate::ivf::Ivf;
use crate::ivf_fast_scan::IvfFastScan;
use crate::refined::Refined;
use crate::store::Store;
use crate::transformed::Transformed;

/// An index of any kind; the last two are made of others.
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
    /// `OPQ`, `PCA`, `RR`, `L2norm` before another.
    Transformed(Box<Transformed>),
    /// `RFlat` behind another.
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

//! The closed set of index kinds.

use crate::exhaustive::Exhaustive;
use crate::ivf::Ivf;
use crate::refined::Refined;
use crate::store::Store;

/// An index of any kind; the last two are made of others.
#[derive(Clone)]
pub(crate) enum Kind {
    /// `Flat`, `PQ{m}x{nbits}`, `SQ8`.
    Exhaustive(Exhaustive),
    /// `IVF{nlist}` before `Flat`, `PQ{m}x{nbits}` or `SQ8`.
    Ivf(Ivf),
    /// `RFlat` behind another.
    Refined(Box<Refined>),
}

impl Kind {
    pub fn store(&self) -> &dyn Store {
        match self {
            Self::Exhaustive(store) => store,
            Self::Ivf(store) => store,
            Self::Refined(store) => store.as_ref(),
        }
    }

    pub fn store_mut(&mut self) -> &mut dyn Store {
        match self {
            Self::Exhaustive(store) => store,
            Self::Ivf(store) => store,
            Self::Refined(store) => store.as_mut(),
        }
    }
}

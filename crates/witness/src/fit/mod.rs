//! Robust fit of an entry's picture to a query.

mod affine;
mod agreement;
mod consensus;
mod guided;
mod matching;
mod pair;
mod places;

pub(crate) use affine::Affine;
pub(crate) use agreement::{Halves, agreement};
pub(crate) use consensus::{Consensus, consensus};
pub(crate) use matching::matches;

//! Retrieval: rank of the right entry for each edited copy, and its measures.

mod measures;
mod summary;

pub use measures::{Measures, measure, rank, ranks};
pub use summary::{Compared, Estimate, Ranks, Summary};

//! Copy detection as DISC21 and ISC2021 measure it: one threshold for all queries.
//!
//! Every query names references with scores, higher for surer; the rows of all queries are ranked together, so that a
//! method must also know when a query has no match (Douze et al. 2021, *The 2021 Image Similarity Dataset and
//! Challenge*, section 5).

mod curve;
pub mod isc;
mod normalise;

pub use curve::{Curve, Point, Row, Ties};
pub use normalise::{BACKGROUND_NEIGHBOURS, normalise};

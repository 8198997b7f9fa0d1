//! Copy detection as measured by DISC21 and ISC2021: one threshold for all queries.
//!
//! Every query has candidate references with scores, higher for likelier copies: the cosines of their descriptors, for
//! references that the codes of an index choose. The candidates of all queries are ranked together, so that a method must also recognise queries without a match (Douze et al. 2021, *The 2021 Image Similarity
//! Dataset and Challenge*, section 5).

mod curve;
mod evaluation;
mod figures;
pub mod isc;
mod normalise;
mod queries;
mod references;
mod search;

pub(crate) use self::references::stem;
pub use self::{
    curve::{Curve, Point, Row, Ties},
    evaluation::{Config, Findings},
    figures::{EditFigures, Figures, Measured, Sides},
    normalise::{BACKGROUND_NEIGHBOURS, normalise},
    queries::{Queries, Query, QuerySource},
    references::References,
    search::{Background, Candidate, Candidates, Ranked},
};

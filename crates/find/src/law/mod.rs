//! Laws of what unrelated pictures show: cosines of pairs, the best cosine of a query, inliers of a fit.

mod best;
mod body;
mod evidence;
#[cfg(test)]
mod golden;
mod golden_section;
mod grouped;
mod inliers;
mod pairs;
mod pareto;
mod tail;

pub use best::BestLaw;
pub use body::Body;
pub use evidence::{combined, promised_share};
pub use inliers::InlierLaw;
pub use pairs::{Cosines, PairLaw};
pub use pareto::Pareto;
pub use tail::Tail;

//! Decisions of people beside the E-values of the matches that they judged.

use collection::{Collection, Decision, Decisions, Review, ReviewPage};

use crate::problem::Problem;

/// Reviews that are read of each decision, the newest first.
const READ: usize = 500;
/// Upper ends of the ranges of E-values, and their words.
const RANGES: [(f64, &str); 4] =
    [(1e-6, "up to 1e-6"), (1e-3, "1e-6 to 0.001"), (0.1, "0.001 to 0.1"), (f64::INFINITY, "more than 0.1")];

/// Decided reviews of a range of E-values.
pub struct Seen {
    /// Range in words.
    pub range: &'static str,
    pub decisions: Decisions,
}

/// Reads the reviews that were decided, up to [`READ`] of each sort, and counts them by their E-values.
///
/// # Errors
/// If the collection cannot be read.
pub fn read(collection: &Collection) -> Result<Vec<Seen>, Problem> {
    let mut reviews = Vec::new();
    for decision in [Decision::Confirmed, Decision::Rejected] {
        let page = ReviewPage { decision: Some(decision), after: None, limit: READ };
        reviews.extend(collection.reviews(&page)?);
    }
    Ok(counted(&reviews))
}

fn counted(reviews: &[Review]) -> Vec<Seen> {
    let mut seen = RANGES.map(|(_, range)| Seen { range, decisions: Decisions::default() });
    for review in reviews {
        let place = RANGES.iter().position(|(end, _)| review.e_value <= *end).unwrap_or(RANGES.len() - 1);
        let decisions = &mut seen[place].decisions;
        match review.decision {
            Decision::Confirmed => decisions.confirmed += 1,
            Decision::Rejected => decisions.rejected += 1,
            Decision::Undecided => {}
        }
    }
    seen.into_iter().filter(|own| own.decisions.decided() > 0).collect()
}

//! Decisions on reviews.

use collection::{
    Decision, Error, Result, Review,
    engine::shared::{DecidedAs, decided_as},
};

use super::Reviews;
use crate::table::literal;

/// Attempts of a decision beside others on the same review.
const ATTEMPTS: usize = 100;

impl Reviews {
    /// Decides a review, and returns it as it was before; see [`Engine::decide`](collection::Engine::decide). Of two decisions
    /// at once, the second returns the review as the first has left it.
    pub async fn decide(&self, id: i64, decision: Decision, by: Option<&str>) -> Result<Review> {
        let DecidedAs { decision, decided, by } = decided_as(decision, by)?;
        let number = |number: Option<i64>| number.map(|number| number.to_string());
        for _ in 0..ATTEMPTS {
            let before = self.of_id(id).await?.ok_or(Error::UnknownReview(id))?;
            let filter = format!(
                "id = {id} AND decision = {} AND {} AND {}",
                before.decision.number(),
                is("decided", number(before.decided)),
                is("decided_by", before.by.as_deref().map(literal)),
            );
            if self.set_decision(&filter, decision, decided, by).await? > 0 {
                // What fails is left to the next change; the decision is kept.
                self.compact_when_due().await.unwrap_or_default();
                return Ok(before);
            }
        }
        let reason = format!("review {id} was decided by others {ATTEMPTS} times");
        Err(Error::Engine { location: self.table.location().to_owned(), reason })
    }
}

/// Condition that a column has a value, or is null.
fn is(column: &str, value: Option<String>) -> String {
    match value {
        Some(value) => format!("{column} = {value}"),
        None => format!("{column} IS NULL"),
    }
}

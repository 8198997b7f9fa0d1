//! Reviews in a table of their own: added once for a query and an entry, decided, listed and counted.
//!
//! Ids are the numbers of the reviews in the order of their commits. A commit carries the id and a hash of the query and the
//! entry as keys, so that of two that add one review, or want one id, the second is made again.

mod add;
mod check;
mod compact;
mod decide;
mod page;
mod rows;

use collection::{Decision, Error, Result, Review, ReviewCounts};
use futures_util::TryStreamExt;
use tokio::sync::Mutex;

use crate::{entries::Columns, place::Place, table::Table};

/// Name of the table.
pub const TABLE: &str = "reviews";

/// Reviews of a collection.
pub struct Reviews {
    table: Table,
    /// Held while a review is added, so that this process does not compete with itself.
    adding: Mutex<()>,
}

impl Reviews {
    /// Creates the table, without reviews.
    pub async fn create(place: &Place) -> Result<Self> {
        Ok(Self::of(Table::create(place, TABLE, rows::schema()).await?))
    }

    /// Opens the table.
    pub async fn open(place: &Place) -> Result<Self> {
        Ok(Self::of(Table::open(place, TABLE).await?))
    }

    fn of(table: Table) -> Self {
        Self { table, adding: Mutex::default() }
    }

    /// Table of the reviews.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Review of an id.
    pub async fn of_id(&self, id: i64) -> Result<Option<Review>> {
        if id < 0 {
            return Ok(None);
        }
        let dataset = self.table.latest().await?;
        for batch in self.table.rows(&dataset, &rows::REVIEW, Some(&format!("id = {id}"))).await? {
            if let Some(review) = rows::reviews(&batch, self.table.location())?.pop() {
                return Ok(Some(review));
            }
        }
        Ok(None)
    }

    /// Picture of a review's query, if one is kept.
    pub async fn picture(&self, id: i64) -> Result<Option<Vec<u8>>> {
        if id < 0 {
            return Ok(None);
        }
        let dataset = self.table.latest().await?;
        for batch in self.table.rows(&dataset, &["picture"], Some(&format!("id = {id}"))).await? {
            let pictures = Columns::new(&batch, self.table.location()).bytes("picture")?;
            if let Some(picture) = pictures.iter().flatten().next() {
                return Ok(Some(picture.to_vec()));
            }
        }
        Ok(None)
    }

    /// Numbers of reviews by verdict and decision.
    pub async fn counts(&self) -> Result<ReviewCounts> {
        let dataset = self.table.latest().await?;
        let mut counts = ReviewCounts::default();
        let mut batches = self.table.scan(&dataset, &["verdict", "decision"], None).await?;
        while let Some(batch) = batches.try_next().await? {
            let columns = Columns::new(&batch, self.table.location());
            let (verdicts, decisions) = (columns.text("verdict")?, columns.i8("decision")?);
            for (row, decision) in decisions.values().iter().enumerate() {
                let decision = self.decision(*decision)?;
                let verdict = verdicts.value(row);
                match counts.by_verdict.get_mut(verdict) {
                    Some(own) => own.add(decision, 1),
                    None => counts.by_verdict.entry(verdict.to_owned()).or_default().add(decision, 1),
                }
            }
        }
        Ok(counts)
    }

    fn decision(&self, number: i8) -> Result<Decision> {
        let damaged =
            || Error::damaged(self.table.location().as_ref(), format!("a review has the decision {number}"));
        Decision::from_number(number.into()).ok_or_else(damaged)
    }
}

#[cfg(test)]
mod tests;

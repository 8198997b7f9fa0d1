//! Pages of the list of reviews: the undecided ones first, and the newest of them first.

use std::cmp::Reverse;

use collection::{Decision, Result, Review, ReviewPage};
use futures_util::TryStreamExt;

use super::{Reviews, rows};
use crate::{entries::Columns, first::First, table::ROW_ADDRESS};

/// Whole rows that are read at a time.
const TAKEN: usize = 1024;

/// Place of a review in the list: decided or not, and its id, the largest first.
type Rank = (bool, Reverse<i64>);

impl Reviews {
    /// Reviews of a page; see [`Engine::reviews`](collection::Engine::reviews).
    pub async fn page(&self, page: &ReviewPage) -> Result<Vec<Review>> {
        let dataset = self.table.latest().await?;
        let filter = page.decision.map(|decision| format!("decision = {}", decision.number()));
        let after: Option<Rank> = page.after.map(|after| (after.is_decided, Reverse(after.id)));
        let mut listed = First::new(page.limit);
        let columns = ["id", "decision", ROW_ADDRESS];
        let mut batches = self.table.scan(&dataset, &columns, filter.as_deref()).await?;
        while let Some(batch) = batches.try_next().await? {
            let columns = Columns::new(&batch, self.table.location());
            let addresses = columns.u64(ROW_ADDRESS)?;
            let pairs = columns.i64("id")?.values().iter().zip(columns.i8("decision")?.values());
            for ((id, decision), address) in pairs.zip(addresses.values()) {
                let is_decided = self.decision(*decision)? != Decision::Undecided;
                let rank = (is_decided, Reverse(*id));
                if after.is_none_or(|after| rank > after) {
                    listed.push((rank, *address));
                }
            }
        }
        let (listed, _) = listed.into_sorted();
        let mut reviews = Vec::with_capacity(listed.len());
        for block in listed.chunks(TAKEN) {
            let addresses: Vec<u64> = block.iter().map(|(_, address)| *address).collect();
            let batch = self.table.take(&dataset, &addresses, &rows::REVIEW).await?;
            reviews.extend(rows::reviews(&batch, self.table.location())?);
        }
        Ok(reviews)
    }
}

//! New reviews: asked for here, or taken over from another collection.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use arrow_schema::Schema;
use collection::{
    AddedReview, Decision, Error, KeptReview, NewReview, Result, UNDECIDED_REVIEWS,
    engine::shared::{check_new_review, decided_as, now},
};
use lance::Dataset;

use super::{Reviews, rows};
use crate::{
    entries::{Columns, one_of},
    lists,
    table::{Change, Table, literal},
};

/// Attempts to add reviews beside others who add theirs.
const ATTEMPTS: usize = 200;
/// Reviews that one filter names.
const BLOCK: usize = 1000;
/// Largest id that is kept; behind it, there are as many again for new reviews.
const MAX_KEPT: i64 = i64::MAX / 2;

/// Queries in hexadecimal digits with their entries, and the ids of their reviews.
type Known = HashMap<(String, i64), i64>;

impl Reviews {
    /// Adds a review of one of `entries`; see [`Engine::add_review`](collection::Engine::add_review).
    pub async fn add(&self, entries: &Table, review: &NewReview) -> Result<AddedReview> {
        check_new_review(review)?;
        // No review wants the id 0.
        let added = self.insert(entries, &[rows::undecided(0, now(), review)]).await?;
        Ok(added[0])
    }

    /// Takes over reviews of another collection; see
    /// [`Engine::take_over_reviews`](collection::Engine::take_over_reviews).
    pub async fn take_over(&self, entries: &Table, kept: &[KeptReview]) -> Result<Vec<AddedReview>> {
        for KeptReview { review, .. } in kept {
            decided_as(review.decision, review.by.as_deref())?;
        }
        let new: Vec<KeptReview> = kept.iter().map(as_new).collect::<Result<_>>()?;
        let added = self.insert(entries, &new).await?;
        for (added, KeptReview { review, .. }) in added.iter().zip(&new) {
            if matches!(added, AddedReview::Known(_)) && review.decision != Decision::Undecided {
                let open = format!("id = {} AND decision = {}", added.id(), Decision::Undecided.number());
                let by = review.by.as_deref();
                self.set_decision(&open, review.decision, review.decided, by).await?;
            }
        }
        Ok(added)
    }

    /// Inserts reviews that are not known, all or none, each under its id if that is free.
    async fn insert(&self, entries: &Table, new: &[KeptReview]) -> Result<Vec<AddedReview>> {
        let _turn = self.adding.lock().await;
        for _ in 0..ATTEMPTS {
            let read = self.table.latest().await?;
            let mut known = self.known(&read, new).await?;
            let lacking = |new: &&KeptReview| !known.contains_key(&query_and_entry(new));
            let lacking: Vec<&KeptReview> = new.iter().filter(lacking).collect();
            if !lacking.is_empty() {
                self.require_room(&read, entries, &lacking).await?;
            }
            let mut ids = self.free_ids(&read, &lacking).await?;
            let (mut added, mut inserted) = (Vec::with_capacity(new.len()), Vec::new());
            for new in new {
                let place = query_and_entry(new);
                if let Some(&id) = known.get(&place) {
                    added.push(AddedReview::Known(id));
                    continue;
                }
                let id = ids.next(new.review.id);
                known.insert(place, id);
                added.push(AddedReview::New(id));
                inserted.push(rows::with_id(new, id));
            }
            if self.commit(&read, &inserted).await? == Change::Committed {
                // What fails is left to the next change; the reviews are kept.
                self.compact_when_due().await.unwrap_or_default();
                return Ok(added);
            }
        }
        let reason = format!("others have changed the reviews {ATTEMPTS} times while some were added");
        Err(Error::Engine { location: self.table.location().to_owned(), reason })
    }

    /// Ids of the reviews that have the queries and entries of new ones.
    async fn known(&self, dataset: &Dataset, new: &[KeptReview]) -> Result<Known> {
        let mut known = Known::new();
        for block in new.chunks(BLOCK) {
            let filter = one_of("key", block.iter().map(rows::key_of));
            for batch in self.table.rows(dataset, &["id", "query", "entry"], Some(&filter)).await? {
                let columns = Columns::new(&batch, self.table.location());
                let (ids, queries) = (columns.i64("id")?, columns.text("query")?);
                let entries = columns.i64("entry")?;
                let place =
                    |row: usize| ((queries.value(row).to_owned(), entries.value(row)), ids.value(row));
                known.extend((0..batch.num_rows()).map(place));
            }
        }
        Ok(known)
    }

    /// Checks that the entries exist and that not too many reviews wait.
    async fn require_room(&self, dataset: &Dataset, entries: &Table, new: &[&KeptReview]) -> Result<()> {
        let ids: Vec<i64> = new.iter().map(|new| new.review.entry).collect();
        let found = lists::by_ids(entries, &ids).await?;
        if let Some((id, _)) = ids.iter().zip(found).find(|(_, entry)| entry.is_none()) {
            return Err(Error::UnknownEntry(id.to_string()));
        }
        let waiting = format!("decision = {}", Decision::Undecided.number());
        let waiting = self.table.count(dataset, Some(waiting)).await?;
        let more = new.iter().filter(|new| new.review.decision == Decision::Undecided).count() as u64;
        match more > 0 && waiting.saturating_add(more) > UNDECIDED_REVIEWS {
            true => Err(Error::ReviewsFull { most: UNDECIDED_REVIEWS }),
            false => Ok(()),
        }
    }

    /// Ids that new reviews may have.
    async fn free_ids(&self, dataset: &Dataset, new: &[&KeptReview]) -> Result<FreeIds> {
        let may_keep = |id: &i64| (1..=MAX_KEPT).contains(id);
        let mut wanted: BTreeSet<i64> = new.iter().map(|new| new.review.id).filter(may_keep).collect();
        let all: Vec<i64> = wanted.iter().copied().collect();
        for block in all.chunks(BLOCK) {
            for id in self.ids(dataset, &one_of("id", block.iter().copied())).await? {
                wanted.remove(&id);
            }
        }
        // Reviews are never removed: unless some have kept their ids, their number is the last id.
        let number = self.table.count(dataset, None).await? as i64;
        let beyond = self.ids(dataset, &format!("id > {number}")).await?;
        Ok(FreeIds { wanted, last: beyond.into_iter().fold(number, i64::max) })
    }

    /// Ids of the reviews that pass a filter.
    async fn ids(&self, dataset: &Dataset, filter: &str) -> Result<Vec<i64>> {
        let mut found = Vec::new();
        for batch in self.table.rows(dataset, &["id"], Some(filter)).await? {
            found.extend_from_slice(Columns::new(&batch, self.table.location()).i64("id")?.values());
        }
        Ok(found)
    }

    async fn commit(&self, read: &Arc<Dataset>, new: &[KeptReview]) -> Result<Change> {
        if new.is_empty() {
            return Ok(Change::Committed);
        }
        let schema: Schema = read.schema().into();
        let keys = new.iter().flat_map(|new| [rows::key_of(new), rows::key_of_id(new.review.id)]);
        let keys = keys.map(i64::cast_unsigned).collect();
        self.table.insert(read, rows::batch(Arc::new(schema), new)?, keys).await
    }

    /// Sets the decision on the reviews that pass a filter, and returns their number.
    pub(super) async fn set_decision(
        &self,
        filter: &str,
        decision: Decision,
        decided: Option<i64>,
        by: Option<&str>,
    ) -> Result<u64> {
        let null = || "NULL".to_owned();
        let values = [
            ("decision", decision.number().to_string()),
            ("decided", decided.map_or_else(null, |decided| decided.to_string())),
            ("decided_by", by.map_or_else(null, literal)),
        ];
        self.table.update(filter, &values).await
    }
}

/// Ids for reviews that are added together.
struct FreeIds {
    /// Ids that are kept.
    wanted: BTreeSet<i64>,
    /// Largest id that a review has.
    last: i64,
}

impl FreeIds {
    /// The wanted id if it is free, else the one behind all others.
    fn next(&mut self, wanted: i64) -> i64 {
        let id = if self.wanted.contains(&wanted) { wanted } else { self.last.saturating_add(1) };
        // A later one may want the id that this one has.
        self.wanted.remove(&id);
        self.last = self.last.max(id);
        id
    }
}

fn query_and_entry(KeptReview { review, .. }: &KeptReview) -> (String, i64) {
    (review.query.to_string(), review.entry)
}

/// Review of another collection as one that could have been added and decided here.
///
/// # Errors
/// A field that is too large or no number.
fn as_new(kept: &KeptReview) -> Result<KeptReview> {
    let new = kept.to_new();
    check_new_review(&new)?;
    let mut own = rows::undecided(kept.review.id, kept.review.asked, &new);
    if kept.review.decision != Decision::Undecided {
        own.review.decision = kept.review.decision;
        own.review.decided = kept.review.decided.or(Some(kept.review.asked));
        own.review.by = kept.review.by.clone();
    }
    Ok(own)
}

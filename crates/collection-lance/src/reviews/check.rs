//! Check of all reviews against their sums.

use std::collections::{BTreeSet, HashSet};

use arrow_array::Array;
use collection::{Result, Review};
use futures_util::TryStreamExt;

use super::{Reviews, rows};
use crate::{entries::Columns, table::ROW_ADDRESS};

/// Reviews that are read at a time, with their pictures.
const TAKEN: usize = 256;

impl Reviews {
    /// Reads all reviews and tells `found` what is wrong with them.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub async fn check(&self, mut found: impl FnMut(String)) -> Result<()> {
        let dataset = self.table.latest().await?;
        let mut addresses = Vec::new();
        let mut batches = self.table.scan(&dataset, &["id", ROW_ADDRESS], None).await?;
        while let Some(batch) = batches.try_next().await? {
            let columns = Columns::new(&batch, self.table.location());
            addresses.extend_from_slice(columns.u64(ROW_ADDRESS)?.values());
        }
        let columns: Vec<&str> = rows::REVIEW.into_iter().chain(["key", "picture", "sum"]).collect();
        let mut seen = Seen::default();
        for block in addresses.chunks(TAKEN) {
            let batch = self.table.take(&dataset, block, &columns).await?;
            let columns = Columns::new(&batch, self.table.location());
            let (keys, pictures, sums) =
                (columns.i64("key")?, columns.bytes("picture")?, columns.i64("sum")?);
            for (row, review) in rows::reviews(&batch, self.table.location())?.iter().enumerate() {
                let picture = pictures.is_valid(row).then(|| pictures.value(row));
                let reasons = seen.reasons(review, picture, (keys.value(row), sums.value(row)));
                reasons.for_each(|reason| found(format!("review {}: {reason}", review.id)));
            }
        }
        Ok(())
    }

    /// Ids of the entries that reviews are of.
    pub async fn entries(&self) -> Result<BTreeSet<i64>> {
        let dataset = self.table.latest().await?;
        let mut found = BTreeSet::new();
        let mut batches = self.table.scan(&dataset, &["entry"], None).await?;
        while let Some(batch) = batches.try_next().await? {
            found.extend(Columns::new(&batch, self.table.location()).i64("entry")?.values());
        }
        Ok(found)
    }
}

/// Ids and keys of the reviews before.
#[derive(Default)]
struct Seen {
    ids: HashSet<i64>,
    keys: HashSet<i64>,
}

impl Seen {
    /// Damage of a review, in words.
    fn reasons(
        &mut self,
        review: &Review,
        picture: Option<&[u8]>,
        (key, sum): (i64, i64),
    ) -> impl Iterator<Item = &'static str> + use<> {
        let is_new = self.ids.insert(review.id) & self.keys.insert(key);
        let is_whole = sum == rows::sum_of_row(review, picture)
            && key == rows::key(&review.query, review.entry)
            && review.has_picture == picture.is_some();
        let reasons = [
            (is_whole, "its content does not match its sum"),
            (is_new, "another has its id or its query and entry"),
        ];
        reasons.into_iter().filter(|(is_so, _)| !is_so).map(|(_, reason)| reason)
    }
}

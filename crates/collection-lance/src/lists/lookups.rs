//! Entries by their ids, originals and names.

use std::collections::HashMap;

use collection::{Digest, Entry, Result, State};
use futures_util::{StreamExt, TryStreamExt, stream};
use lance::Dataset;

use crate::{
    entries::{Columns, ENTRY, entries, one_of},
    table::{Table, literal},
};

/// Values that one filter names.
const BLOCK: usize = 1000;
/// Filters that are read by at a time.
const PARALLEL: usize = 4;

/// Entry of each id.
pub async fn by_ids(table: &Table, ids: &[i64]) -> Result<Vec<Option<Entry>>> {
    // No entry has a negative id.
    let possible: Vec<i64> = ids.iter().copied().filter(|id| *id >= 0).collect();
    let filters = possible.chunks(BLOCK).map(|block| one_of("id", block.iter().copied())).collect();
    let found = entries_of(table, filters).await?;
    let by_id: HashMap<i64, Entry> = found.into_iter().map(|entry| (entry.id, entry)).collect();
    Ok(ids.iter().map(|id| by_id.get(id).cloned()).collect())
}

/// Entry of each original that is not dropped, the earliest if there are several.
pub async fn known(table: &Table, originals: &[Digest]) -> Result<Vec<Option<Entry>>> {
    let filter = |block: &[Digest]| {
        let values: Vec<String> = block.iter().map(|digest| literal(&digest.to_string())).collect();
        format!("original IN ({})", values.join(", "))
    };
    let found = entries_of(table, originals.chunks(BLOCK).map(filter).collect()).await?;
    let mut earliest: HashMap<Digest, Entry> = HashMap::with_capacity(found.len());
    for entry in found.into_iter().filter(|entry| entry.state != State::Dropped) {
        let Some(original) = entry.original.clone() else { continue };
        if earliest.get(&original).is_none_or(|known| entry.id < known.id) {
            earliest.insert(original, entry);
        }
    }
    Ok(originals.iter().map(|original| earliest.get(original).cloned()).collect())
}

/// Ids of the entries of a name that are not dropped, ascending.
pub async fn ids_of_name(table: &Table, name: &str) -> Result<Vec<i64>> {
    let dataset = table.latest().await?;
    let filter = format!("name = {}", literal(name));
    let mut found = Vec::new();
    for batch in table.rows(&dataset, &["id", "state"], Some(&filter)).await? {
        let columns = Columns::new(&batch, table.location());
        let pairs = columns.i64("id")?.values().iter().zip(columns.i8("state")?.values());
        let kept = pairs.filter(|(_, state)| i64::from(**state) != State::Dropped.number());
        found.extend(kept.map(|(id, _)| *id));
    }
    found.sort_unstable();
    Ok(found)
}

/// Entries of the latest version that pass one of the filters.
async fn entries_of(table: &Table, filters: Vec<String>) -> Result<Vec<Entry>> {
    if filters.is_empty() {
        return Ok(Vec::new());
    }
    let dataset = table.latest().await?;
    let reads = filters.into_iter().map(|filter| passing(table, &dataset, filter));
    let blocks: Vec<Vec<Entry>> = stream::iter(reads).buffered(PARALLEL).try_collect().await?;
    Ok(blocks.into_iter().flatten().collect())
}

async fn passing(table: &Table, dataset: &Dataset, filter: String) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    for batch in table.rows(dataset, &ENTRY, Some(&filter)).await? {
        found.extend(entries(&batch, table.location())?);
    }
    Ok(found)
}

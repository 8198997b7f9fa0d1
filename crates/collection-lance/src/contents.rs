//! Descriptors, witnesses and codes of entries, read by their ids or all of them.

use std::collections::{BinaryHeap, HashMap};

use arrow_array::{Array, RecordBatch};
use collection::{EncodedEntry, Error, Result, State, engine::shared::sample_hash};
use futures_util::TryStreamExt;
use half::f16;
use index::Index;

use crate::{
    core::Core,
    entries::{Columns, d_of, one_of},
};

/// Ids of one condition: a longer one takes longer to parse than to read.
const BLOCK: usize = 1_000;

/// One index of all live entries, under their ids.
pub async fn export(core: &Core) -> Result<Index> {
    let dataset = core.entries.latest().await?;
    let mut lists = core.quantiser.lists()?;
    let filter = live();
    let mut batches = core.entries.scan(&dataset, &["id", "cell", "code"], Some(&filter)).await?;
    while let Some(batch) = batches.try_next().await? {
        let columns = Columns::new(&batch, core.entries.location());
        let (ids, cells, codes) = (columns.i64("id")?, columns.u32("cell")?, columns.code("code")?);
        for row in 0..batch.num_rows() {
            if cells.value(row) as usize >= lists.nlist() {
                let reason = format!("entry {} is in cell {}", ids.value(row), cells.value(row));
                return Err(Error::damaged(core.entries.location().as_ref(), reason));
            }
            lists.push(cells.value(row) as usize, codes.value(row), ids.value(row));
        }
    }
    Ok(core.quantiser.with_lists(lists)?)
}

/// Descriptor of an entry that is not dropped: `[d]`.
pub async fn descriptor(core: &Core, id: i64) -> Result<Vec<f32>> {
    let found = descriptors(core, &[id]).await?.remove(&id);
    found.ok_or_else(|| Error::UnknownEntry(id.to_string()))
}

/// Ids and descriptors of live entries; see [`Engine::sample`](collection::Engine::sample).
pub async fn sample(core: &Core, n: usize, seed: u64) -> Result<Vec<(i64, Vec<f32>)>> {
    let dataset = core.entries.latest().await?;
    let filter = live();
    let mut batches = core.entries.scan(&dataset, &["id"], Some(&filter)).await?;
    let mut drawn: BinaryHeap<(u64, i64)> = BinaryHeap::new();
    while let Some(batch) = batches.try_next().await? {
        for &id in Columns::new(&batch, core.entries.location()).i64("id")?.values() {
            drawn.push((sample_hash(seed, id), id));
            if drawn.len() > n {
                drawn.pop();
            }
        }
    }
    let ids: Vec<i64> = drawn.into_sorted_vec().into_iter().map(|(_, id)| id).collect();
    let mut descriptors = descriptors(core, &ids).await?;
    Ok(ids.into_iter().filter_map(|id| Some((id, descriptors.remove(&id)?))).collect())
}

/// Descriptors of those of `ids` whose entries are not dropped.
pub async fn descriptors(core: &Core, ids: &[i64]) -> Result<HashMap<i64, Vec<f32>>> {
    let mut found = HashMap::with_capacity(ids.len());
    for batch in rows(core, ids, &["id", "descriptor"]).await? {
        let columns = Columns::new(&batch, core.entries.location());
        let (ids, list, values) =
            (columns.i64("id")?, columns.list("descriptor")?, columns.halves("descriptor")?);
        let d = d_of(list);
        let kept = (0..batch.num_rows()).filter(|&row| list.is_valid(row));
        let descriptor =
            |row: usize| values[row * d..(row + 1) * d].iter().map(|value| f16::to_f32(*value)).collect();
        found.extend(kept.map(|row| (ids.value(row), descriptor(row))));
    }
    Ok(found)
}

/// Cell, code and descriptor of each id; `None` for an unknown id, and for an entry that was dropped.
pub async fn encoded(core: &Core, ids: &[i64]) -> Result<Vec<Option<EncodedEntry>>> {
    let mut found = HashMap::with_capacity(ids.len());
    for batch in rows(core, ids, &["id", "cell", "code", "descriptor"]).await? {
        let columns = Columns::new(&batch, core.entries.location());
        let (ids, cells, codes) = (columns.i64("id")?, columns.u32("cell")?, columns.code("code")?);
        let (list, values) = (columns.list("descriptor")?, columns.halves("descriptor")?);
        let d = d_of(list);
        for row in (0..batch.num_rows()).filter(|&row| list.is_valid(row) && codes.is_valid(row)) {
            let (cell, code) = (cells.value(row) as usize, codes.value(row).to_vec());
            let descriptor = values[row * d..(row + 1) * d].to_vec();
            found.insert(ids.value(row), EncodedEntry { cell, code, descriptor });
        }
    }
    Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
}

/// Witness of each id; `None` for an entry without one, and for an unknown id.
pub async fn witnesses(core: &Core, ids: &[i64]) -> Result<Vec<Option<Vec<u8>>>> {
    let mut found = HashMap::with_capacity(ids.len());
    for batch in rows(core, ids, &["id", "witness"]).await? {
        let columns = Columns::new(&batch, core.entries.location());
        let (ids, witnesses) = (columns.i64("id")?, columns.bytes("witness")?);
        let kept = (0..batch.num_rows()).filter(|&row| witnesses.is_valid(row));
        found.extend(kept.map(|row| (ids.value(row), witnesses.value(row).to_vec())));
    }
    Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
}

/// Columns of the entries of some ids.
async fn rows(core: &Core, ids: &[i64], columns: &[&str]) -> Result<Vec<RecordBatch>> {
    let dataset = core.entries.recent().await?;
    let mut batches = Vec::new();
    for block in ids.chunks(BLOCK) {
        let filter = one_of("id", block.iter().copied());
        batches.extend(core.entries.rows(&dataset, columns, Some(&filter)).await?);
    }
    Ok(batches)
}

fn live() -> String {
    format!("state = {}", State::Live.number())
}

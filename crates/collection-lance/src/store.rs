//! Storing of entries, and changes of their states.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use arrow_array::RecordBatchIterator;
use collection::{
    Digest, EncodedEntry, Entry, Error, KeptEntry, NewEntry, Result, State, Stored,
    engine::shared::{check_kept_entries, check_new_entries, to_float16},
};
use device_math::transfer::upload_matrix;
use index::EncodedVectors;
use lance::dataset::{MergeInsertBuilder, WhenMatched, WhenNotMatched};
use sha2::{Digest as _, Sha256};

use crate::{core::Core, entries::one_of, failure, lists, table::Change};

/// Attempts to store entries while others store the same.
const ATTEMPTS: u32 = 100;
/// Wait after the first attempt, which doubles.
const SHORTEST_WAIT: Duration = Duration::from_millis(5);
/// Longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Entry to be stored, or to be taken over from another collection.
struct Incoming {
    kept: KeptEntry,
    /// Id that the entry takes if it is free.
    wanted: Option<i64>,
    /// True for an entry that another collection keeps: without an original it is known by its id and its name.
    is_kept: bool,
    /// Original that such an entry takes under another id, where it has none.
    copy: Option<Digest>,
}

impl Incoming {
    /// Row of the entry under an id.
    fn row(&self, id: i64) -> KeptEntry {
        let entry = self.kept.entry.clone();
        let copy = self.copy.clone().filter(|_| self.wanted != Some(id));
        let original = entry.original.clone().or(copy);
        KeptEntry { entry: Entry { id, original, ..entry }, ..self.kept.clone() }
    }

    /// Row of the entry in the place of a pending one.
    fn in_place_of(&self, pending: &Entry) -> KeptEntry {
        let Entry { id, state, added, .. } = *pending;
        // An entry that another collection has withdrawn is withdrawn here, too.
        let state = if self.kept.entry.state == State::Withdrawn { State::Withdrawn } else { state };
        KeptEntry { entry: Entry { id, state, added, ..self.kept.entry.clone() }, ..self.kept.clone() }
    }

    /// Original, unless only a row is left of the entry.
    fn original(&self) -> Option<&Digest> {
        self.kept.entry.original.as_ref().filter(|_| self.has_content())
    }

    /// Returns false if only a row is left of the entry.
    fn has_content(&self) -> bool {
        self.kept.encoded.is_some()
    }
}

/// Stores entries with their descriptors; see [`Engine::store`](collection::Engine::store).
pub async fn store(
    core: &Core,
    new: &[NewEntry],
    wanted: Option<&[i64]>,
    descriptors: &[f32],
) -> Result<Vec<Stored>> {
    let d = core.quantiser.d();
    check_new_entries(new, descriptors, d, core.description.witness_kind.as_deref())?;
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let vectors = upload_matrix(descriptors.to_vec(), d, &core.quantiser.device());
    let EncodedVectors { cells, codes } = core.quantiser.encode(vectors)?;
    let codes = codes.chunks_exact(core.quantiser.code_size()).map(<[u8]>::to_vec);
    let added = now();
    let parts = new.iter().enumerate().zip(cells).zip(codes).zip(descriptors.chunks_exact(d));
    let incoming = parts.map(|((((place, new), cell), code), descriptor)| {
        let encoded = Some(EncodedEntry { cell, code, descriptor: to_float16(descriptor)? });
        let kept = KeptEntry { entry: entry(new, added), encoded, witness: new.witness.clone() };
        Ok(Incoming { kept, wanted: wanted.map(|wanted| wanted[place]), is_kept: false, copy: None })
    });
    store_incoming(core, &incoming.collect::<Result<Vec<_>>>()?).await
}

/// Entry of a new one, with no id yet.
fn entry(new: &NewEntry, added: i64) -> Entry {
    let NewEntry { name, original, file, pending, meta, .. } = new.clone();
    Entry { id: 0, name, original, state: State::Live, file, pending, added, meta }
}

/// Takes over entries that a collection with the same quantiser keeps, as they are.
pub async fn take_over(core: &Core, kept: &[KeptEntry]) -> Result<Vec<Stored>> {
    check_kept_entries(kept, &core.quantiser, core.description.witness_kind.as_deref())?;
    let incoming = kept.iter().map(|kept| Incoming {
        kept: kept.clone(),
        wanted: Some(kept.entry.id),
        is_kept: true,
        copy: copy_of(kept),
    });
    store_incoming(core, &incoming.collect::<Vec<_>>()).await
}

/// Digest by which an entry without an original is known under another id.
fn copy_of(kept: &KeptEntry) -> Option<Digest> {
    let encoded = kept.encoded.as_ref().filter(|_| kept.entry.original.is_none())?;
    Some(Digest::of_copy(&kept.entry, &encoded.descriptor))
}

async fn store_incoming(core: &Core, incoming: &[Incoming]) -> Result<Vec<Stored>> {
    if incoming.is_empty() {
        return Ok(Vec::new());
    }
    for attempt in 0..ATTEMPTS {
        if let Some(stored) = attempt_to_store(core, incoming).await? {
            return Ok(stored);
        }
        wait(attempt).await;
    }
    Err(contended(core))
}

/// Entries that the collection knows already, by what they are known by.
struct Known {
    by_original: HashMap<Digest, Entry>,
    by_id: HashMap<i64, Entry>,
}

impl Known {
    async fn of(core: &Core, incoming: &[Incoming]) -> Result<Self> {
        let originals =
            incoming.iter().flat_map(|incoming| incoming.original().into_iter().chain(&incoming.copy));
        let originals: Vec<Digest> = originals.cloned().collect();
        let found = lists::known(&core.entries, &originals).await?;
        let by_original =
            originals.into_iter().zip(found).filter_map(|(original, entry)| Some((original, entry?)));
        let ids: Vec<i64> = incoming.iter().filter_map(|incoming| incoming.wanted).collect();
        let found = lists::by_ids(&core.entries, &ids).await?;
        let by_id = ids.into_iter().zip(found).filter_map(|(id, entry)| Some((id, entry?)));
        Ok(Self { by_original: by_original.collect(), by_id: by_id.collect() })
    }

    /// Entry that stands for an incoming one.
    fn get(&self, incoming: &Incoming) -> Option<&Entry> {
        let own = &incoming.kept.entry;
        let same_id = || self.by_id.get(&incoming.wanted?);
        match incoming.original() {
            Some(original) => self.by_original.get(original),
            None if !incoming.is_kept => None,
            None if !incoming.has_content() => same_id(),
            None => same_id()
                .filter(|entry| entry.original.is_none() && entry.name == own.name)
                .or_else(|| self.by_original.get(incoming.copy.as_ref()?)),
        }
    }
}

/// Stores entries, unless another writer stores the same meanwhile.
async fn attempt_to_store(core: &Core, incoming: &[Incoming]) -> Result<Option<Vec<Stored>>> {
    let read = core.entries.latest().await?;
    let mut known = Known::of(core, incoming).await?;
    let new: Vec<&Incoming> = incoming.iter().filter(|incoming| known.get(incoming).is_none()).collect();
    let mut ids = Assigned::of(core, &new, &known).await?;
    let mut here = HashSet::new();
    let (mut stored, mut inserted, mut completed) =
        (Vec::with_capacity(incoming.len()), Vec::new(), Vec::new());
    for incoming in incoming {
        let row = match known.get(incoming) {
            Some(pending) if pending.pending && !here.contains(&pending.id) => {
                let row = incoming.in_place_of(pending);
                stored.push(Stored::Completed(row.entry.id));
                completed.push(row.clone());
                row
            }
            Some(known) => {
                stored.push(Stored::Known(known.clone()));
                continue;
            }
            // Of a dropped entry nothing is left to be stored under another id.
            None if !incoming.has_content() && !ids.may_keep(incoming.wanted) => {
                stored.push(Stored::Known(incoming.kept.entry.clone()));
                continue;
            }
            None => {
                let row = incoming.row(ids.next(incoming.wanted));
                stored.push(Stored::New(row.entry.id));
                inserted.push(row.clone());
                row
            }
        };
        here.insert(row.entry.id);
        let original = row.entry.original.clone().filter(|_| incoming.has_content());
        known.by_original.extend(original.map(|original| (original, row.entry)));
    }
    let is_done = complete(core, completed).await?
        && (insert(core, &read, &inserted).await? == Change::Committed
            || are_inserted(core, &inserted).await?);
    Ok(is_done.then_some(stored))
}

/// Ids for the entries of one attempt.
struct Assigned {
    /// Wanted ids that are free.
    free: HashSet<i64>,
    new: std::vec::IntoIter<i64>,
}

impl Assigned {
    async fn of(core: &Core, new: &[&Incoming], known: &Known) -> Result<Self> {
        let wanted: Vec<i64> = new.iter().filter_map(|new| new.wanted).collect();
        let may_keep = match wanted.is_empty() {
            true => Vec::new(),
            false => core.ids.may_keep(&core.place, &wanted).await?,
        };
        let wanted = wanted.iter().zip(may_keep).filter(|(id, may)| *may && !known.by_id.contains_key(id));
        // An id that is wanted twice is kept once.
        let free: HashSet<i64> = wanted.map(|(id, _)| *id).collect();
        let ids = core.ids.take(&core.place, new.len() - free.len()).await?;
        Ok(Self { free, new: ids.into_iter() })
    }

    /// Returns true if an entry may have the id that it wants.
    fn may_keep(&self, wanted: Option<i64>) -> bool {
        wanted.is_some_and(|id| self.free.contains(&id))
    }

    /// Id of the next new entry.
    fn next(&mut self, wanted: Option<i64>) -> i64 {
        match wanted.filter(|id| self.free.remove(id)) {
            Some(id) => id,
            None => self.new.next().expect("there is an id for each entry"),
        }
    }
}

/// Inserts rows, whose originals and ids conflict with those that others insert.
async fn insert(core: &Core, read: &Arc<lance::Dataset>, rows: &[KeptEntry]) -> Result<Change> {
    if rows.is_empty() {
        return Ok(Change::Committed);
    }
    let id = |row: &KeptEntry| key(b"id", &row.entry.id.to_le_bytes());
    let original =
        |row: &KeptEntry| row.entry.original.as_ref().map(|original| key(b"original", original.bytes()));
    let keys = rows.iter().map(id).chain(rows.iter().filter_map(original)).collect();
    core.entries.insert(read, core.batch(rows)?, keys).await
}

/// Returns true if rows are in the table after all: the answer to a commit may be lost, and the commit then conflicts with
/// itself. Another importer may have stored a part of them, under the same ids. States and fields may have changed since.
async fn are_inserted(core: &Core, rows: &[KeptEntry]) -> Result<bool> {
    let ids: Vec<i64> = rows.iter().map(|row| row.entry.id).collect();
    let found = lists::by_ids(&core.entries, &ids).await?;
    let is_row = |(found, row): (Option<Entry>, &KeptEntry)| {
        let own = &row.entry;
        found.is_some_and(|found| {
            (&found.name, &found.original, found.added) == (&own.name, &own.original, own.added)
        })
    };
    Ok(found.into_iter().zip(rows).all(is_row))
}

/// Hash of a key: the first 8 bytes of its SHA-256.
fn key(kind: &[u8], bytes: &[u8]) -> u64 {
    let digest = Sha256::new().chain_update(kind).chain_update([0]).chain_update(bytes).finalize();
    u64::from_le_bytes(*digest.first_chunk().expect("SHA-256 has 32 bytes"))
}

/// Puts rows in the place of pending ones of the same ids. Returns false if one of them is pending no more, or was withdrawn or
/// restored since it was read.
async fn complete(core: &Core, rows: Vec<KeptEntry>) -> Result<bool> {
    if rows.is_empty() {
        return Ok(true);
    }
    let failed = || failure::at(core.entries.location());
    let count = rows.len() as u64;
    let batch = core.batch(&rows)?;
    let schema = batch.schema();
    let read = core.entries.latest().await?;
    let (withdrawn, dropped) = (State::Withdrawn.number(), State::Dropped.number());
    let unchanged = format!(
        "target.pending AND target.state <> {dropped} AND (target.state = source.state OR source.state = {withdrawn})"
    );
    let pending = WhenMatched::update_if(&read, &unchanged).map_err(failed())?;
    let mut builder = MergeInsertBuilder::try_new(read, vec!["id".to_owned()]).map_err(failed())?;
    builder.when_matched(pending).when_not_matched(WhenNotMatched::DoNothing).conflict_retries(ATTEMPTS);
    let job = builder.try_build().map_err(failed())?;
    let asked = std::time::Instant::now();
    let merged = job.execute_reader(RecordBatchIterator::new([Ok(batch)], schema)).await;
    let (dataset, statistics) = merged.map_err(failed())?;
    core.entries.note(dataset, asked);
    Ok(statistics.num_updated_rows == count)
}

/// Records that the released files of pending entries are at their paths.
pub async fn mark_written(core: &Core, ids: &[i64]) -> Result<()> {
    let filter = format!("pending AND {}", one_of("id", ids.iter().copied()));
    core.entries.update(&filter, &[("pending", "false".to_owned())]).await.map(drop)
}

/// Withdraws or restores entries; see [`Engine::set_state`](collection::Engine::set_state).
pub async fn set_state(core: &Core, ids: &[i64], state: State) -> Result<()> {
    for attempt in 0..ATTEMPTS {
        if attempt_to_set_state(core, ids, state).await? {
            return Ok(());
        }
        wait(attempt).await;
    }
    Err(contended(core))
}

/// Sets the state of entries. Returns false if a compaction has dropped one of them since it was read.
async fn attempt_to_set_state(core: &Core, ids: &[i64], state: State) -> Result<bool> {
    let entries = lists::by_ids(&core.entries, ids).await?;
    let mut changed = HashSet::new();
    for (&id, entry) in ids.iter().zip(entries) {
        match entry.map(|entry| entry.state) {
            None => return Err(Error::UnknownEntry(id.to_string())),
            Some(State::Dropped) => return Err(Error::Dropped(id)),
            Some(found) if found != state => drop(changed.insert(id)),
            Some(_) => {}
        }
    }
    if changed.is_empty() {
        return Ok(true);
    }
    let (count, dropped) = (changed.len() as u64, State::Dropped.number());
    let filter = format!("state != {dropped} AND {}", one_of("id", changed));
    Ok(core.entries.update(&filter, &[("state", state.number().to_string())]).await? == count)
}

/// Waits before the next attempt, longer each time, and not as long as other processes.
async fn wait(attempt: u32) {
    let spread =
        f64::from(std::process::id().wrapping_mul(2_654_435_761).wrapping_add(attempt * 7_919) % 100);
    let longest = LONGEST_WAIT.min(SHORTEST_WAIT * 2u32.saturating_pow(attempt.min(7)));
    tokio::time::sleep(longest.mul_f64(0.5 + spread / 200.0)).await;
}

fn contended(core: &Core) -> Error {
    let reason = format!("others have changed the same in each of {ATTEMPTS} attempts");
    Error::Engine { location: core.entries.location().to_owned(), reason }
}

/// Returns the time in seconds since 1970.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use index::{Index, TrainConfig};
    use tempfile::TempDir;

    use super::*;
    use crate::core;

    const D: usize = 8;

    /// `n` vectors of a fixed pattern, `[n * D]`.
    fn rows(n: usize) -> Vec<f32> {
        (0..n * D).map(|i| ((i * 7919 + i / D * 131) % 251) as f32 / 251.0 - 0.5).collect()
    }

    async fn shop(folder: &TempDir) -> Core {
        let vectors = Tensor::from_data(TensorData::new(rows(600), [600, D]), &Device::flex());
        let quantiser =
            Index::train(&"IVF4,PQ2x8".parse().expect("a kind"), vectors, &TrainConfig::default());
        let address = folder.path().join("shop.lance").to_string_lossy().into_owned();
        core::create(&address, &quantiser.expect("trains"), None).await.expect("creates")
    }

    async fn stored(core: &Core, pending: bool, n: usize) -> Vec<Entry> {
        let new = |number: usize| {
            let original = Digest::of_file(&number.to_le_bytes());
            NewEntry { pending, ..NewEntry::added(format!("{number}.jpg"), Some(original)) }
        };
        let new: Vec<NewEntry> = (0..n).map(new).collect();
        let stored = store(core, &new, None, &rows(n)).await.expect("stores");
        let ids: Vec<i64> = stored.iter().map(Stored::id).collect();
        lists::by_ids(&core.entries, &ids).await.expect("reads").into_iter().flatten().collect()
    }

    /// Row that completes an entry.
    fn completed(core: &Core, entry: &Entry) -> KeptEntry {
        let code = vec![0; core.quantiser.code_size()];
        let encoded = Some(EncodedEntry { cell: 0, code, descriptor: vec![half::f16::ONE; D] });
        let own = Entry { pending: false, state: State::Live, ..entry.clone() };
        let kept = KeptEntry { entry: own, encoded, witness: None };
        Incoming { kept, wanted: None, is_kept: false, copy: None }.in_place_of(entry)
    }

    async fn entry(core: &Core, id: i64) -> Entry {
        lists::by_ids(&core.entries, &[id]).await.expect("reads").pop().flatten().expect("is there")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_entry_that_is_withdrawn_while_it_is_completed_stays_withdrawn() {
        let folder = tempfile::tempdir().expect("makes");
        let core = shop(&folder).await;
        let read = stored(&core, true, 1).await.remove(0);
        set_state(&core, &[read.id], State::Withdrawn).await.expect("withdraws");
        assert!(!complete(&core, vec![completed(&core, &read)]).await.expect("asks"), "of an earlier state");
        assert_eq!(entry(&core, read.id).await.state, State::Withdrawn);
        let now = entry(&core, read.id).await;
        assert!(complete(&core, vec![completed(&core, &now)]).await.expect("completes"));
        let after = entry(&core, read.id).await;
        assert_eq!((after.state, after.pending), (State::Withdrawn, false));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn rows_are_inserted_if_all_of_them_are() {
        let folder = tempfile::tempdir().expect("makes");
        let core = shop(&folder).await;
        let entries = stored(&core, false, 2).await;
        let mut rows: Vec<KeptEntry> = entries.iter().map(|entry| completed(&core, entry)).collect();
        assert!(are_inserted(&core, &rows).await.expect("looks"));
        set_state(&core, &[entries[0].id], State::Withdrawn).await.expect("withdraws");
        assert!(are_inserted(&core, &rows).await.expect("looks"), "a state may have changed since");
        let lacking = Entry { id: 1_000, ..entries[1].clone() };
        rows.push(completed(&core, &lacking));
        assert!(!are_inserted(&core, &rows).await.expect("looks"), "one of three is not there");
        rows[2].entry = Entry { id: entries[1].id, name: "another".to_owned(), ..entries[1].clone() };
        assert!(!are_inserted(&core, &rows).await.expect("looks"), "its id is that of another entry");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_entry_that_a_compaction_has_dropped_is_not_restored() {
        let folder = tempfile::tempdir().expect("makes");
        let core = shop(&folder).await;
        let id = stored(&core, false, 1).await[0].id;
        set_state(&core, &[id], State::Withdrawn).await.expect("withdraws");
        let filter = format!("id = {id}");
        core.entries.update(&filter, &[("state", State::Dropped.number().to_string())]).await.expect("drops");
        let refused = set_state(&core, &[id], State::Live).await;
        assert!(matches!(refused, Err(Error::Dropped(found)) if found == id), "{refused:?}");
    }
}

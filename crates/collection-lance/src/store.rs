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
}

impl Incoming {
    /// Row of the entry under an id.
    fn row(&self, id: i64) -> KeptEntry {
        KeptEntry { entry: Entry { id, ..self.kept.entry.clone() }, ..self.kept.clone() }
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
        self.kept.entry.original.as_ref().filter(|_| self.kept.encoded.is_some())
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
        Ok(Incoming { kept, wanted: wanted.map(|wanted| wanted[place]), is_kept: false })
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
    let incoming =
        kept.iter().map(|kept| Incoming { kept: kept.clone(), wanted: Some(kept.entry.id), is_kept: true });
    store_incoming(core, &incoming.collect::<Vec<_>>()).await
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
        let originals: Vec<Digest> =
            incoming.iter().filter_map(|incoming| incoming.original().cloned()).collect();
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
            None if incoming.kept.encoded.is_none() => same_id(),
            None => same_id().filter(|entry| entry.original.is_none() && entry.name == own.name),
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
            None => {
                let row = incoming.row(ids.next(incoming.wanted));
                stored.push(Stored::New(row.entry.id));
                inserted.push(row.clone());
                row
            }
        };
        here.insert(row.entry.id);
        known.by_original.extend(incoming.original().map(|original| (original.clone(), row.entry)));
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
/// itself. Rows are committed together, and no other writer gives out their ids.
async fn are_inserted(core: &Core, rows: &[KeptEntry]) -> Result<bool> {
    let Some(first) = rows.first() else { return Ok(true) };
    let found = lists::by_ids(&core.entries, &[first.entry.id]).await?.pop().flatten();
    Ok(found.is_some_and(|found| found == first.entry))
}

/// Hash of a key: the first 8 bytes of its SHA-256.
fn key(kind: &[u8], bytes: &[u8]) -> u64 {
    let digest = Sha256::new().chain_update(kind).chain_update([0]).chain_update(bytes).finalize();
    u64::from_le_bytes(*digest.first_chunk().expect("SHA-256 has 32 bytes"))
}

/// Puts rows in the place of pending ones of the same ids. Returns false if one of them is pending no more.
async fn complete(core: &Core, rows: Vec<KeptEntry>) -> Result<bool> {
    if rows.is_empty() {
        return Ok(true);
    }
    let failed = || failure::at(core.entries.location());
    let count = rows.len() as u64;
    let batch = core.batch(&rows)?;
    let schema = batch.schema();
    let read = core.entries.latest().await?;
    let pending = WhenMatched::update_if(&read, "target.pending").map_err(failed())?;
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
        return Ok(());
    }
    let dropped = State::Dropped.number();
    let filter = format!("state != {dropped} AND {}", one_of("id", changed));
    core.entries.update(&filter, &[("state", state.number().to_string())]).await.map(drop)
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

//! Indexing in the background, and compaction.
//!
//! Small fragments become larger ones before they are indexed, and segments of about one size become one, so that a
//! collection of any size has few of both. Commits that conflict with those of others are left to the next run: entries that
//! no segment covers are found all the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use collection::{Error, Result, State};
use lance::{
    Dataset,
    dataset::{
        cleanup::{CleanupPolicy, cleanup_old_versions},
        optimize::{CompactionOptions, compact_files},
    },
    index::DatasetIndexExt,
};
use lance_index::{IndexType, scalar::ScalarIndexParams};
use lance_table::format::IndexMetadata;

use crate::{
    check::sample_is_sound,
    core::Core,
    entries::Columns,
    failure,
    indexing::{self, shares},
    segments::{coverage, indexed_fragments, outside},
    settings,
    table::{Change, ROW_ADDRESS, is_conflict},
    view::View,
};

/// Entries outside the index from which they are indexed, unless [`ENTRIES_KEY`] says otherwise.
const ENTRIES: usize = 16_384;
/// Key of the number of entries in place of [`ENTRIES`].
const ENTRIES_KEY: &str = "segment_entries";
/// Small fragments outside the index from which they are joined: lists and searches read each of them.
const MOST_SMALL: usize = 64;
/// Rows from which a fragment outside the index is not small.
const SMALL_ROWS: usize = 1024;
/// Segments of about one size from which they become one.
const FAN: usize = 4;
/// Entries of a fragment from which it is left as it is.
const FRAGMENT_ENTRIES: usize = 1 << 20;
/// Name of the object that says who indexes.
const TURN: &str = "indexing";
/// Time after which a turn is taken from one that has not ended it.
const TURN_ENDS: Duration = Duration::from_secs(900);
/// Longest time that is waited for a turn to end, and time between two looks at it.
const TURN_WAIT: Duration = Duration::from_secs(60);
const TURN_LOOK: Duration = Duration::from_millis(200);
/// Age of the versions that a compaction removes: processes that read them have read newer ones long since.
const OLD_VERSIONS: Duration = Duration::from_secs(3600);
/// Attempts of a compaction, which conflicts with changes of the same fragments.
const ATTEMPTS: usize = 10;
/// Columns that entries are looked up by.
const LOOKED_UP: [(&str, &str); 3] = [("id", "ids"), ("original", "originals"), ("name", "names")];
/// Rows that are compared with the quantiser after maintenance.
const CHECKED_ROWS: usize = 10_000;

/// Returns true if so many entries are outside the index that they should be indexed, or in so many fragments that these should
/// be joined.
pub async fn is_due(core: &Core) -> Result<bool> {
    let view = core.view().await?;
    Ok(small_fragments(&view).len() >= MOST_SMALL || view.fresh.ntotal() >= entries_of_segment(core).await?)
}

/// Small fragments that no segment covers.
fn small_fragments(view: &View) -> BTreeSet<u32> {
    let small = view.dataset.fragments().iter().filter(|own| own.physical_rows.unwrap_or(0) < SMALL_ROWS);
    small.map(|own| own.id as u32).filter(|id| view.fresh_fragments().contains(id)).collect()
}

async fn entries_of_segment(core: &Core) -> Result<usize> {
    let text = settings::get(&core.place, ENTRIES_KEY).await?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(ENTRIES))
}

/// Indexes what is outside the index, and merges segments of about one size, unless other processes do.
pub async fn index_due(core: &Core) -> Result<()> {
    if shares::is_running(core).await? || !take_turn(core).await? {
        return Ok(());
    }
    let done = seal_and_merge(core).await;
    core.place.remove(TURN).await?;
    done
}

async fn seal_and_merge(core: &Core) -> Result<()> {
    let view = core.view().await?;
    if view.fresh.ntotal() < entries_of_segment(core).await? {
        return join_fragments(core, &small_fragments(&view), SMALL_ROWS).await.map(drop);
    }
    seal(core).await?;
    while let Some(group) = due(core).await? {
        if merge(core, group).await? == Change::Conflict {
            break;
        }
    }
    finish(core).await
}

/// Completes the look-ups, and compares a sample of the rows with the quantiser, after the index has changed.
pub async fn finish(core: &Core) -> Result<()> {
    index_lookups(core).await?;
    require_sound_sample(core).await
}

/// Waits until nobody has the turn to index, for a while at most: what is done twice is lost work, and no harm.
pub async fn wait_for_turn(core: &Core) -> Result<()> {
    let asked = std::time::Instant::now();
    while asked.elapsed() < TURN_WAIT && core.place.read(TURN).await?.is_some_and(|began| !has_ended(&began))
    {
        tokio::time::sleep(TURN_LOOK).await;
    }
    Ok(())
}

/// Returns true if a turn has taken so long that whoever took it must have died.
fn has_ended(began: &[u8]) -> bool {
    let began = std::str::from_utf8(began).ok().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    now().saturating_sub(began) >= TURN_ENDS.as_secs()
}

/// Time in seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Takes the turn to index. It saves work that is done twice; no promise rests on it.
async fn take_turn(core: &Core) -> Result<bool> {
    let turn = || now().to_string().into_bytes();
    if core.place.claim(TURN, turn()).await? {
        return Ok(true);
    }
    if !has_ended(&core.place.read(TURN).await?.unwrap_or_default()) {
        return Ok(false);
    }
    core.place.write(TURN, turn()).await?;
    Ok(true)
}

/// Joins the fragments outside the index, and indexes them.
async fn seal(core: &Core) -> Result<Change> {
    let view = core.view().await?;
    let fresh = view.fresh_fragments();
    // Writers that change the same fragments meanwhile keep them from being joined, but not from being indexed.
    if fresh.len() > 1 {
        join_fragments(core, fresh, FRAGMENT_ENTRIES).await?;
    }
    let dataset = core.entries.latest().await?;
    let indexes = indexed_fragments(&core.entries, &dataset).await?;
    let fragments: Vec<u32> = outside(&indexes, &dataset).into_iter().map(|(fragment, _)| fragment).collect();
    if fragments.is_empty() {
        return Ok(Change::Committed);
    }
    indexing::index(core, &dataset, &fragments, Vec::new()).await
}

/// Segments of about one size that should become one, the version they are of, and their fragments.
struct Group {
    dataset: Arc<Dataset>,
    segments: Vec<IndexMetadata>,
    fragments: BTreeSet<u32>,
}

async fn due(core: &Core) -> Result<Option<Group>> {
    let dataset = core.entries.latest().await?;
    let indexes = indexed_fragments(&core.entries, &dataset).await?;
    let covered = coverage(&indexes, &dataset).0;
    let mut tiers: BTreeMap<u32, Vec<(IndexMetadata, BTreeSet<u32>)>> = BTreeMap::new();
    for (index, fragments) in indexes.into_iter().zip(covered) {
        let tier = rows(&dataset, &fragments).max(1).ilog(FAN);
        tiers.entry(tier).or_default().push((index, fragments));
    }
    Ok(tiers.into_values().find(|tier| tier.len() >= FAN).map(|tier| {
        let (segments, fragments): (Vec<_>, Vec<_>) = tier.into_iter().unzip();
        Group { dataset, segments, fragments: fragments.into_iter().flatten().collect() }
    }))
}

/// Rows of fragments, deleted ones among them.
fn rows(dataset: &Dataset, fragments: &BTreeSet<u32>) -> usize {
    let own = dataset.fragments().iter().filter(|fragment| fragments.contains(&(fragment.id as u32)));
    own.filter_map(|fragment| fragment.physical_rows).sum()
}

/// Makes one segment of a group, then joins its fragments, of which Lance joins only those that one segment covers.
async fn merge(core: &Core, group: Group) -> Result<Change> {
    let Group { dataset, segments, fragments } = group;
    let own: Vec<u32> = fragments.iter().copied().collect();
    match indexing::index(core, &dataset, &own, segments).await? {
        Change::Committed => join_fragments(core, &fragments, FRAGMENT_ENTRIES).await,
        Change::Conflict => Ok(Change::Conflict),
    }
}

/// Joins small fragments among `fragments` to ones of at most `entries` entries.
async fn join_fragments(core: &Core, fragments: &BTreeSet<u32>, entries: usize) -> Result<Change> {
    let dataset = core.entries.latest().await?;
    let others = dataset.fragments().iter().map(|fragment| fragment.id as u32);
    let options = CompactionOptions {
        target_rows_per_fragment: entries,
        excluded_fragment_ids: others.filter(|fragment| !fragments.contains(fragment)).collect(),
        materialize_deletions_threshold: 0.0,
        ..CompactionOptions::default()
    };
    compact_with(core, dataset, options).await
}

async fn compact_with(core: &Core, dataset: Arc<Dataset>, options: CompactionOptions) -> Result<Change> {
    let asked = std::time::Instant::now();
    let mut dataset = dataset.as_ref().clone();
    match compact_files(&mut dataset, options, None).await {
        Ok(_) => {
            core.entries.note(Arc::new(dataset), asked);
            Ok(Change::Committed)
        }
        Err(error) if is_conflict(&error) => Ok(Change::Conflict),
        Err(error) => Err(failure::at(core.entries.location())(error)),
    }
}

/// Makes the indexes of the columns that entries are looked up by anew, of the whole table.
async fn index_lookups(core: &Core) -> Result<()> {
    let asked = std::time::Instant::now();
    let mut dataset = core.entries.latest().await?.as_ref().clone();
    for (column, name) in LOOKED_UP {
        let parameters = ScalarIndexParams::default();
        let made =
            dataset.create_index(&[column], IndexType::BTree, Some(name.to_owned()), &parameters, true).await;
        match made {
            Err(error) if !is_conflict(&error) => return Err(failure::at(core.entries.location())(error)),
            _ => {}
        }
    }
    core.entries.note(Arc::new(dataset), asked);
    Ok(())
}

/// Merges everything into one segment and drops withdrawn entries; see [`Engine::compact`](collection::Engine::compact).
pub async fn compact(core: &Core) -> Result<()> {
    shares::remove_all(core).await?;
    drop_withdrawn(core).await?;
    let mut is_mended = false;
    for _ in 0..ATTEMPTS {
        match merge_everything(core).await {
            Ok(Change::Committed) => {
                index_lookups(core).await?;
                let sound = require_sound_segments(core).await;
                remove_old_versions(core).await?;
                return sound;
            }
            Ok(Change::Conflict) => {}
            Err(error) if is_mended => return Err(error),
            // A segment that cannot be read is made anew, from the cells and codes of the table.
            Err(_) => {
                is_mended = true;
                remake_segments(core).await?;
            }
        }
    }
    // What the attempts have left goes, although none succeeded.
    remove_old_versions(core).await?;
    let reason = format!("others have changed the same fragments in each of {ATTEMPTS} attempts");
    Err(Error::Engine { location: core.entries.location().to_owned(), reason })
}

async fn drop_withdrawn(core: &Core) -> Result<()> {
    let withdrawn = format!("state = {}", State::Withdrawn.number());
    let mut values = vec![("state", State::Dropped.number().to_string())];
    values.extend(
        ["cell", "code", "descriptor", "witness", "witness_bytes"].map(|column| (column, "NULL".to_owned())),
    );
    core.entries.update(&withdrawn, &values).await.map(drop)
}

async fn merge_everything(core: &Core) -> Result<Change> {
    if one_segment(core).await? == Change::Conflict {
        return Ok(Change::Conflict);
    }
    let dataset = core.entries.latest().await?;
    let options = CompactionOptions {
        target_rows_per_fragment: FRAGMENT_ENTRIES,
        materialize_deletions_threshold: 0.0,
        excluded_fragment_ids: changing(core, &dataset).await?,
        ..CompactionOptions::default()
    };
    match compact_with(core, dataset, options).await? {
        Change::Committed => one_segment(core).await,
        Change::Conflict => Ok(Change::Conflict),
    }
}

/// Fragments with pending entries: a release beside the compaction changes them, and would make it conflict each time.
async fn changing(core: &Core, dataset: &Dataset) -> Result<Vec<u32>> {
    let batches = core.entries.rows(dataset, &["id", ROW_ADDRESS], Some("pending")).await?;
    let mut fragments = BTreeSet::new();
    for batch in &batches {
        let addresses = Columns::new(batch, core.entries.location()).u64(ROW_ADDRESS)?;
        fragments.extend(addresses.values().iter().map(|address| (address >> 32) as u32));
    }
    Ok(fragments.into_iter().collect())
}

/// Makes one segment of everything, unless there is one.
async fn one_segment(core: &Core) -> Result<Change> {
    let dataset = core.entries.latest().await?;
    let indexes = indexed_fragments(&core.entries, &dataset).await?;
    if indexes.len() == 1 && outside(&indexes, &dataset).is_empty() {
        return Ok(Change::Committed);
    }
    segment_of_everything(core, &dataset, indexes).await
}

/// Makes one segment of everything in place of `indexes`.
async fn segment_of_everything(
    core: &Core,
    dataset: &Arc<Dataset>,
    indexes: Vec<IndexMetadata>,
) -> Result<Change> {
    let all: Vec<u32> = dataset.fragments().iter().map(|fragment| fragment.id as u32).collect();
    indexing::index(core, dataset, &all, indexes).await
}

/// Makes one segment of everything in place of those that there are.
async fn remake_segments(core: &Core) -> Result<Change> {
    let dataset = core.entries.latest().await?;
    let indexes = indexed_fragments(&core.entries, &dataset).await?;
    segment_of_everything(core, &dataset, indexes).await
}

/// Compares some rows with the quantiser, and makes the segment anew if it cannot be read or has other rows.
async fn require_sound_segments(core: &Core) -> Result<()> {
    if require_sound_sample(core).await.is_ok() {
        return Ok(());
    }
    remake_segments(core).await?;
    require_sound_sample(core).await
}

async fn remove_old_versions(core: &Core) -> Result<()> {
    let dataset = core.entries.latest().await?;
    let before = chrono::Utc::now() - OLD_VERSIONS;
    let policy = CleanupPolicy { before_timestamp: Some(before), ..CleanupPolicy::default() };
    let removed = cleanup_old_versions(&dataset, policy).await;
    removed.map(drop).map_err(failure::at(core.entries.location()))
}

/// Compares some rows with the quantiser.
async fn require_sound_sample(core: &Core) -> Result<()> {
    match sample_is_sound(core, CHECKED_ROWS).await?.into_iter().next() {
        None => Ok(()),
        Some(found) => Err(Error::damaged(found.place.as_ref(), found.reason)),
    }
}

//! Indexing in shares: machines make segments of fragments of their own, and the one that makes the last commits all of them.
//!
//! Machines do not talk to each other. The first one writes a plan, by a put that succeeds only where none is: a version of
//! the table, and the fragments of each share. Each machine writes what it has made as a small object, and the one that finds
//! all of them commits. While the plan is there, a share that is made twice, or commits twice, changes nothing, and one that
//! dies is made again.

use std::{cmp::Reverse, collections::BTreeSet, time::Duration};

use collection::{Error, Indexed, Result};
use lance_table::format::{IndexMetadata, pb};
use prost::Message;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    core::Core,
    indexing, maintenance,
    segments::{indexed_fragments, outside},
    table::Change,
};

/// Folder of the objects of runs: below it, a folder for each number of shares.
const FOLDER: &str = "indexing-runs";
/// Name of a plan in the folder of its number of shares.
const PLAN: &str = "plan.json";
/// Time for which a run keeps others from indexing in the background; one that takes longer goes on all the same.
const RUN_ENDS: Duration = Duration::from_secs(24 * 3600);
/// Attempts of the commit, which conflicts with other changes of the index.
const ATTEMPTS: usize = 10;

/// Fragments of each share of a run.
#[derive(Debug, Serialize, Deserialize)]
struct Plan {
    /// Name of the run, which tells it from others of as many shares.
    run: String,
    /// Version of the table that the fragments are of.
    version: u64,
    /// Time of the plan, in seconds since 1970.
    began: i64,
    /// Fragments of each share.
    shares: Vec<Vec<u32>>,
}

/// Share that is made.
#[derive(Debug, Serialize, Deserialize)]
struct Made {
    entries: u64,
    /// Segment as Lance's tables keep it; `None` if the share has no entries.
    segment: Option<Vec<u8>>,
}

/// Indexes a share of the entries outside the index; see [`Engine::index`](collection::Engine::index).
pub async fn index(core: &Core, share: u32, of: u32) -> Result<Indexed> {
    let Some(plan) = plan(core, of).await? else { return Ok(Indexed::default()) };
    let name = |share| format!("{FOLDER}/{of}/{}/{share}.json", plan.run);
    let own: Option<Made> = read(core, &name(share)).await?;
    let entries = match own {
        Some(made) => made.entries,
        None => {
            let made = make(core, &plan, share).await?;
            write(core, &name(share), &made).await?;
            made.entries
        }
    };
    let found = core.place.objects(&format!("{FOLDER}/{of}/{}", plan.run), None).await?;
    let found: BTreeSet<String> = found.into_iter().map(|(name, _)| name).collect();
    let waiting: Vec<u32> = (0..of).filter(|&share| !found.contains(&name(share))).collect();
    // The plan is removed first, so what lacks then was not waited for.
    let is_open = read::<Plan>(core, &plan_name(of)).await?.is_some_and(|now| now.run == plan.run);
    if !is_open || !waiting.is_empty() {
        return Ok(Indexed { entries, waiting: if is_open { waiting } else { Vec::new() } });
    }
    let mut made = Vec::new();
    for share in 0..of {
        let Some(of_share) = read::<Made>(core, &name(share)).await? else {
            return Ok(Indexed { entries, waiting });
        };
        made.extend(of_share.segment.map(|bytes| decoded(core, &name(share), &bytes)).transpose()?);
    }
    commit(core, &made).await?;
    remove(core, of, &plan.run).await?;
    maintenance::finish(core).await?;
    Ok(Indexed { entries, waiting })
}

/// Returns true if a run is under way, which began not long ago.
pub async fn is_running(core: &Core) -> Result<bool> {
    for (name, _) in core.place.objects(FOLDER, None).await? {
        if !name.ends_with(PLAN) {
            continue;
        }
        let plan: Option<Plan> = read(core, &name).await?;
        if plan.is_some_and(|plan| now() - plan.began < RUN_ENDS.as_secs() as i64) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes all runs: what they have made is not committed.
pub async fn remove_all(core: &Core) -> Result<()> {
    let (plans, rest): (Vec<_>, Vec<_>) = core
        .place
        .objects(FOLDER, None)
        .await?
        .into_iter()
        .map(|(name, _)| name)
        .partition(|name| name.ends_with(PLAN));
    for name in plans.iter().chain(&rest) {
        core.place.remove(name).await?;
    }
    Ok(())
}

/// Plan of the run of so many shares, made now if there is none; `None` if no entry is outside the index.
async fn plan(core: &Core, of: u32) -> Result<Option<Plan>> {
    loop {
        if let Some(plan) = read::<Plan>(core, &plan_name(of)).await? {
            if plan.shares.len() != of as usize {
                let reason = format!("expected {of} shares, found {}", plan.shares.len());
                return Err(Error::damaged(core.place.shown(&plan_name(of)).as_ref(), reason));
            }
            return Ok(Some(plan));
        }
        let Some(new) = new_plan(core, of).await? else { return Ok(None) };
        let text = serde_json::to_vec(&new).expect("a plan has a text");
        if core.place.claim(&plan_name(of), text).await? {
            return Ok(Some(new));
        }
    }
}

/// Shares the fragments outside the index out, so that shares have about as many rows.
async fn new_plan(core: &Core, of: u32) -> Result<Option<Plan>> {
    maintenance::wait_for_turn(core).await?;
    let dataset = core.entries.latest().await?;
    let indexes = indexed_fragments(&core.entries, &dataset).await?;
    let mut outside = outside(&indexes, &dataset);
    if outside.is_empty() {
        return Ok(None);
    }
    outside.sort_unstable_by_key(|&(fragment, rows)| (Reverse(rows), fragment));
    let mut shares = vec![(0, Vec::new()); of as usize];
    for (fragment, rows) in outside {
        let (sum, share) = shares.iter_mut().min_by_key(|(sum, _)| *sum).expect("there are shares");
        *sum += rows;
        share.push(fragment);
    }
    let shares = shares.into_iter().map(|(_, share)| share).collect();
    let run = uuid::Uuid::new_v4().to_string();
    Ok(Some(Plan { run, version: dataset.version().version, began: now(), shares }))
}

async fn make(core: &Core, plan: &Plan, share: u32) -> Result<Made> {
    let fragments = &plan.shares[share as usize];
    if fragments.is_empty() {
        return Ok(Made { entries: 0, segment: None });
    }
    let dataset = core.entries.at(plan.version).await?;
    Ok(match indexing::segment(core, &dataset, fragments).await? {
        None => Made { entries: 0, segment: None },
        Some((segment, rows)) => {
            Made { entries: rows as u64, segment: Some(pb::IndexMetadata::from(&segment).encode_to_vec()) }
        }
    })
}

fn decoded(core: &Core, name: &str, bytes: &[u8]) -> Result<IndexMetadata> {
    let damaged = |error: String| Error::damaged(core.place.shown(name).as_ref(), error);
    let message = pb::IndexMetadata::decode(bytes).map_err(|error| damaged(error.to_string()))?;
    IndexMetadata::try_from(message).map_err(|error| damaged(error.to_string()))
}

/// Commits segments together, without those whose fragments others have indexed meanwhile.
async fn commit(core: &Core, made: &[IndexMetadata]) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let dataset = core.entries.latest().await?;
        let indexes = indexed_fragments(&core.entries, &dataset).await?;
        let taken: BTreeSet<u32> = indexes.iter().flat_map(fragments).collect();
        let existing: BTreeSet<u32> = dataset.fragments().iter().map(|own| own.id as u32).collect();
        let is_of_use = |segment: &&IndexMetadata| {
            let own: BTreeSet<u32> = fragments(segment).collect();
            own.is_disjoint(&taken) && !own.is_disjoint(&existing)
        };
        let lacking: Vec<IndexMetadata> = made.iter().filter(is_of_use).cloned().collect();
        if lacking.is_empty()
            || indexing::join(core, &dataset, lacking, Vec::new()).await? == Change::Committed
        {
            return Ok(());
        }
    }
    let reason =
        format!("others have changed the index in each of {ATTEMPTS} attempts to add segments; run it again");
    Err(Error::Engine { location: core.entries.location().to_owned(), reason })
}

fn fragments(segment: &IndexMetadata) -> impl Iterator<Item = u32> {
    segment.fragment_bitmap.iter().flatten()
}

/// Removes a run, its plan first.
async fn remove(core: &Core, of: u32, run: &str) -> Result<()> {
    core.place.remove(&plan_name(of)).await?;
    for (name, _) in core.place.objects(&format!("{FOLDER}/{of}/{run}"), None).await? {
        core.place.remove(&name).await?;
    }
    Ok(())
}

fn plan_name(of: u32) -> String {
    format!("{FOLDER}/{of}/{PLAN}")
}

async fn read<T: DeserializeOwned>(core: &Core, name: &str) -> Result<Option<T>> {
    let Some(bytes) = core.place.read(name).await? else { return Ok(None) };
    let parsed = serde_json::from_slice(&bytes);
    parsed.map(Some).map_err(|error| Error::damaged(core.place.shown(name).as_ref(), error))
}

async fn write<T: Serialize>(core: &Core, name: &str, value: &T) -> Result<()> {
    core.place.write(name, serde_json::to_vec(value).expect("what is kept has a text")).await
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

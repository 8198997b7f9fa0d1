//! `index merge`: appends the entries of other indexes.

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use image_file::path_text;
use index::{Index, MergedIds};

use super::{Change, open, save};
use crate::{
    args::IndexMerge,
    outputs::Outputs,
    session::Session,
    side_files::{
        entry_names::{self, Names},
        extractor_record::{self, Source},
        settled_read::open_with_names,
    },
};

/// Appends the entries of the other indexes to the first, one index after the other.
///
/// # Errors
/// If a file cannot be read or written, or the indexes do not fit together.
pub fn merge(arguments: &IndexMerge, device: &Device, session: &Session) -> Result<(Index, Change)> {
    let path = &arguments.index;
    let _lock = match &arguments.out {
        Some(out) => session.lock_output(out)?,
        None => session.lock(path)?,
    };
    if let Some(out) = &arguments.out {
        let outputs = Outputs::default().and_index(out, Some("name another file"));
        outputs.check(arguments.others.iter().chain([path]))?;
    }
    let stored = Source::index(path)?;
    let (mut index, mut names) = match &arguments.out {
        Some(_) => open_with_names(path, device, session)?,
        None => {
            let index = open(path, device)?;
            let names = entry_names::of_entries(path, index.ntotal())?;
            (index, names)
        }
    };
    let before = index.ntotal();
    for other in &arguments.others {
        stored.check(&Source::index(other)?, session)?;
        let (entries, others) = open_with_names(other, device, session)?;
        let (ids, shift) = ids(&index, arguments.keep_ids)?;
        index.merge(entries, ids).with_context(|| path_text(other))?;
        append(&mut names, others, shift);
    }
    let merged = Some(index.ntotal() - before);
    save(&index, arguments.out.as_ref().unwrap_or(path), Some(names))?;
    if let Some(out) = &arguments.out {
        extractor_record::replace(&extractor_record::of_index(out), stored.record.as_ref())?;
    }
    Ok((index, Change { merged, ..Change::default() }))
}

/// Returns the ids of entries to append to the index, and the number that is added to each.
fn ids(index: &Index, keep: bool) -> Result<(MergedIds, i64)> {
    if keep && index.ids_are_positions() {
        bail!("--keep-ids: the ids of {} are positions, so appended entries get new ids", index.factory());
    }
    Ok(if keep { (MergedIds::Kept, 0) } else { (MergedIds::Behind, index.next_id()) })
}

/// Appends the names of one index; an id that exists already keeps its name.
fn append(names: &mut Names, others: Names, shift: i64) {
    for (id, name) in others {
        let Some(id) = id.checked_add(shift) else { continue };
        names.entry(id).or_insert(name);
    }
}

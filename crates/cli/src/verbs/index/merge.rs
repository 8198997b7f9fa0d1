//! `index merge`: appends the entries of other indexes.

use std::path::Path;

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
    let mut index = match &arguments.out {
        Some(_) => Index::open(path, device)?,
        None => open(path, device)?,
    };
    let before = index.ntotal();
    let mut names = entry_names::of_entries(path, before)?;
    for other in &arguments.others {
        stored.check(&Source::index(other)?, session)?;
        append(&mut index, &mut names, other, arguments.keep_ids, device)?;
    }
    let merged = Some(index.ntotal() - before);
    save(&index, arguments.out.as_ref().unwrap_or(path), Some(names))?;
    if let Some(out) = &arguments.out {
        extractor_record::replace(&extractor_record::of_index(out), stored.record.as_ref())?;
    }
    Ok((index, Change { merged, ..Change::default() }))
}

/// Appends one index and its names; an id that exists already keeps its name.
fn append(index: &mut Index, names: &mut Names, path: &Path, keep: bool, device: &Device) -> Result<()> {
    let other = Index::open(path, device)?;
    let others = entry_names::of_entries(path, other.ntotal())?;
    let (ids, shift) = if keep { (MergedIds::Kept, 0) } else { (MergedIds::Behind, index.next_id()) };
    if keep && index.ids_are_positions() {
        bail!("--keep-ids: the ids of {} are positions, so appended entries get new ids", index.factory());
    }
    index.merge(other, ids).with_context(|| path_text(path))?;
    for (id, name) in others {
        let Some(id) = id.checked_add(shift) else { continue };
        names.entry(id).or_insert(name);
    }
    Ok(())
}

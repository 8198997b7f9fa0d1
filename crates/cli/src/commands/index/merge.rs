//! `index merge`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use index::{Index, MergedIds};

use super::{Change, open, save};
use crate::{
    args::IndexMerge,
    names::{self, Names},
    output::Output,
    provenance::{self, Known},
};

/// Puts the entries of the other indexes behind those of the first, one index after the other.
pub fn merge(arguments: &IndexMerge, device: &Device, output: &Output) -> Result<(Index, Change)> {
    let path = &arguments.index;
    let known = Known::index(path)?;
    let mut index = match &arguments.out {
        Some(_) => Index::open(path, device)?,
        None => open(path, device)?,
    };
    let before = index.ntotal();
    let mut names = names::of_entries(path, before)?;
    for other in &arguments.others {
        known.check(&Known::index(other)?, output)?;
        append(&mut index, &mut names, other, arguments.keep_ids, device)?;
    }
    let merged = Some(index.ntotal() - before);
    save(&index, arguments.out.as_ref().unwrap_or(path), Some(names))?;
    if let Some(out) = &arguments.out {
        provenance::replace(&provenance::of_index(out), known.provenance.as_ref())?;
    }
    Ok((index, Change { merged, ..Change::default() }))
}

/// Appends one index and its names; an id that both have keeps the name it has.
fn append(index: &mut Index, names: &mut Names, path: &Path, keep: bool, device: &Device) -> Result<()> {
    let other = Index::open(path, device)?;
    let others = names::of_entries(path, other.ntotal())?;
    let (ids, shift) = if keep { (MergedIds::Kept, 0) } else { (MergedIds::Behind, index.next_id()) };
    if keep && index.ids_are_positions() {
        bail!(
            "--keep-ids: the ids of {} are positions, those of merged entries follow them",
            index.factory()
        );
    }
    index.merge(other, ids).with_context(|| path.display().to_string())?;
    for (id, name) in others {
        let Some(id) = id.checked_add(shift) else { continue };
        names.entry(id).or_insert(name);
    }
    Ok(())
}

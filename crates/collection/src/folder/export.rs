//! Export of all live entries as one index, and of single descriptors.

use half::f16;
use index::Index;

use super::Folder;
use crate::error::{Error, Result};

/// One index of all live entries, under their ids.
pub fn export(folder: &Folder) -> Result<Index> {
    let view = folder.refreshed()?;
    if let Some(damaged) = view.damaged.first() {
        return Err(Error::damaged(&folder.path, damaged));
    }
    let mut all = folder.quantiser.lists()?;
    for lists in view.parts() {
        for cell in 0..lists.nlist() {
            let live = lists.entries(cell).filter(|(id, _)| view.withdrawn.binary_search(id).is_err());
            live.for_each(|(id, code)| all.push(cell, code, id));
        }
    }
    Ok(folder.quantiser.with_lists(all)?)
}

/// Descriptor of an entry that is not dropped: `[d]`.
pub fn descriptor(folder: &Folder, id: i64) -> Result<Vec<f32>> {
    let view = folder.refreshed()?;
    let found = view.segments.iter().find_map(|segment| segment.descriptor_of(id));
    let values = found.or_else(|| view.fresh.descriptor_of(id));
    let values = values.ok_or_else(|| Error::UnknownEntry(id.to_string()))?;
    Ok(values.iter().map(|value| f16::to_f32(*value)).collect())
}

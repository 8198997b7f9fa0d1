//! Cells, codes and descriptors of entries.

use std::collections::HashMap;

use index::FoundEntry;

use super::{Folder, view::View};
use crate::{
    error::{Error, Result},
    kept::EncodedEntry,
};

/// Cell, code and descriptor of each id; see [`Engine::encoded`](crate::Engine::encoded).
pub fn encoded(folder: &Folder, ids: &[i64]) -> Result<Vec<Option<EncodedEntry>>> {
    let view = folder.refreshed()?;
    let found = look_up(&view, ids);
    match view.damaged.first() {
        Some(damaged) if found.contains(&None) => Err(Error::damaged(&folder.path, damaged)),
        _ => Ok(found),
    }
}

/// Looks through all ids once.
fn look_up(view: &View, ids: &[i64]) -> Vec<Option<EncodedEntry>> {
    let mut found = vec![None; ids.len()];
    let (Some(&first), Some(&last)) = (ids.iter().min(), ids.iter().max()) else { return found };
    let places: HashMap<i64, usize> = ids.iter().copied().zip(0..).collect();
    for (part, lists) in view.parts().enumerate() {
        for cell in 0..lists.nlist() {
            let within = lists.entries(cell).enumerate().filter(|(_, (id, _))| (first..=last).contains(id));
            for (offset, (id, code)) in within {
                let Some(&place) = places.get(&id) else { continue };
                let entry = FoundEntry { part, cell, offset, id, distance: 0.0 };
                let descriptor = view.descriptor(&entry).to_vec();
                found[place] = Some(EncodedEntry { cell, code: code.to_vec(), descriptor });
            }
        }
    }
    found
}

//! The searched index: its own entries, and those of the originals.

use std::{collections::HashMap, num::NonZeroUsize};

use burn::tensor::Tensor;
use device_math::transfer::upload_rows;
use index::{Index, Target};

use crate::{
    entry_names::EntryIds,
    error::Result,
    pipeline::{Original, Subject},
};

/// Entry of an original.
pub(super) struct Entry {
    pub id: i64,
    /// Cells that hold the entry, if the index has cells.
    pub cells: Option<Vec<usize>>,
    /// Reconstruction `[d]` of the code in the nearest cell, if the index can reconstruct.
    pub point: Option<Vec<f32>>,
}

/// An index with entries of all originals.
pub(super) struct FilledIndex {
    pub index: Index,
    /// Entries by the subject's number.
    pub entries: HashMap<usize, Entry>,
    /// Number of originals that were added.
    pub added: usize,
    /// Number of entries of the originals, those of all cells.
    pub count: usize,
}

impl FilledIndex {
    /// Finds the originals among the named entries, and adds the others to their `cells` nearest cells.
    pub fn new(
        mut index: Index,
        ids: &EntryIds<'_>,
        subjects: &[Subject],
        originals: &[Original],
        cells: usize,
    ) -> Result<Self> {
        let id = |original: &Original| ids.id(&subjects[original.number].name);
        let unknown: Vec<&Original> = originals.iter().filter(|original| id(original).is_none()).collect();
        let mut new = 0..0;
        if !unknown.is_empty() {
            let rows = upload_rows(unknown.iter().map(|original| &original.descriptor), &index.device());
            new = index.add_to_nearest(rows, cells)?;
        }
        let id =
            |original: &Original| id(original).or_else(|| new.next()).expect("one id per added original");
        let ids: Vec<i64> = originals.iter().map(id).collect();
        let cells = index.cells_of(&ids);
        let rows = upload_rows(originals.iter().map(|original| &original.descriptor), &index.device());
        let points = points(&index, rows);
        let entry = |(i, (original, id)): (usize, (&Original, &i64))| {
            let cells = cells.as_ref().map(|cells| cells.get(id).cloned().unwrap_or_default());
            (
                original.number,
                Entry { id: *id, cells, point: points.as_ref().map(|points| points[i].clone()) },
            )
        };
        let entries: HashMap<usize, Entry> = originals.iter().zip(&ids).enumerate().map(entry).collect();
        let count = entries.values().map(|entry| entry.cells.as_ref().map_or(1, Vec::len)).sum();
        Ok(Self { index, entries, added: unknown.len(), count })
    }

    pub fn entry(&self, number: usize) -> &Entry {
        self.entries.get(&number).expect("every searched subject has an entry")
    }

    /// Returns the bytes of one entry: its code, and its id in an inverted file.
    pub fn entry_size(&self) -> usize {
        self.index.code_size() + self.index.nlist().map_or(0, |_| size_of::<i64>())
    }
}

/// Refuses numbers of cells that the index cannot store an entry in.
pub(super) fn check_cells(index: &Index, cells: &[NonZeroUsize]) -> Result<()> {
    let mut several = cells.iter().map(|cells| cells.get()).filter(|&cells| cells > 1);
    several.try_for_each(|cells| {
        let any = Tensor::ones([1, index.d()], &index.device());
        index.clone().add_to_nearest(any, cells)?;
        Ok(())
    })
}

/// Returns the reconstruction of each row, stored or not; `None` if the index cannot reconstruct.
fn points(index: &Index, rows: Tensor<2>) -> Option<Vec<Vec<f32>>> {
    let targets = index.target(rows, Target::Reconstruction).ok()?;
    let values: Vec<f32> = targets.points.into_data().try_to_vec().ok()?;
    Some(values.chunks_exact(index.d()).map(<[f32]>::to_vec).collect())
}

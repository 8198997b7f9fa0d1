//! Contents of an index: ids of the entries, sizes of codes and lists, cells of ids.

use std::collections::HashMap;

use super::Index;
use crate::kinds::{
    Kind,
    ivf::{entry_ids::EntryIds, inverted_lists::InvertedLists},
    mapped::Mapped,
    store::AsStore,
};

impl Index {
    /// Id that [`Self::add`] assigns to the next vector.
    pub fn next_id(&self) -> i64 {
        self.kind.store().next_id()
    }

    /// Returns true if an entry's id is its position: without an inverted file, and with `RFlat`, unless in
    /// `IDMap` or `IDMap2`. Caller-supplied ids are then refused, and removals shift the later entries down.
    pub fn ids_are_positions(&self) -> bool {
        ids_are_positions(&self.kind)
    }

    /// Ids of all entries in storage order: cell by cell in an inverted file, `0..ntotal` where ids are
    /// positions, in the order of addition in `IDMap` and `IDMap2`.
    pub fn ids(&self) -> Vec<i64> {
        ids(&self.kind)
    }

    /// Bytes per code, without the 8 bytes of a stored id.
    pub fn code_size(&self) -> usize {
        code_size(&self.kind)
    }

    /// Number of entries in each cell: `[nlist]`; `None` without an inverted file.
    pub fn list_sizes(&self) -> Option<Vec<usize>> {
        match inverted(&self.kind)? {
            Kind::Ivf(ivf) => Some(ivf.lists.ids().map(EntryIds::len).collect()),
            Kind::FastScan(ivf) => Some(ivf.lists.ids().map(EntryIds::len).collect()),
            Kind::PqResidual(index) => Some(index.ivf().lists.ids().map(EntryIds::len).collect()),
            _ => None,
        }
    }

    /// Cells that hold the entries of each of `ids`, ascending, one per entry; ids without entries are
    /// omitted. `None` without an inverted file.
    pub fn cells_of(&self, ids: &[i64]) -> Option<HashMap<i64, Vec<usize>>> {
        let mut cells: HashMap<i64, Vec<usize>> = ids.iter().map(|&id| (id, Vec::new())).collect();
        match inverted(&self.kind)? {
            Kind::Ivf(ivf) => find(&mut cells, ivf.lists.ids(), map(&self.kind)),
            Kind::FastScan(ivf) => find(&mut cells, ivf.lists.ids(), map(&self.kind)),
            Kind::PqResidual(index) => find(&mut cells, index.ivf().lists.ids(), map(&self.kind)),
            _ => return None,
        }
        cells.retain(|_, cells| !cells.is_empty());
        Some(cells)
    }

    /// Number of cells that a search of this index is meant to visit, as stored in the file and at least 1; `None` without an
    /// inverted file. It may exceed `nlist`, which [`Self::search`] caps. faiss visits as many unless told otherwise.
    pub fn default_nprobe(&self) -> Option<u64> {
        match inverted(&self.kind)? {
            Kind::Ivf(ivf) => Some(ivf.nprobe),
            Kind::FastScan(ivf) => Some(ivf.nprobe),
            Kind::PqResidual(index) => Some(index.ivf().nprobe),
            _ => None,
        }
    }
}

/// The inverted file behind transforms, re-ranking and a map of ids, if any.
pub(super) fn inverted(kind: &Kind) -> Option<&Kind> {
    match kind {
        Kind::Ivf(_) | Kind::FastScan(_) | Kind::PqResidual(_) => Some(kind),
        Kind::Exhaustive(_) | Kind::Graph(_) | Kind::Lsh(_) => None,
        Kind::Transformed(transformed) => inverted(&transformed.inner),
        Kind::Refined(refined) => inverted(&refined.base),
        Kind::Mapped(mapped) => inverted(&mapped.inner),
    }
}

/// The map of ids round the index or behind its transforms, if any.
fn map(kind: &Kind) -> Option<&Mapped<Kind>> {
    match kind {
        Kind::Mapped(mapped) => Some(mapped),
        Kind::Transformed(transformed) => map(&transformed.inner),
        _ => None,
    }
}

/// Appends the cell of every entry to its id's cells, for ids in `wanted`.
fn find<'a>(
    wanted: &mut HashMap<i64, Vec<usize>>,
    lists: impl Iterator<Item = &'a EntryIds>,
    map: Option<&Mapped<Kind>>,
) {
    let id_of = |stored| map.map_or(Some(stored), |map| map.id(stored));
    for (cell, ids) in lists.enumerate() {
        for id in ids.iter().filter_map(id_of) {
            if let Some(cells) = wanted.get_mut(&id) {
                cells.push(cell);
            }
        }
    }
}

fn ids_are_positions(kind: &Kind) -> bool {
    match kind {
        Kind::Ivf(_) | Kind::FastScan(_) | Kind::Mapped(_) => false,
        Kind::Transformed(transformed) => ids_are_positions(&transformed.inner),
        Kind::Exhaustive(_) | Kind::Graph(_) | Kind::Lsh(_) | Kind::PqResidual(_) | Kind::Refined(_) => true,
    }
}

fn ids(kind: &Kind) -> Vec<i64> {
    match kind {
        Kind::Ivf(ivf) => ivf.lists.ids().flat_map(EntryIds::iter).collect(),
        Kind::FastScan(ivf) => ivf.lists.ids().flat_map(EntryIds::iter).collect(),
        Kind::Transformed(transformed) => ids(&transformed.inner),
        Kind::Mapped(mapped) => mapped.ids.iter().collect(),
        Kind::Exhaustive(_) | Kind::Graph(_) | Kind::Lsh(_) | Kind::PqResidual(_) | Kind::Refined(_) => {
            (0..kind.store().ntotal() as i64).collect()
        }
    }
}

fn code_size(kind: &Kind) -> usize {
    match kind {
        Kind::Exhaustive(index) => index.codec.code_size(),
        Kind::Graph(index) => index.storage.codec.code_size(),
        Kind::Lsh(index) => index.codec.code_size(),
        Kind::Ivf(ivf) => ivf.lists.code_size(),
        Kind::FastScan(ivf) => ivf.lists.code_size(),
        Kind::PqResidual(index) => index.ivf().lists.code_size() + index.finer.code_size(),
        Kind::Transformed(transformed) => code_size(&transformed.inner),
        Kind::Mapped(mapped) => code_size(&mapped.inner),
        Kind::Refined(refined) => code_size(&refined.base) + refined.vectors.codec.code_size(),
    }
}

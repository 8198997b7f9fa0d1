//! What an index holds: the ids of its entries, their sizes, and how they are spread over the cells.

use std::collections::HashMap;

use crate::{
    Index,
    kernels::packing::PackedList,
    kinds::{Kind, ivf::lists::InvertedList},
};

impl Index {
    /// The id that the next vector added without one gets.
    pub fn next_id(&self) -> i64 {
        self.kind.store().next_id()
    }

    /// Whether an entry's id is its position: without inverted file, and with `RFlat`. Ids of the caller's
    /// own then are refused, and after a removal the entries behind move up.
    pub fn ids_are_positions(&self) -> bool {
        self.nlist().is_none() || self.factory().refine
    }

    /// The ids of all entries as they are stored: cell by cell in an inverted file, `0..ntotal` where they
    /// are positions.
    pub fn ids(&self) -> Vec<i64> {
        ids(&self.kind)
    }

    /// Bytes that an entry's code takes; ids, 8 bytes each behind an inverted file, not counted.
    pub fn code_size(&self) -> usize {
        code_size(&self.kind)
    }

    /// Number of entries in each cell: `[nlist]`; `None` without inverted file.
    pub fn list_sizes(&self) -> Option<Vec<usize>> {
        match inverted(&self.kind)? {
            Kind::Ivf(ivf) => Some(ivf.lists.lists.iter().map(InvertedList::len).collect()),
            Kind::FastScan(index) => Some(index.lists.iter().map(PackedList::len).collect()),
            _ => None,
        }
    }

    /// The cells that hold the entries of each of `ids`, ascending, a cell as often as it holds one; an id without entries
    /// is not in it. `None` without inverted file.
    pub fn cells_of(&self, ids: &[i64]) -> Option<HashMap<i64, Vec<usize>>> {
        let mut cells: HashMap<i64, Vec<usize>> = ids.iter().map(|&id| (id, Vec::new())).collect();
        match inverted(&self.kind)? {
            Kind::Ivf(ivf) => find(&mut cells, ivf.lists.lists.iter().map(InvertedList::ids)),
            Kind::FastScan(index) => find(&mut cells, index.lists.iter().map(PackedList::ids)),
            _ => return None,
        }
        cells.retain(|_, cells| !cells.is_empty());
        Some(cells)
    }

    /// The number of cells that faiss would visit where a search does not say; `None` without inverted file.
    pub fn default_nprobe(&self) -> Option<u64> {
        match inverted(&self.kind)? {
            Kind::Ivf(ivf) => Some(ivf.nprobe),
            Kind::FastScan(index) => Some(index.nprobe),
            _ => None,
        }
    }
}

/// The inverted file behind transforms and before re-ranking, if there is one.
fn inverted(kind: &Kind) -> Option<&Kind> {
    match kind {
        Kind::Ivf(_) | Kind::FastScan(_) => Some(kind),
        Kind::Exhaustive(_) | Kind::Hashed(_) => None,
        Kind::Transformed(transformed) => inverted(&transformed.inner),
        Kind::Refined(refined) => inverted(&refined.base),
    }
}

/// Enters the cell of every entry under its id, where that is wanted.
fn find(wanted: &mut HashMap<i64, Vec<usize>>, lists: impl Iterator<Item = impl Iterator<Item = i64>>) {
    for (cell, ids) in lists.enumerate() {
        for id in ids {
            if let Some(cells) = wanted.get_mut(&id) {
                cells.push(cell);
            }
        }
    }
}

fn ids(kind: &Kind) -> Vec<i64> {
    match kind {
        Kind::Ivf(ivf) => ivf.lists.lists.iter().flat_map(InvertedList::ids).collect(),
        Kind::FastScan(index) => index.lists.iter().flat_map(PackedList::ids).collect(),
        Kind::Transformed(transformed) => ids(&transformed.inner),
        Kind::Exhaustive(_) | Kind::Hashed(_) | Kind::Refined(_) => {
            (0..kind.store().ntotal() as i64).collect()
        }
    }
}

fn code_size(kind: &Kind) -> usize {
    match kind {
        Kind::Exhaustive(index) => index.codec.code_size(),
        Kind::Hashed(index) => index.lsh.code_size(),
        Kind::Ivf(ivf) => ivf.codec.code_size(),
        Kind::FastScan(index) => index.pq.code_size(),
        Kind::Transformed(transformed) => code_size(&transformed.inner),
        Kind::Refined(refined) => code_size(&refined.base) + refined.vectors.codec.code_size(),
    }
}

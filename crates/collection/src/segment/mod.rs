//! Segments: immutable files of entries, an index in faiss's format and the descriptors beside it.

mod descriptors;
mod write;

use std::path::{Path, PathBuf};

pub use descriptors::Descriptors;
use half::f16;
use index::{EntryLists, FoundEntry, Index};
pub use write::{SegmentEntries, remove_files, write};

use crate::{
    catalogue::segments::SegmentRecord,
    error::{Error, Result},
};

/// Open segment: codes, ids and descriptors are mapped, not read.
pub struct Segment {
    pub name: String,
    pub lists: EntryLists,
    /// Row of the first descriptor of each cell: `[nlist]`.
    starts: Vec<usize>,
    pub descriptors: Descriptors,
}

impl Segment {
    /// Opens the files of a segment in `folder`.
    ///
    /// # Errors
    /// If a file is missing, malformed, of another quantiser's kind, or of another size than recorded.
    pub fn open(folder: &Path, record: &SegmentRecord, quantiser: &Index) -> Result<Self> {
        let path = lists_path(folder, &record.name);
        let lists = quantiser.open_lists(&path)?;
        if lists.ntotal() != record.entries {
            let reason = format!("expected {} entries, found {}", record.entries, lists.ntotal());
            return Err(Error::damaged(&path, reason));
        }
        let path = descriptors_path(folder, &record.name);
        let descriptors = Descriptors::open(&path, record.entries, quantiser.d())?;
        Ok(Self { name: record.name.clone(), starts: starts(&lists), lists, descriptors })
    }

    /// Row of the descriptor of an entry that a search found.
    pub fn row(&self, found: &FoundEntry) -> usize {
        self.starts[found.cell] + found.offset
    }

    /// Descriptor of an id, found by looking through all ids.
    pub fn descriptor_of(&self, id: i64) -> Option<&[f16]> {
        let ids = (0..self.lists.nlist()).flat_map(|cell| self.lists.entries(cell).map(|(id, _)| id));
        ids.zip(0..).find(|(stored, _)| *stored == id).map(|(_, row)| self.descriptors.row(row))
    }
}

/// Number of the entries before each cell.
fn starts(lists: &EntryLists) -> Vec<usize> {
    let sizes = (0..lists.nlist()).map(|cell| lists.entries(cell).len());
    sizes
        .scan(0, |start, size| {
            let first = *start;
            *start += size;
            Some(first)
        })
        .collect()
}

/// Path of the index of a segment.
pub fn lists_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.faiss"))
}

/// Path of the descriptors of a segment.
pub fn descriptors_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.npy"))
}

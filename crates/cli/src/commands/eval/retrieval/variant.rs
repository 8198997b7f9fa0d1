//! How originals are stored, and how many cells a search visits.

use std::{fmt, num::NonZeroUsize};

use serde::Serialize;

use super::super::stored::Filled;

/// One table's choice of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Variant {
    /// Entries of an original: cells that it is in, the mean where originals differ.
    pub cells: usize,
    /// Cells that a search visits.
    pub nprobe: usize,
    /// What the entries of an original take, with their ids.
    pub bytes_per_image: usize,
}

impl Variant {
    /// All choices of an index and of cells to visit, the former the slower.
    pub fn all(filled: &[Filled], nprobes: &[NonZeroUsize]) -> Vec<Self> {
        let each = |filled: &Filled| {
            let entries = filled.count as f64 / filled.of.len() as f64;
            let bytes = entries * filled.entry_size() as f64;
            let (cells, bytes_per_image) = (entries.round() as usize, bytes.round() as usize);
            nprobes.iter().map(move |nprobe| Self { cells, nprobe: nprobe.get(), bytes_per_image })
        };
        filled.iter().flat_map(each).collect()
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cells, nprobe, bytes_per_image } = self;
        write!(f, "nprobe {nprobe}, an image ")?;
        match cells {
            0 | 1 => write!(f, "at {bytes_per_image} bytes"),
            several => write!(f, "in {several} cells at {bytes_per_image} bytes"),
        }
    }
}

//! Variants of an evaluation: cells of an original, and cells of a search.

use std::{fmt, num::NonZeroUsize};

use serde::Serialize;

use super::filled_index::FilledIndex;

/// One choice of both numbers, with its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Variant {
    /// Number of cells that store an original; the mean if originals differ.
    pub cells: usize,
    /// Number of cells that a search visits.
    pub nprobe: usize,
    /// Bytes of all entries of an original, ids included.
    pub bytes_per_image: usize,
}

impl Variant {
    /// Returns all choices, those of one index together.
    pub(super) fn all(filled: &[FilledIndex], nprobes: &[NonZeroUsize]) -> Vec<Self> {
        let each = |filled: &FilledIndex| {
            let entries = filled.count as f64 / filled.entries.len() as f64;
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

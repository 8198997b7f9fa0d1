//! Variants of an evaluation: cells of an original, views of a copy, and cells of a search.

use std::{fmt, num::NonZeroUsize};

use serde::Serialize;

use super::filled_index::FilledIndex;

/// One choice of these numbers, with its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Variant {
    /// Number of cells that store an original; the mean if originals differ.
    pub cells: usize,
    /// Number of cells that a search visits.
    pub nprobe: usize,
    /// Largest number of views of a copy that are searched.
    pub looks: usize,
    /// Bytes of all entries of an original, ids included.
    pub bytes_per_image: usize,
}

impl Variant {
    /// Returns all choices, those of one index together, and among them those of one number of views.
    pub(super) fn all(filled: &[FilledIndex], looks: &[NonZeroUsize], nprobes: &[NonZeroUsize]) -> Vec<Self> {
        let mut all = Vec::with_capacity(filled.len() * looks.len() * nprobes.len());
        for filled in filled {
            let entries = filled.count as f64 / filled.entries.len() as f64;
            let bytes = entries * filled.entry_size() as f64;
            let (cells, bytes_per_image) = (entries.round() as usize, bytes.round() as usize);
            for looks in looks {
                let variant = |nprobe: &NonZeroUsize| Self {
                    cells,
                    nprobe: nprobe.get(),
                    looks: looks.get(),
                    bytes_per_image,
                };
                all.extend(nprobes.iter().map(variant));
            }
        }
        all
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cells, nprobe, looks, bytes_per_image } = self;
        write!(f, "nprobe {nprobe}, ")?;
        if *looks > 1 {
            write!(f, "{looks} looks, ")?;
        }
        f.write_str("an image ")?;
        match cells {
            0 | 1 => write!(f, "at {bytes_per_image} bytes"),
            several => write!(f, "in {several} cells at {bytes_per_image} bytes"),
        }
    }
}

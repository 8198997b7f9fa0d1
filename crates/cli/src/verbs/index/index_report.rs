//! Report of the verbs below `index`.

use std::{path::Path, time::Duration};

use image_file::path_text;
use index::Index;
use serde::Serialize;

use crate::report::table::table;

/// Changes that a verb made to the entries.
#[derive(Serialize, Clone, Copy, Default)]
pub struct Change {
    /// Number of entries removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<usize>,
    /// Number of ids to remove that have no entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
    /// Number of entries from other indexes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged: Option<usize>,
}

/// An index after a verb.
#[derive(Serialize)]
pub struct IndexReport {
    factory: String,
    metric: String,
    d: usize,
    ntotal: usize,
    /// Size of one code in bytes.
    code_size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    nlist: Option<usize>,
    /// Number of cells that faiss visits by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    nprobe: Option<u64>,
    /// Number of entries that a search of a graph keeps in view by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    ef_search: Option<usize>,
    /// File that holds the inverted lists, if it is not that of the index.
    #[serde(skip_serializing_if = "Option::is_none")]
    lists_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lists: Option<Occupancy>,
    #[serde(flatten)]
    change: Change,
    seconds: f64,
    bytes: u64,
}

/// Numbers of entries per cell.
#[derive(Serialize, Debug, PartialEq)]
struct Occupancy {
    smallest: usize,
    /// Upper median.
    median: usize,
    largest: usize,
    /// Number of empty cells.
    empty: usize,
}

impl Occupancy {
    /// Returns `None` if there are no cells.
    fn new(mut sizes: Vec<usize>) -> Option<Self> {
        sizes.sort_unstable();
        let (smallest, median, largest) = (*sizes.first()?, sizes[sizes.len() / 2], *sizes.last()?);
        Some(Self { smallest, median, largest, empty: sizes.partition_point(|&size| size == 0) })
    }
}

impl IndexReport {
    /// Reports on an index in a file of `bytes`, and the changes made to it.
    pub fn new(index: &Index, change: Change, bytes: u64, took: Duration) -> Self {
        Self {
            factory: index.factory().to_string(),
            metric: index.metric().to_string(),
            d: index.d(),
            ntotal: index.ntotal(),
            code_size: index.code_size(),
            nlist: index.nlist(),
            nprobe: index.default_nprobe(),
            ef_search: index.ef_search(),
            lists_file: None,
            lists: index.list_sizes().and_then(Occupancy::new),
            change,
            seconds: took.as_secs_f64(),
            bytes,
        }
    }

    /// Names the file that holds the inverted lists.
    pub fn with_lists_file(self, file: Option<&Path>) -> Self {
        Self { lists_file: file.map(path_text), ..self }
    }

    /// Formats the report as a table, without rows that do not apply.
    pub fn text(&self) -> String {
        let count = |count: Option<usize>| count.map(|count| count.to_string());
        let spread = self.lists.as_ref().map(|lists| {
            let Occupancy { smallest, median, largest, empty } = lists;
            format!("{smallest} / {median} / {largest}, {empty} empty")
        });
        let rows = [
            ("factory", Some(self.factory.clone())),
            ("metric", Some(self.metric.clone())),
            ("dimension", Some(self.d.to_string())),
            ("removed", count(self.change.removed)),
            ("merged", count(self.change.merged)),
            ("entries", Some(self.ntotal.to_string())),
            ("bytes per code", Some(self.code_size.to_string())),
            ("cells", count(self.nlist)),
            ("entries per cell, least / median / most", spread),
            ("default nprobe", self.nprobe.map(|nprobe| nprobe.to_string())),
            ("default efSearch", count(self.ef_search)),
            ("lists in", self.lists_file.clone()),
            ("bytes", Some(self.bytes.to_string())),
            ("seconds", Some(format!("{:.2}", self.seconds))),
        ];
        let rows = rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), value?]));
        table(&["index", ""], 1, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occupancy_is_computed_from_sorted_sizes() {
        let lists = |sizes: &[usize]| Occupancy::new(sizes.to_vec());
        let spread = Occupancy { smallest: 0, median: 3, largest: 9, empty: 2 };
        assert_eq!(lists(&[9, 0, 4, 3, 0]), Some(spread));
        assert_eq!(lists(&[2]), Some(Occupancy { smallest: 2, median: 2, largest: 2, empty: 0 }));
        assert_eq!(lists(&[]), None);
    }
}

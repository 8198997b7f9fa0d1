//! What the verbs below `index` print.

use std::time::Duration;

use index::Index;
use serde::Serialize;

use crate::{output::SCHEMA, table};

/// What a verb did to the entries.
#[derive(Serialize, Clone, Copy, Default)]
pub struct Change {
    /// Entries taken out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<usize>,
    /// Ids that were to be removed and are in no entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
    /// Entries taken over from other indexes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged: Option<usize>,
}

/// What `--json` prints.
#[derive(Serialize)]
pub struct Document {
    schema: u32,
    factory: String,
    metric: String,
    d: usize,
    ntotal: usize,
    /// Bytes of one code.
    code_size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    nlist: Option<usize>,
    /// The cells that faiss would visit unless told otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    nprobe: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lists: Option<Lists>,
    #[serde(flatten)]
    change: Change,
    seconds: f64,
    bytes: u64,
}

/// How entries are spread over cells.
#[derive(Serialize, Debug, PartialEq)]
struct Lists {
    smallest: usize,
    /// The upper one where two are in the middle.
    median: usize,
    largest: usize,
    empty: usize,
}

impl Lists {
    /// `None` where there are no cells.
    fn new(mut sizes: Vec<usize>) -> Option<Self> {
        sizes.sort_unstable();
        let (smallest, median, largest) = (*sizes.first()?, sizes[sizes.len() / 2], *sizes.last()?);
        Some(Self { smallest, median, largest, empty: sizes.partition_point(|&size| size == 0) })
    }
}

impl Document {
    /// Of an index in a file of `bytes`, and what was done to it.
    pub fn new(index: &Index, change: Change, bytes: u64, took: Duration) -> Self {
        Self {
            schema: SCHEMA,
            factory: index.factory().to_string(),
            metric: index.metric().to_string(),
            d: index.d(),
            ntotal: index.ntotal(),
            code_size: index.code_size(),
            nlist: index.nlist(),
            nprobe: index.default_nprobe(),
            lists: index.list_sizes().and_then(Lists::new),
            change,
            seconds: took.as_secs_f64(),
            bytes,
        }
    }

    /// What does not apply is left out.
    pub fn text(&self) -> String {
        let count = |count: Option<usize>| count.map(|count| count.to_string());
        let spread = self.lists.as_ref().map(|lists| {
            let Lists { smallest, median, largest, empty } = lists;
            format!("{smallest} / {median} / {largest}, {empty} empty")
        });
        let rows = [
            ("factory", Some(self.factory.clone())),
            ("metric", Some(self.metric.clone())),
            ("dimension", Some(self.d.to_string())),
            ("removed", count(self.change.removed)),
            ("merged", count(self.change.merged)),
            ("entries", Some(self.ntotal.to_string())),
            ("bytes a code", Some(self.code_size.to_string())),
            ("cells", count(self.nlist)),
            ("entries a cell, least / median / most", spread),
            ("default nprobe", self.nprobe.map(|nprobe| nprobe.to_string())),
            ("bytes", Some(self.bytes.to_string())),
            ("seconds", Some(format!("{:.2}", self.seconds))),
        ];
        let rows = rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), value?]));
        table::table(&["index", ""], 1, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_entries_is_that_of_sorted_sizes() {
        let lists = |sizes: &[usize]| Lists::new(sizes.to_vec());
        let spread = Lists { smallest: 0, median: 3, largest: 9, empty: 2 };
        assert_eq!(lists(&[9, 0, 4, 3, 0]), Some(spread));
        assert_eq!(lists(&[2]), Some(Lists { smallest: 2, median: 2, largest: 2, empty: 0 }));
        assert_eq!(lists(&[]), None);
    }
}

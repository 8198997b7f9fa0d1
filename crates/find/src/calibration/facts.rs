//! Date, origin and numbers of a calibration.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Origin of the unrelated queries of a calibration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Background {
    /// Photographs of public sets; the collection was never calibrated.
    Standard,
    /// Pictures that are not in the collection.
    Pictures,
    /// Descriptors of pictures that are not in the collection.
    Descriptors,
    /// The collection's own entries, with relatives cut off.
    Entries,
}

/// Facts that a calibration rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Time of the calibration, in seconds since 1970.
    pub made: i64,
    /// Origin of the queries.
    pub background: Background,
    /// Number of queries.
    pub queries: usize,
    /// Pairs of a query and an entry.
    pub pairs: u64,
    /// Entries of the collection at that time.
    pub entries: u64,
    /// Largest number of views of a query.
    pub looks: usize,
    /// Pairs that were taken for relatives and left out.
    pub refused: u64,
}

impl fmt::Display for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Standard => "public photographs",
            Self::Pictures => "background pictures",
            Self::Descriptors => "background descriptors",
            Self::Entries => "of the collection's own entries",
        })
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { background, queries, pairs, entries, looks, refused, .. } = self;
        let views = if *looks == 1 { String::new() } else { format!(", up to {looks} views each") };
        write!(
            f,
            "{queries} {background} against {entries} entries ({pairs} pairs{views}; {refused} refused as relatives)"
        )
    }
}

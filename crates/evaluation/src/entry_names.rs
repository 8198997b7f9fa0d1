//! Names of an index's entries.

use std::collections::BTreeMap;

/// Names of entries by id. The name of an image is its path as its caller spelled it.
pub type EntryNames = BTreeMap<i64, String>;

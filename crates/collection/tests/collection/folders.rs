//! Collections in folders, by the paths of the folders.

use std::path::Path;

use active_index_collection::Collection;

use crate::{place::Place, promises::fixtures};

/// Place of the collection in `path`.
fn place(path: &Path) -> Place {
    Place::at(path.to_str().expect("a path of text").to_owned())
}

/// Empty collection that is created in `path`.
pub fn collection(path: &Path) -> Collection {
    fixtures::collection(&place(path))
}

/// Collection that is in `path`.
pub fn open(path: &Path) -> Collection {
    place(path).open()
}

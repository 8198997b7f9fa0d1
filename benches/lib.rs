//! Benchmarks, one file a question below `benches/`, the peers they are compared with below `peers/`.

use std::path::{Path, PathBuf};

/// The project's root folder: the one that was built, or what `ACTIVE_INDEX_ROOT` names on a machine without Rust.
pub fn root() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::env::var_os("ACTIVE_INDEX_ROOT").map_or_else(built, PathBuf::from)
}

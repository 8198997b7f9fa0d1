//! Benchmarks, one per question below `benches/`; their peers are below `peers/`.

mod side;

use std::path::{Path, PathBuf};

pub use side::{Side, serve};

/// Root folder of the project: the built one, or the folder named by `ACTIVE_INDEX_ROOT` on a machine without
/// Rust.
pub fn root() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::env::var_os("ACTIVE_INDEX_ROOT").map_or_else(built, PathBuf::from)
}

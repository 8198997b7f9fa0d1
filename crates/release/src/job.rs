//! Jobs of a release.

use std::path::PathBuf;

use collection::Meta;

/// Image to release.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// File of the original.
    pub input: PathBuf,
    /// Name of its entry, which is no path to read or to write.
    pub name: PathBuf,
    /// Path of the released file, whose folder is created.
    pub output: PathBuf,
    /// Fields of its entry, where the destination has entries.
    pub meta: Meta,
    /// Decision of the caller's plan.
    pub decision: Decision,
}

/// Decision on an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Release it.
    Release,
    /// Skip it: its released file exists already.
    Skip,
    /// Refuse it, for this reason.
    Refuse(String),
}

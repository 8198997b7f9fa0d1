//! Indexes and descriptors that an evaluation opens, all of one extractor.

use std::path::Path;

use anyhow::{Result, ensure};
use index::Index;

use crate::{engine::Engine, output::Output, provenance::Known};

/// Opens an index of this extractor's descriptors.
pub fn open(engine: &Engine, path: &Path, output: &Output) -> Result<Index> {
    let index = engine.index(Some(path), output)?;
    let (d, made) = (index.d(), engine.extractor.dimension());
    ensure!(
        d == made,
        "{}: of dimension {d}, but the extractor makes {made} numbers: name its weights with --weights",
        path.display()
    );
    Ok(index)
}

/// Refuses descriptors of another extractor.
pub fn check_extractor(file: &Path, engine: &Engine, output: &Output) -> Result<()> {
    Known::descriptors(file)?.check(&Known::weights(engine.provenance()), output)
}

//! Check that the index and the descriptors of an evaluation come from the extractor in use.

use std::path::Path;

use anyhow::{Result, ensure};
use index::Index;

use crate::{inputs::extractor::LoadedExtractor, session::Session, side_files::extractor_record::Source};

/// Opens an index of descriptors of the extractor.
///
/// # Errors
/// If it cannot be read, or comes from another extractor.
pub fn open(loaded: &LoadedExtractor, path: &Path, session: &Session) -> Result<Index> {
    let index = loaded.index(Some(path), session)?;
    let (d, made) = (index.d(), loaded.extractor.dimension());
    ensure!(
        d == made,
        "{}: has dimension {d}, but the extractor computes {made} numbers: name the weights of the index with --weights",
        path.display()
    );
    Ok(index)
}

/// Checks that the descriptors of a file come from the extractor.
///
/// # Errors
/// If they do not.
pub fn check_extractor(file: &Path, loaded: &LoadedExtractor, session: &Session) -> Result<()> {
    Source::descriptors(file)?.check(&Source::weights(loaded.record()), session)
}

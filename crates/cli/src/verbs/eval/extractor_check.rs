//! Check that the index and the descriptors of an evaluation come from the extractor in use.

use std::path::Path;

use anyhow::{Result, ensure};
use image_file::path_text;
use index::Index;

use crate::{
    inputs::extractor::LoadedExtractor,
    session::Session,
    side_files::{entry_names::Names, extractor_record::Source},
};

/// Opens an index of descriptors of the extractor, and reads the names of its entries.
///
/// # Errors
/// If they cannot be read, or the index comes from another extractor.
pub fn open(loaded: &LoadedExtractor, path: &Path, session: &Session) -> Result<(Index, Names)> {
    let (index, names) = loaded.index_with_names(path, session)?;
    let (d, made) = (index.d(), loaded.extractor.dimension());
    ensure!(
        d == made,
        "{}: has dimension {d}, but the extractor computes {made} numbers: name the weights of the index with --weights",
        path_text(path)
    );
    Ok((index, names))
}

/// Checks that the descriptors of a file come from the extractor.
///
/// # Errors
/// If they do not.
pub fn check_extractor(file: &Path, loaded: &LoadedExtractor, session: &Session) -> Result<()> {
    Source::descriptors(file)?.check(&Source::weights(loaded.record()), session)
}

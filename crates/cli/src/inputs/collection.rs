//! Collections that the user names.

use std::path::Path;

use anyhow::{Result, ensure};
use burn::tensor::Device;
use collection::Collection;

use crate::{session::Session, side_files::extractor_record::ExtractorRecord};

/// Opens a collection with its quantiser on `device`, and notes on stderr what the user should know of it.
///
/// # Errors
/// If there is no collection, or it cannot be read.
pub fn open(path: &Path, device: &Device, session: &Session) -> Result<Collection> {
    let collection = Collection::open(path, device)?;
    collection.warnings().iter().for_each(|warning| session.note(warning));
    Ok(collection)
}

/// Checks that a collection takes descriptors of an extractor: the recorded one. If none is recorded, records it.
///
/// # Errors
/// If the collection holds descriptors of another extractor; if it cannot be read or written.
pub fn require_extractor(collection: &Collection, record: &ExtractorRecord) -> Result<()> {
    let recorded = collection.extractor(&serde_json::to_string(record)?)?;
    let recorded = ExtractorRecord::parse(&recorded)?;
    ensure!(
        recorded.agrees(record),
        "{}: holds descriptors of {recorded}, and these are of {record}",
        collection.description().location
    );
    Ok(())
}

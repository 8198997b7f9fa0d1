//! `collection create`: creates an empty collection.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use collection::Collection;
use image_file::path_text;
use index::Index;
use witness::Kind;

use super::info::InfoReport;
use crate::{
    args::CollectionCreate,
    inputs::{self, installation},
    report::Report,
    session::{Outcome, Session, interrupt},
    side_files::extractor_record::{ExtractorRecord, Source},
};

pub fn run(arguments: &CollectionCreate, session: &Session) -> Result<Outcome> {
    let device = session.device_for_files()?.device;
    let (quantiser, record) = match &arguments.quantiser {
        Some(file) => (Index::open(file, &device)?, Source::index(file)?.record),
        None => {
            let record = ExtractorRecord::parse(installation::INDEX_RECORD)?;
            (Index::from_bytes(installation::INDEX, &device)?, Some(record))
        }
    };
    let collection = create(&arguments.folder, &quantiser, record.as_ref(), arguments.witness.into())?;
    let report = Report::new(InfoReport::new(&collection)?);
    session.result(&report, || report.body.text())?;
    Ok(Outcome::Done)
}

/// Creates a collection for witnesses of a kind, and the folders above it, with the extractor of its quantisers if that is
/// known.
///
/// # Errors
/// If the folder has content or cannot be written; if the index cannot be a quantiser.
pub fn create(
    folder: &Path,
    quantiser: &Index,
    record: Option<&ExtractorRecord>,
    witnesses: Kind,
) -> Result<Collection> {
    let _held = interrupt::hold_off();
    let above = folder.parent().filter(|above| *above != Path::new(""));
    above.map_or(Ok(()), fs::create_dir_all).with_context(|| path_text(folder))?;
    let collection = match witnesses {
        Kind::None => Collection::create(folder, quantiser)?,
        kind => Collection::create_with_witnesses(folder, quantiser, &kind.to_string())?,
    };
    record.map_or(Ok(()), |record| inputs::collection::require_extractor(&collection, record))?;
    Ok(collection)
}

//! `collection create`: creates an empty collection.

use anyhow::Result;
use collection::Collection;
use index::Index;
use witness::Kind;

use super::info::InfoReport;
use crate::{
    args::{Address, CollectionCreate},
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
    let collection = create(&arguments.address, &quantiser, record.as_ref(), arguments.witness.into())?;
    let report = Report::new(InfoReport::new(&collection, session)?);
    session.result(&report, || report.body.text())?;
    Ok(Outcome::Done)
}

/// Creates a collection for witnesses of a kind, and the folders above it, with the extractor of its quantisers if that is
/// known.
///
/// # Errors
/// If something is at the address, or it cannot be written; if the index cannot be a quantiser.
pub fn create(
    address: &Address,
    quantiser: &Index,
    record: Option<&ExtractorRecord>,
    witnesses: Kind,
) -> Result<Collection> {
    let _held = interrupt::hold_off();
    let kind = (witnesses != Kind::None).then(|| witnesses.to_string());
    let collection = inputs::collection::create(address, quantiser, kind.as_deref())?;
    record.map_or(Ok(()), |record| inputs::collection::require_extractor(&collection, record))?;
    Ok(collection)
}

//! Collections that the user names.

mod engines;
mod lance;

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use collection::Collection;
pub use engines::{create, open as open_quietly, open_if_there};

use crate::{
    args::Address,
    session::{Session, interrupt, output::one_line},
    side_files::extractor_record::ExtractorRecord,
};

/// Opens a collection with its quantiser on `device`, and notes on stderr what the user should know of it.
///
/// # Errors
/// If there is no collection, or it cannot be read.
pub fn open(address: &Address, device: &Device, session: &Session) -> Result<Collection> {
    let collection = open_quietly(address, device)?;
    note_warnings(&collection, session);
    Ok(collection)
}

/// Notes on stderr what the user should know of a collection.
pub fn note_warnings(collection: &Collection, session: &Session) {
    collection.warnings().iter().for_each(|warning| session.note(warning));
}

/// Fits the calibration of a collection anew if it has doubled since. A failure is noted: what was done before stands.
pub fn refit(collection: &Collection, session: &Session) {
    let _held = interrupt::hold_off();
    let location = &collection.description().location;
    match find::refit_if_due(collection, now()) {
        Ok(None) => {}
        Ok(Some(calibration)) => {
            let entries = calibration.facts().entries;
            session.note(&format!(
                "{location}: has doubled, and its E-values were fitted anew to {entries} entries"
            ));
        }
        Err(error) => session
            .note(&format!("{location}: its E-values could not be fitted anew: {}", one_line(&error.into()))),
    }
}

/// Returns the time in seconds since 1970.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

/// Checks that a collection takes descriptors of an extractor: the recorded one. If none is recorded, records it.
///
/// # Errors
/// If the collection holds descriptors of another extractor; if it cannot be read or written.
pub fn require_extractor(collection: &Collection, record: &ExtractorRecord) -> Result<()> {
    let recorded = collection.extractor(&record.to_text()?)?;
    check_agreement(collection, &recorded, record)
}

/// Checks that queries of an extractor can be compared with the descriptors of a collection. Records nothing.
///
/// # Errors
/// If the collection holds descriptors of another extractor; if it cannot be read.
pub fn check_extractor(collection: &Collection, record: &ExtractorRecord) -> Result<()> {
    match collection.recorded_extractor()? {
        Some(recorded) => check_agreement(collection, &recorded, record),
        None => Ok(()),
    }
}

/// Returns the record of the extractor of a collection's descriptors, if there is one.
///
/// # Errors
/// If the collection cannot be read, or the record is malformed.
pub fn recorded_extractor(collection: &Collection) -> Result<Option<ExtractorRecord>> {
    collection.recorded_extractor()?.map(|text| parse(collection, &text)).transpose()
}

fn check_agreement(collection: &Collection, recorded: &str, record: &ExtractorRecord) -> Result<()> {
    let recorded = parse(collection, recorded)?;
    ensure!(
        recorded.agrees(record),
        "{}: holds descriptors of {recorded}, and these are of {record}",
        collection.description().location
    );
    Ok(())
}

fn parse(collection: &Collection, text: &str) -> Result<ExtractorRecord> {
    let location = &collection.description().location;
    ExtractorRecord::parse(text).with_context(|| format!("{location}: the record of its extractor"))
}

//! `collection info`: the kind of a collection, its numbers of entries and its size.

use anyhow::Result;
use collection::{Collection, Decisions, Description};
use find::{Calibration, report::CalibrationReport};
use serde::Serialize;
use shard::Record;

use super::runs;
use crate::{
    args::Address,
    inputs,
    report::{Report, table::table},
    session::{Outcome, Session},
    side_files::extractor_record::ExtractorRecord,
};

/// A collection in numbers.
#[derive(Serialize)]
pub struct InfoReport {
    collection: String,
    factory: String,
    d: usize,
    /// Live entries.
    entries: u64,
    withdrawn: u64,
    dropped: u64,
    /// Entries whose released file was not written yet.
    pending: u64,
    segments: usize,
    /// Entries that are in no segment yet.
    fresh: usize,
    bytes: u64,
    /// Kind of the witnesses.
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<String>,
    /// Entries that have a witness.
    witnesses: u64,
    witness_bytes: u64,
    /// Matches that a person has judged or is to judge.
    reviews: Reviews,
    /// Calibration of the E-values, if the collection has one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration: Option<CalibrationReport>,
    /// Cells that a search visits by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    nprobe: Option<u64>,
    /// SHA-256 of the quantiser's file.
    fingerprint: String,
    /// Extractor of the descriptors.
    #[serde(skip_serializing_if = "Option::is_none")]
    extractor: Option<ExtractorRecord>,
    /// Progress of runs in shards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shards: Vec<Record>,
}

/// Numbers of reviews by their decisions.
#[derive(Serialize)]
struct Reviews {
    undecided: u64,
    confirmed: u64,
    rejected: u64,
}

impl From<Decisions> for Reviews {
    fn from(Decisions { undecided, confirmed, rejected }: Decisions) -> Self {
        Self { undecided, confirmed, rejected }
    }
}

impl Reviews {
    /// Formats the numbers; `None` without reviews.
    fn text(&self) -> Option<String> {
        let Self { undecided, confirmed, rejected } = self;
        let all = undecided + confirmed + rejected;
        (all > 0).then(|| format!("{undecided} undecided, {confirmed} confirmed, {rejected} rejected"))
    }
}

pub fn run(address: &Address, session: &Session) -> Result<Outcome> {
    let collection = inputs::collection::open(address, &session.device_for_files()?.device, session)?;
    let report = Report::new(InfoReport::new(&collection, session)?);
    session.result(&report, || report.body.text())?;
    Ok(Outcome::Done)
}

impl InfoReport {
    /// Reads the numbers of a collection, and notes on stderr what of it cannot be read.
    ///
    /// # Errors
    /// If the collection cannot be read.
    pub fn new(collection: &Collection, session: &Session) -> Result<Self> {
        let Description { location, d, factory, fingerprint, witness_kind } =
            collection.description().clone();
        let info = collection.info()?;
        let calibration = Some(Calibration::of(collection)?).filter(|own| !own.is_standard());
        let calibration = calibration.map(|own| CalibrationReport::new(&own, info.live));
        let nprobe = collection.quantiser().default_nprobe();
        let extractor = inputs::collection::recorded_extractor(collection)?;
        Ok(Self {
            collection: location,
            factory,
            d,
            entries: info.live,
            withdrawn: info.withdrawn,
            dropped: info.dropped,
            pending: info.pending,
            segments: info.segments,
            fresh: info.fresh,
            bytes: info.bytes,
            witness: witness_kind,
            witnesses: info.witnesses,
            witness_bytes: info.witness_bytes,
            reviews: info.reviews.into(),
            calibration,
            nprobe,
            fingerprint,
            extractor,
            shards: runs::records(collection, session)?,
        })
    }

    fn witnesses(&self, kind: &str) -> String {
        format!("{kind} of {}, {} bytes", self.witnesses, self.witness_bytes)
    }

    /// Formats the report as a table, without rows that do not apply.
    pub fn text(&self) -> String {
        let unless_zero = |count: u64| (count > 0).then(|| count.to_string());
        let rows = [
            ("quantiser", Some(self.factory.clone())),
            ("dimension", Some(self.d.to_string())),
            ("extractor", self.extractor.as_ref().map(ExtractorRecord::text)),
            ("entries", Some(self.entries.to_string())),
            ("withdrawn", unless_zero(self.withdrawn)),
            ("withdrawn and dropped", unless_zero(self.dropped)),
            ("whose file is not written yet", unless_zero(self.pending)),
            ("segments", Some(self.segments.to_string())),
            ("entries in no segment yet", Some(self.fresh.to_string())),
            ("bytes", Some(self.bytes.to_string())),
            ("witnesses", self.witness.as_ref().map(|kind| self.witnesses(kind))),
            ("reviews", self.reviews.text()),
            ("E-values", self.calibration.as_ref().map(ToString::to_string)),
            ("default nprobe", self.nprobe.map(|nprobe| nprobe.to_string())),
        ];
        let rows = rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), value?]));
        let rows = rows.chain(runs::rows(&self.shards, inputs::collection::now()));
        table(&["collection", &self.collection], 1, rows)
    }
}

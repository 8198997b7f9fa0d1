//! Calibration of a collection's E-values, in JSON and in words.

use std::fmt;

use find::{Calibration, Facts};
use serde::Serialize;

/// Calibration that E-values rest on.
#[derive(Serialize, Clone)]
pub struct CalibrationReport {
    /// True if the collection has none of its own, and the one measured on photographs applies.
    standard: bool,
    /// True if it should be fitted anew: there is none, or the collection has doubled since.
    due: bool,
    #[serde(flatten)]
    facts: Facts,
}

impl CalibrationReport {
    /// Report on the calibration of a collection with `entries` live entries.
    pub fn new(calibration: &Calibration, entries: u64) -> Self {
        let (standard, due) = (calibration.is_standard(), calibration.is_due(entries));
        Self { standard, due, facts: calibration.facts().clone() }
    }

    /// Returns a note for a collection that has doubled since it was calibrated.
    pub fn advice(&self, collection: &str) -> Option<String> {
        let entries = self.facts.entries;
        let advice = format!(
            "{collection}: has at least twice the {entries} entries that it had when it was calibrated; `active-index collection calibrate {collection}` fits its E-values anew"
        );
        (self.due && !self.standard).then_some(advice)
    }
}

impl fmt::Display for CalibrationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.standard {
            true => f.write_str("standard calibration"),
            false => write!(f, "calibrated by {}", self.facts),
        }
    }
}

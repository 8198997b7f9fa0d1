//! Advice on a collection's calibration.

use find::report::CalibrationReport;

/// Returns a note for a collection that has doubled since it was calibrated.
pub fn calibration_advice(calibration: &CalibrationReport, collection: &str) -> Option<String> {
    let entries = calibration.facts.entries;
    let advice = format!(
        "{collection}: has at least twice the {entries} entries that it had when it was calibrated; `active-index collection calibrate {collection}` fits its E-values anew"
    );
    (calibration.due && !calibration.standard).then_some(advice)
}

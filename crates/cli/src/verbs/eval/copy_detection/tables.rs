//! Tables of ISC2021, read and written.

use std::{fs::File, path::Path};

use anyhow::{Context, Result, ensure};
use evaluation::{
    bootstrap::Bootstrap,
    copy_detection::{
        Findings,
        isc::{GroundTruth, Prediction, read_predictions, write_predictions},
    },
};
use image_file::path_text;

use super::copy_detection_report::CopyDetectionReport;
use crate::session::whole_file::write_whole;

/// Largest table in bytes; those of DISC21 have some megabytes.
const MAX_BYTES: u64 = 1 << 30;

/// Files that [`write`] writes, the last only for released images.
pub const FILES: [&str; 3] = ["groundtruth.csv", "predictions.csv", "predictions_released.csv"];

/// Reads a ground truth.
///
/// # Errors
/// If the file is malformed, has no match or cannot be read; the message names it.
pub fn read_truth(path: &Path) -> Result<GroundTruth> {
    let read = || -> Result<GroundTruth> {
        let truth = GroundTruth::read(open(path)?)?;
        ensure!(truth.count() > 0, "no query has a match: expected rows of query_id,reference_id");
        Ok(truth)
    };
    read().with_context(|| path_text(path))
}

fn open(path: &Path) -> Result<File> {
    let about = path.metadata()?;
    ensure!(about.is_file(), "is not a regular file");
    ensure!(about.len() <= MAX_BYTES, "expected at most {MAX_BYTES} bytes, found {}", about.len());
    Ok(File::open(path)?)
}

/// Evaluates the predictions of a file.
///
/// # Errors
/// If a file is malformed or cannot be read; the message names it.
pub fn judge(predictions: &Path, truth: &Path, bootstrap: Bootstrap) -> Result<CopyDetectionReport> {
    let matches = read_truth(truth)?;
    let read = || -> Result<Vec<Prediction>> { Ok(read_predictions(open(predictions)?)?) };
    let predictions = read().with_context(|| path_text(predictions))?;
    CopyDetectionReport::of_predictions(&matches, &predictions, bootstrap)
}

/// Writes the ground truth and the predictions of an evaluation.
///
/// # Errors
/// If a file cannot be written.
pub fn write(folder: &Path, findings: &Findings) -> Result<()> {
    let [truth, passive, released] = FILES.map(|name| folder.join(name));
    let mut table = Vec::new();
    findings.ground_truth().write(&mut table)?;
    write_whole(&truth, |file| file.write_all(&table))?;
    let candidates = &findings.candidates;
    write_rows(&passive, &findings.predictions(&candidates.passive.by_descriptor))?;
    if let Some(found) = candidates.released() {
        write_rows(&released, &findings.predictions(&found.by_descriptor))?;
    }
    Ok(())
}

fn write_rows(path: &Path, predictions: &[Prediction]) -> Result<()> {
    let mut table = Vec::new();
    write_predictions(predictions, &mut table)?;
    write_whole(path, |file| file.write_all(&table))
}

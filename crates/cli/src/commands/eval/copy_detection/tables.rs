//! ISC2021's tables, in and out.

use std::{fs::File, path::Path};

use anyhow::{Context, Result, ensure};
use evaluation::copy_detection::isc::{GroundTruth, Prediction, read_predictions, write_predictions};

use super::{
    document::Document,
    references::References,
    rows::{Named, Queries, Sides},
};
use crate::{args::EvalCopyDetection, files::write_whole};

/// DISC21's own tables have some megabytes; a longer one is none.
const MAX_BYTES: u64 = 1 << 30;

pub fn read_truth(path: &Path) -> Result<GroundTruth> {
    let read = || -> Result<GroundTruth> {
        let truth = GroundTruth::read(open(path)?)?;
        ensure!(truth.count() > 0, "no query has a match, expected rows query_id,reference_id");
        Ok(truth)
    };
    read().with_context(|| path.display().to_string())
}

fn open(path: &Path) -> Result<File> {
    let about = path.metadata()?;
    ensure!(about.is_file(), "is no regular file");
    ensure!(about.len() <= MAX_BYTES, "{} bytes, expected at most {MAX_BYTES}", about.len());
    Ok(File::open(path)?)
}

/// Judges predictions of a file.
pub fn judge(predictions: &Path, truth: &Path, arguments: &EvalCopyDetection) -> Result<Document> {
    let matches = read_truth(truth)?;
    let read = || -> Result<Vec<Prediction>> { Ok(read_predictions(open(predictions)?)?) };
    let predictions = read().with_context(|| predictions.display().to_string())?;
    Document::of_predictions(&matches, &predictions, arguments)
}

/// Writes what queries show, and what was found.
pub fn write(folder: &Path, queries: &Queries, sides: &Sides, references: &References) -> Result<()> {
    let labels = references.labels();
    let label = |id: i64| labels.get(&id).cloned().unwrap_or_else(|| format!("entry{id}"));
    let mut truth = GroundTruth::default();
    for query in &queries.all {
        let names = query.matches.iter().map(|id| label(*id));
        truth.matches.entry(query.id.clone()).or_default().extend(names);
    }
    let mut table = Vec::new();
    truth.write(&mut table)?;
    write_whole(&folder.join("groundtruth.csv"), |file| file.write_all(&table))?;
    write_rows(&folder.join("predictions.csv"), &sides.passive, queries, &label)?;
    if let Some(released) = sides.released() {
        write_rows(&folder.join("predictions_released.csv"), released, queries, &label)?;
    }
    Ok(())
}

fn write_rows(path: &Path, rows: &[Named], queries: &Queries, label: &dyn Fn(i64) -> String) -> Result<()> {
    let prediction = |named: &Named| {
        let (query, reference) = (queries.all[named.query].id.clone(), label(named.id));
        Prediction { query, reference, score: named.normalised.unwrap_or(named.score) }
    };
    let predictions: Vec<Prediction> = rows.iter().map(prediction).collect();
    let mut table = Vec::new();
    write_predictions(&predictions, &mut table)?;
    write_whole(path, |file| file.write_all(&table))
}

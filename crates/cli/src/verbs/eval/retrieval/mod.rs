//! `eval retrieval`: retrieval of originals by edited copies.

pub mod page;
mod request;
pub mod retrieval_report;
mod tables;

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Result;
use evaluation::{
    bootstrap::Bootstrap,
    retrieval::{Config, Stored},
};

pub use self::request::{Evaluated, Request, Synthetic};
use self::retrieval_report::RetrievalReport;
use super::{
    extractor_check::open,
    selection::{Selection, outputs},
};
use crate::{
    args::EvalRetrieval,
    inputs::{extractor::LoadedExtractor, image_files::Found},
    outputs::{Content, Outputs},
    report::Report,
    session::{Outcome, Session, whole_file::write_whole},
};

pub fn run(arguments: &EvalRetrieval, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    let request = request(arguments, checked_outputs(arguments)?);
    let Found { images, left_out } = request.selection.find(session)?;
    let loaded = LoadedExtractor::load_for(session, arguments.editing.optimisation.precision)?;
    let entries = open(&loaded, &arguments.index, session)?;
    let evaluated = request.evaluate(&loaded, images, entries, started, session)?;
    let outcome = evaluated.outcome(&left_out);
    let report = Report::new(RetrievalReport::new(&evaluated)).without(left_out);
    if let Some(path) = &arguments.csv {
        write_tables(path, &evaluated, &report.body)?;
    }
    if let Some(path) = &arguments.editing.report {
        page::write(path, &evaluated, &report.body)?;
    }
    session.result(&report, || report.body.text() + &report.left_out())?;
    Ok(outcome)
}

/// Checks the files that will be written, and returns them.
fn checked_outputs(arguments: &EvalRetrieval) -> Result<Outputs> {
    let mut outputs = outputs(&arguments.editing);
    if let Some(path) = &arguments.csv {
        outputs = outputs.and(path, Content::Table("image")).and(&summary_of(path), Content::Table("nprobe"));
    }
    let inputs = arguments.images.iter().chain(&arguments.distractors).chain(&arguments.fit);
    outputs.check(inputs.chain([&arguments.index]))?;
    Ok(outputs)
}

/// Returns the file of the summary beside a table of queries.
fn summary_of(table: &Path) -> PathBuf {
    table.with_extension("summary.csv")
}

/// Returns the evaluation that the arguments ask for.
fn request(arguments: &EvalRetrieval, outputs: Outputs) -> Request<'_> {
    let editing = &arguments.editing;
    let synthetic = arguments.synthetic.zip(arguments.fit.as_deref());
    Request {
        config: Config {
            edits: editing.transforms.0.clone(),
            cells: arguments.cells.clone(),
            nprobes: arguments.nprobe.clone(),
            looks: arguments.looks.clone(),
            stored: Stored::from(arguments.stored),
        },
        bootstrap: Bootstrap { resamples: editing.resamples, seed: editing.optimisation.seed },
        selection: Selection::new(&arguments.images, editing, outputs),
        index: &arguments.index,
        distractors: &arguments.distractors,
        synthetic: synthetic.map(|(n, fit)| Synthetic { n, fit }),
        resume: editing.resume.as_deref(),
    }
}

/// Writes the table of queries, and the summary beside it.
fn write_tables(path: &Path, evaluated: &Evaluated<'_>, report: &RetrievalReport) -> Result<()> {
    let [queries, summary] = [tables::queries(evaluated)?, tables::summary(report)?];
    write_whole(path, |file| file.write_all(&queries))?;
    write_whole(&summary_of(path), |file| file.write_all(&summary))
}

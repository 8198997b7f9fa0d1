//! `eval copy-detection`: detection of copies by one threshold, among queries with and without a match.

mod copy_detection_report;
mod page;
mod tables;

use std::{path::Path, time::Instant};

use anyhow::{Context, Result, anyhow, ensure};
use describe::BatchRequest;
use evaluation::{
    Edit, Error,
    bootstrap::Bootstrap,
    copy_detection::{Background, Config, Findings, QuerySource, Sides, isc::GroundTruth},
    pipeline::{End, KnownDescriptors, Pipeline},
};
use image_file::path_text;

use self::copy_detection_report::{CopyDetectionReport, Scope};
pub use self::tables::read_truth;
use super::{
    extractor_check::{check_extractor, open},
    selection::{Selection, check_names, outputs},
    settings::Settings,
};
use crate::{
    args::EvalCopyDetection,
    inputs::{
        extractor::LoadedExtractor,
        image_files::{self, Found, Input, LeftOut},
    },
    outputs::{Content, Outputs},
    report::Report,
    session::{Outcome, Session, terminal_events::TerminalEvents},
};

pub fn run(arguments: &EvalCopyDetection, session: &Session) -> Result<Outcome> {
    if let (Some(predictions), Some(truth)) = (&arguments.predictions, &arguments.ground_truth) {
        let report = Report::new(tables::judge(predictions, truth, bootstrap(arguments))?);
        session.result(&report, || report.body.text())?;
        return Ok(Outcome::Done);
    }
    let outputs = checked_outputs(arguments)?;
    let (evaluated, left_out) = evaluate(arguments, outputs, session)?;
    let any_failed = left_out.failed();
    let report = Report::new(evaluated.write(arguments)?).without(left_out);
    session.result(&report, || report.body.text() + &report.left_out())?;
    Ok(Outcome::of(any_failed || report.body.photographs < report.body.planned()))
}

/// Checks the files that will be written, and returns them.
fn checked_outputs(arguments: &EvalCopyDetection) -> Result<Outputs> {
    let mut outputs = outputs(&arguments.editing);
    if let Some(folder) = &arguments.isc_out {
        outputs = outputs.and(folder, Content::Folder);
        for name in tables::FILES {
            outputs = outputs.and(&folder.join(name), Content::Table("query_id"));
        }
    }
    let images = arguments.images.iter().chain(&arguments.distractors).chain(&arguments.queries);
    let files = [&arguments.index, &arguments.ground_truth, &arguments.normalise_by];
    outputs.check(images.chain(files.into_iter().flatten()))?;
    Ok(outputs)
}

/// Findings with their figures and circumstances.
struct Evaluated {
    config: Config,
    findings: Findings,
    figures: Sides,
    scope: Scope,
}

fn evaluate(
    arguments: &EvalCopyDetection,
    outputs: Outputs,
    session: &Session,
) -> Result<(Evaluated, LeftOut)> {
    let mut started = Instant::now();
    let editing = &arguments.editing;
    let path = arguments.index.as_deref().context("--index is missing")?;
    ensure!(
        editing.optimisation.choose_cell.is_none(),
        "--choose-cell is for an index that stores released images: `eval retrieval --stored released` measures it"
    );
    let truth = arguments.ground_truth.as_deref().map(read_truth).transpose()?;
    check_truth(arguments)?;
    let mut selection = Selection::new(&arguments.images, editing, outputs);
    let Found { images: inputs, mut left_out } = selection.find(session)?;
    let others = [&arguments.distractors[..], &arguments.queries].concat();
    let others = image_files::find(&others, None, session)?;
    selection.others = &others.images;
    left_out.extend(others.left_out);
    let loaded = LoadedExtractor::load_for(session, editing.optimisation.precision)?;
    let (mut index, names) = open(&loaded, path, session)?;
    check_names(&names, &inputs, path)?;
    let settings = Settings::new(&loaded, Some(&index), Some(path));
    let activating = Instant::now();
    selection.activate(&loaded, &index, &inputs, session)?;
    // Activation does not count in the evaluation's time.
    started += activating.elapsed();
    let references = selection.pair(inputs, session)?;
    let background = arguments.normalise_by.as_deref().map(|path| -> Result<_> {
        check_extractor(path, &loaded, session)?;
        Ok(Background::open(path, &index)?)
    });
    let background = background.transpose()?;
    let queries = query_source(&others.images, truth);

    let events = TerminalEvents::watching(session);
    let known = KnownDescriptors::open(editing.resume.as_deref(), loaded.extractor.dimension(), &events)?;
    let mut pipeline = Pipeline {
        describer: loaded.describer(BatchRequest::Auto),
        reader: selection.reader(),
        known,
        seed: editing.optimisation.seed,
        events: &events,
    };
    let config = Config { edits: edits(arguments), k: arguments.k, nprobe: arguments.nprobe };
    let findings =
        config.evaluate(&mut pipeline, &mut index, &names, references, queries, background.as_ref());
    let findings = findings.map_err(|error| explained(error, path))?;
    let seconds = started.elapsed().as_secs_f64();
    let figures = findings.figures(config.edits.len(), background.is_some(), &bootstrap(arguments))?;
    let scope = Scope {
        references: findings.references.count(),
        entries: findings.entries,
        planned: findings.subjects.len(),
        partial: findings.end == End::Interrupted,
        seconds,
        network_seconds: pipeline.describer.network.as_secs_f64(),
        described: pipeline.describer.described,
        background: background.as_ref().map(|background| background.n),
        settings,
    };
    Ok((Evaluated { config, findings, figures, scope }, left_out))
}

fn bootstrap(arguments: &EvalCopyDetection) -> Bootstrap {
    let editing = &arguments.editing;
    Bootstrap { resamples: editing.resamples, seed: editing.optimisation.seed }
}

/// Returns the edits of images that queries show; queries as they are have none.
fn edits(arguments: &EvalCopyDetection) -> Vec<Edit> {
    if arguments.queries.is_empty() { arguments.editing.transforms.0.clone() } else { vec![Edit::Identity] }
}

/// Checks that there are queries that the ground truth can be about.
fn check_truth(arguments: &EvalCopyDetection) -> Result<()> {
    ensure!(
        arguments.ground_truth.is_none() || !arguments.queries.is_empty(),
        "--ground-truth names the matches of --queries: name the folder of the queries, or omit --ground-truth"
    );
    Ok(())
}

/// Returns the queries: images as they are, with a ground truth, or edits of images without a match.
fn query_source(images: &[Input], truth: Option<GroundTruth>) -> QuerySource {
    let files = images.iter().map(|input| input.path.clone()).collect();
    match truth {
        Some(truth) => QuerySource::Images { queries: files, truth },
        None => QuerySource::Edits { distractors: files },
    }
}

/// Names the options that an error is about.
fn explained(error: Error, index: &Path) -> anyhow::Error {
    match error {
        Error::Interrupted => {
            anyhow!("interrupted before the first search: pass --resume FILE to keep the descriptors")
        }
        Error::DistractorIsReference { path } => {
            anyhow!("{} is among --images and --distractors: a distractor has no match", path_text(&path))
        }
        Error::AmbiguousReference { id, images: [a, b] } => {
            anyhow!("{a} and {b} are both called {id}, and --ground-truth could mean either: rename one")
        }
        Error::UnknownReference { name } => anyhow!(
            "the reference {name} of --ground-truth is neither in {} nor an image in --images: add it to either",
            path_text(index)
        ),
        Error::UnknownQuery { id } => anyhow!(
            "the query {id} of --ground-truth is not an image in --queries: name the folder that holds all queries"
        ),
        error => error.into(),
    }
}

impl Evaluated {
    /// Writes the requested files, and returns the report.
    fn write(self, arguments: &EvalCopyDetection) -> Result<CopyDetectionReport> {
        let Self { config, findings, figures, scope } = self;
        let resamples = arguments.editing.resamples;
        let report = CopyDetectionReport::new(&config, &findings, figures, scope, resamples);
        if let Some(folder) = &arguments.isc_out {
            tables::write(folder, &findings)?;
        }
        if let Some(path) = &arguments.editing.report {
            page::write(path, &report, &findings, &(&arguments.editing.reading).into())?;
        }
        Ok(report)
    }
}

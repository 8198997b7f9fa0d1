//! `eval find`: lookups of edited copies and of unrelated images in a collection.

mod lookup_report;
mod page;
mod tables;

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use collection::Collection;
use describe::BatchRequest;
use evaluation::{
    bootstrap::Bootstrap,
    copy_detection::isc::GroundTruth,
    find::{Config, Figures, Findings, Photographs, Related},
    pipeline::{End, OriginalFile, Subject, pair, sample},
};
use find::Settings;
use image_file::{Reader, path_text};
use shard::Shard;

use self::lookup_report::{LookupReport, Scope};
use super::{copy_detection::read_truth, settings::Settings as ProgramSettings};
use crate::{
    args::EvalFind,
    inputs::{
        self,
        extractor::LoadedExtractor,
        image_files::{self, Found, Input, LeftOut},
        sharding,
    },
    outputs::{Content, Outputs},
    report::Report,
    session::{Outcome, Session, terminal_events::TerminalEvents, whole_file::write_whole},
};

pub fn run(arguments: &EvalFind, session: &Session) -> Result<Outcome> {
    let shard = sharding::shard(&arguments.sharding, session)?;
    let mut arguments = arguments.clone();
    sharding::rename(shard, [&mut arguments.csv, &mut arguments.report, &mut arguments.resume]);
    check_outputs(&arguments)?;
    let (evaluated, left_out) = Evaluated::new(&arguments, shard, session)?;
    let figures = evaluated.figures(&arguments, shard)?;
    let Evaluated { photographs, findings, .. } = &evaluated;
    let outcome = Outcome::of(left_out.failed() || findings.photographs.len() < photographs.planned);
    match &arguments.csv {
        Some(path) if evaluated.is_partial() => session.unwritten(path),
        Some(path) => {
            let table = tables::lookups(&evaluated)?;
            write_whole(path, |file| file.write_all(&table))?;
        }
        None => {}
    }
    let scope = evaluated.scope(&arguments)?;
    let Some(figures) = figures else {
        let report = Report::new(scope).after(evaluated.seconds).in_shard(shard).without(left_out);
        session.result(&report, || evaluated.text_without_figures() + &report.left_out_line())?;
        return Ok(outcome);
    };
    let report = Report::new(LookupReport::new(&evaluated, figures, scope)).after(evaluated.seconds);
    let report = report.in_shard(shard).without(left_out);
    if let Some(path) = &arguments.report {
        page::write(path, &report.body, &evaluated, &(&arguments.reading).into())?;
    }
    session.result(&report, || report.body.text() + &report.left_out_line())?;
    Ok(outcome)
}

fn check_outputs(arguments: &EvalFind) -> Result<()> {
    let outputs = Outputs::default()
        .and_any(arguments.csv.as_ref(), Content::Table("image"))
        .and_any(arguments.report.as_ref(), Content::Page)
        .and_any(arguments.resume.as_ref(), Content::Kept);
    let inputs = arguments.images.iter().chain(&arguments.unrelated).chain(&arguments.released);
    let inputs = inputs.chain(&arguments.related).map(PathBuf::as_path);
    outputs.check(inputs.chain(arguments.collection.folder()))
}

/// Lookups with their circumstances.
struct Evaluated {
    config: Config,
    photographs: Photographs,
    findings: Findings,
    /// Text of the calibration in use.
    calibration: String,
    seconds: f64,
    program: ProgramSettings,
}

impl Evaluated {
    fn new(arguments: &EvalFind, shard: Option<Shard>, session: &Session) -> Result<(Self, LeftOut)> {
        let Subjects { images, subjects, mut left_out } = Subjects::find(arguments, shard, session)?;
        let unrelated = match arguments.unrelated.as_slice() {
            [] => Found::default(),
            folders => image_files::find(folders, None, session)?.in_shard(shard).0,
        };
        left_out.extend(unrelated.left_out);
        let unrelated: Vec<_> = unrelated.images.into_iter().map(|input| input.path).collect();
        let loaded = LoadedExtractor::load(session)?;
        let collection = inputs::collection::open(&arguments.collection, &loaded.device, session)?;
        inputs::collection::check_extractor(&collection, &loaded.record())?;
        let related = related(arguments.related.as_deref(), &collection)?;
        let events = TerminalEvents::watching(session);
        let mut photographs = Photographs::new(&collection, &subjects, &unrelated, &related, &events)?;
        photographs.planned = images + unrelated.len();

        let started = Instant::now();
        let config = Config {
            edits: arguments.transforms.0.clone(),
            settings: settings(arguments),
            seed: arguments.seed,
        };
        let reader: Reader = (&arguments.reading).into();
        let mut describer = loaded.describer(BatchRequest::Auto);
        let resume = arguments.resume.as_deref();
        let findings =
            config.evaluate(&collection, &mut describer, &reader, &photographs, resume, &events)?;
        let seconds = started.elapsed().as_secs_f64();
        let calibration = find::Calibration::of(&collection)?.to_text();
        let program = ProgramSettings::new(&loaded, None, None);
        Ok((Self { config, photographs, findings, calibration, seconds, program }, left_out))
    }

    /// Measures the lookups. A shard may have no copies, and has no figures then.
    fn figures(&self, arguments: &EvalFind, shard: Option<Shard>) -> Result<Option<Figures>> {
        let bootstrap = Bootstrap { resamples: arguments.resamples, seed: arguments.seed };
        match Figures::new(&self.findings.lookups, self.config.edits.len(), &bootstrap) {
            Err(evaluation::Error::NoMatches) if shard.is_some() && !self.is_partial() => Ok(None),
            figures => figures.map(Some).map_err(|error| explained(error, &self.findings)),
        }
    }

    fn is_partial(&self) -> bool {
        self.findings.end == End::Interrupted
    }

    fn scope(&self, arguments: &EvalFind) -> Result<Scope> {
        Ok(Scope {
            collection: arguments.collection.to_string(),
            entries: self.findings.entries,
            images: self.findings.photographs.len(),
            planned: self.photographs.planned,
            partial: self.is_partial(),
            released: arguments.released.as_deref().map(path_text),
            calibration: serde_json::from_str(&self.calibration)?,
            resamples: arguments.resamples,
        })
    }

    fn text_without_figures(&self) -> String {
        let (looked_up, planned) = (self.findings.photographs.len(), self.photographs.planned);
        format!("the shard has no copies, and no figures; {looked_up} of its {planned} images were looked up")
    }
}

/// Images of the collection whose edits are looked up.
struct Subjects {
    /// Number of images that were found.
    images: usize,
    /// Images, with their released versions if these are named; those without one are reported and left out.
    subjects: Vec<Subject>,
    left_out: LeftOut,
}

impl Subjects {
    fn find(arguments: &EvalFind, shard: Option<Shard>, session: &Session) -> Result<Self> {
        let released = arguments.released.as_deref();
        let Found { mut images, left_out } = image_files::find(&arguments.images, released, session)?;
        if let Some(n) = arguments.sample {
            images = sample(images, n.get(), arguments.seed);
        }
        images.retain(|image| shard.is_none_or(|shard| shard.holds(&image.name)));
        let count = images.len();
        let subjects = match released {
            None => images.into_iter().map(|input| Subject::of_file(input.path)).collect(),
            Some(folder) => {
                let original = |Input { path, name }| OriginalFile { path, name };
                let originals = images.into_iter().map(original).collect();
                pair(originals, folder, false, &TerminalEvents::new(session))?
            }
        };
        Ok(Self { images: count, subjects, left_out })
    }
}

/// Returns the bounds of the cascade, with all entries that it found whatever their E-values: ranking needs them.
fn settings(arguments: &EvalFind) -> Settings {
    Settings { max_e: arguments.max_e, possible_e: f64::INFINITY, ..arguments.bounds.settings() }
}

fn related(table: Option<&Path>, collection: &Collection) -> Result<Related> {
    let Some(path) = table else { return Ok(Related::default()) };
    let table: GroundTruth = read_truth(path)?;
    Related::new(&table, collection).with_context(|| path_text(path))
}

/// Adds to an error of the figures what can be done.
fn explained(error: evaluation::Error, findings: &Findings) -> anyhow::Error {
    match error {
        evaluation::Error::NoMatches if findings.end == End::Interrupted => {
            anyhow::anyhow!(
                "interrupted before any image was finished: pass --resume FILE to keep the descriptors"
            )
        }
        evaluation::Error::NoMatches => anyhow::anyhow!("none of the images can be looked up"),
        error => error.into(),
    }
}

//! An evaluation of retrieval as requested, and its findings.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use describe::BatchRequest;
use evaluation::{
    Error,
    bootstrap::Bootstrap,
    distractors::{add_file, add_synthetic},
    pipeline::{KnownDescriptors, Pipeline, Subject},
    retrieval::{Config, Findings, Stored, Summary},
};
use image_file::path_text;
use index::Index;
use release::ReleasedImage;

use super::super::{
    extractor_check::check_extractor,
    selection::{Selection, check_names},
    settings::Settings,
};
use crate::{
    inputs::{
        extractor::LoadedExtractor,
        image_files::{Input, LeftOut},
    },
    session::{Outcome, Session, terminal_events::TerminalEvents},
    side_files::entry_names::Names,
};

/// An evaluation of `eval retrieval` or `advise`.
pub struct Request<'a> {
    pub config: Config,
    pub bootstrap: Bootstrap,
    pub selection: Selection<'a>,
    /// File of the index.
    pub index: &'a Path,
    /// Files of descriptors that are added to the index.
    pub distractors: &'a [PathBuf],
    pub synthetic: Option<Synthetic<'a>>,
    /// File that keeps descriptors.
    pub resume: Option<&'a Path>,
}

/// Synthetic entries that are added to the index.
pub struct Synthetic<'a> {
    pub n: usize,
    /// File of descriptors that a Gaussian is fitted to.
    pub fit: &'a Path,
}

/// Findings of an evaluation, with its request.
pub struct Evaluated<'a> {
    pub request: &'a Request<'a>,
    pub subjects: Vec<Subject>,
    /// Images that were activated for the evaluation.
    pub rows: Vec<ReleasedImage>,
    pub findings: Findings,
    /// One for each variant.
    pub summaries: Vec<Summary>,
    /// Number of images that were to be evaluated.
    pub planned: usize,
    pub seconds: f64,
    pub network_seconds: f64,
    /// Number of descriptors that the network computed.
    pub described: usize,
    pub settings: Settings,
}

impl<'a> Request<'a> {
    /// Activates originals if that is wanted, and evaluates them in the index, whose entries have these names.
    pub fn evaluate(
        &'a self,
        loaded: &LoadedExtractor,
        inputs: Vec<Input>,
        (mut index, names): (Index, Names),
        mut started: Instant,
        session: &Session,
    ) -> Result<Evaluated<'a>> {
        check_names(&names, &inputs, self.index)?;
        self.check_cells(&index, &names, &inputs)?;
        self.check_stored(&names, &inputs)?;
        let settings = Settings::new(loaded, Some(&index), Some(self.index));
        let activating = Instant::now();
        let rows = self.selection.activate(loaded, &index, &inputs, session)?;
        // Activation does not count in the evaluation's time.
        started += activating.elapsed();
        let planned = inputs.len();
        let subjects = self.selection.pair(inputs, session)?;
        self.fill(&mut index, loaded, session)?;

        let events = TerminalEvents::watching(session);
        let known = KnownDescriptors::open(self.resume, loaded.extractor.dimension(), &events)?;
        let mut pipeline = Pipeline {
            describer: loaded.describer(BatchRequest::Auto),
            reader: self.selection.reader(),
            known,
            seed: self.selection.optimisation.seed,
            events: &events,
        };
        let findings = self.config.evaluate(&mut pipeline, index, &names, &subjects)?;
        let summaries = findings.summaries(&self.config.edits, &self.bootstrap);
        let summaries = summaries.map_err(|error| explained(error, planned))?;
        Ok(Evaluated {
            request: self,
            subjects,
            rows,
            findings,
            summaries,
            planned,
            seconds: started.elapsed().as_secs_f64(),
            network_seconds: pipeline.describer.network.as_secs_f64(),
            described: pipeline.describer.described,
            settings,
        })
    }

    /// Checks that originals can be stored in the requested numbers of cells.
    pub fn check_cells(&self, index: &Index, names: &Names, inputs: &[Input]) -> Result<()> {
        let path = path_text(self.index);
        let paths: Vec<_> = inputs.iter().map(|input| path_text(&input.path)).collect();
        match self.config.check_cells(index, names, paths.iter().map(String::as_str)) {
            Err(Error::AlreadyStored { image }) => {
                let several = self.config.cells.iter().find(|cells| cells.get() > 1);
                let cells = several.context("no several cells")?;
                bail!(
                    "--cells {cells}: {image} is in {path} already, and stays in the cells that it is in: fill an index with \
                     `index add --cells {cells}` instead"
                )
            }
            checked => checked.with_context(|| path.to_string()),
        }
    }

    /// Checks that released images are stored as they were activated for, in an index without their originals.
    fn check_stored(&self, names: &Names, inputs: &[Input]) -> Result<()> {
        let Selection { activates, released, optimisation, .. } = &self.selection;
        if self.config.stored == Stored::Originals {
            ensure!(
                !(*activates && optimisation.choose_cell.is_some()),
                "--choose-cell is for an index that stores released images: pass --stored released"
            );
            return Ok(());
        }
        ensure!(
            released.is_some(),
            "--stored released: name the released images with --released, or pass --activate"
        );
        let paths: Vec<_> = inputs.iter().map(|input| path_text(&input.path)).collect();
        match self.config.check_stored(names, paths.iter().map(String::as_str)) {
            Err(Error::AlreadyStored { image }) => {
                bail!("--stored released: {image} is in {} already", path_text(self.index))
            }
            checked => Ok(checked?),
        }
    }

    /// Adds the requested entries to those of the index.
    fn fill(&self, index: &mut Index, loaded: &LoadedExtractor, session: &Session) -> Result<()> {
        let events = TerminalEvents::new(session);
        for file in self.distractors {
            check_extractor(file, loaded, session)?;
            add_file(index, file, &events)?;
        }
        if let Some(Synthetic { n, fit }) = &self.synthetic {
            check_extractor(fit, loaded, session)?;
            add_synthetic(index, *n, fit, self.bootstrap.seed, &events)?;
        }
        Ok(())
    }
}

/// Adds the options that an error is about.
fn explained(error: Error, planned: usize) -> anyhow::Error {
    match error {
        Error::Interrupted => anyhow!("{error}: pass --resume FILE to keep the descriptors"),
        Error::NothingEvaluated => anyhow!("none of the {planned} images can be evaluated"),
        error => error.into(),
    }
}

impl Evaluated<'_> {
    /// Returns the outcome of the verb, which left something out of the folders.
    pub fn outcome(&self, left_out: &LeftOut) -> Outcome {
        Outcome::of(left_out.failed() || self.findings.answers.len() < self.planned)
    }
}

//! A retrieval evaluation as the command line requests it, and what came of it.

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
use index::Index;

use super::super::{opening::check_extractor, selection::Selection, settings::Settings};
use crate::{
    Outcome,
    engine::Engine,
    images::Input,
    names::{self, Names},
    output::Output,
    release::Row,
    terminal::Terminal,
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
    /// Rows of activation, one per image that it was asked for.
    pub rows: Vec<Row>,
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
    /// Activates originals if that is wanted, and evaluates them.
    pub fn evaluate(
        &'a self,
        engine: &Engine,
        inputs: Vec<Input>,
        mut index: Index,
        mut started: Instant,
        output: &Output,
    ) -> Result<Evaluated<'a>> {
        let names = names::of_entries(self.index, index.ntotal())?;
        self.check_cells(&index, &names, &inputs)?;
        self.check_stored(&names, &inputs)?;
        let settings = Settings::new(engine, Some(&index), Some(self.index));
        let activating = Instant::now();
        let rows = self.selection.activate(engine, &index, &inputs, output)?;
        // Activation does not count in the evaluation's time.
        started += activating.elapsed();
        let planned = inputs.len();
        let subjects = self.selection.pair(inputs, output)?;
        self.fill(&mut index, engine, output)?;

        let terminal = Terminal::watching(output);
        let known = KnownDescriptors::open(self.resume, engine.extractor.dimension(), &terminal)?;
        let mut pipeline = Pipeline {
            describer: engine.describer(BatchRequest::Auto),
            reader: self.selection.reader(),
            known,
            seed: self.selection.optimisation.seed,
            events: &terminal,
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
        let path = self.index.display();
        let paths: Vec<_> = inputs.iter().map(|input| input.path.to_string_lossy()).collect();
        match self.config.check_cells(index, names, paths.iter().map(|path| &**path)) {
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
        let paths: Vec<_> = inputs.iter().map(|input| input.path.to_string_lossy()).collect();
        match self.config.check_stored(names, paths.iter().map(|path| &**path)) {
            Err(Error::AlreadyStored { image }) => {
                bail!("--stored released: {image} is in {} already", self.index.display())
            }
            checked => Ok(checked?),
        }
    }

    /// Adds the requested entries to those of the index.
    fn fill(&self, index: &mut Index, engine: &Engine, output: &Output) -> Result<()> {
        let terminal = Terminal::new(output);
        for file in self.distractors {
            check_extractor(file, engine, output)?;
            add_file(index, file, &terminal)?;
        }
        if let Some(Synthetic { n, fit }) = &self.synthetic {
            check_extractor(fit, engine, output)?;
            add_synthetic(index, *n, fit, self.bootstrap.seed, &terminal)?;
        }
        Ok(())
    }
}

fn explained(error: Error, planned: usize) -> anyhow::Error {
    match error {
        Error::Interrupted => anyhow!("{error}; pass --resume FILE to keep what is done"),
        Error::NothingEvaluated => anyhow!("none of the {planned} images can be evaluated"),
        error => error.into(),
    }
}

impl Evaluated<'_> {
    pub fn outcome(&self) -> Outcome {
        Outcome::of(self.findings.answers.len() < self.planned)
    }
}

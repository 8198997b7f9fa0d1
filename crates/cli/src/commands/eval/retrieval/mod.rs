//! `eval retrieval`: how often the right image comes first.

mod answers;
mod document;
mod page;
mod tables;

use std::time::Instant;

use anyhow::{Result, bail, ensure};
use eval::{Ranks, Summary, Transform, bootstrap::Bootstrap};
use index::Index;

use self::{
    answers::{Answers, Judge},
    document::Document,
};
use super::{
    pipeline::{Described, End, Pipeline},
    settings::Settings,
    state::State,
    stored::{self, Entries},
    subjects::{self, Subject},
};
use crate::{
    Outcome,
    args::{EvalRetrieval, Globals},
    engine::Engine,
    files::write_whole,
    names::{self, Names},
    output::Output,
};

/// All that was found out.
pub struct Findings<'a> {
    pub arguments: &'a EvalRetrieval,
    pub edits: &'a [Transform],
    pub averaged: Vec<bool>,
    pub subjects: &'a [Subject],
    pub found: Found,
    /// One for each nprobe.
    pub summaries: Vec<Summary>,
    /// Images that were to be evaluated.
    pub planned: usize,
    pub seconds: f64,
    pub network_seconds: f64,
    /// Descriptors that the network made.
    pub described: usize,
    pub settings: Settings,
}

pub fn retrieval(arguments: &EvalRetrieval, globals: &Globals, output: &Output) -> Result<Outcome> {
    let mut started = Instant::now();
    let editing = &arguments.editing;
    let inputs = subjects::find(&arguments.images, editing)?;
    let engine = Engine::start_for(globals, arguments.editing.optimisation.precision, output)?;
    let mut index = stored::open(&engine, &arguments.index, output)?;
    let names = names::of_entries(&arguments.index, index.ntotal())?;
    let settings = Settings::new(&engine, Some(&index), Some(&arguments.index));
    let activating = Instant::now();
    subjects::activate(&engine, &index, &arguments.images, &inputs, editing, output)?;
    // Activation is no part of the evaluation's time.
    started += activating.elapsed();
    let planned = inputs.len();
    let subjects = subjects::pair(inputs, editing, output)?;
    fill(&mut index, arguments, &engine, output)?;

    let state = State::open(editing.resume.as_deref(), engine.extractor.dimension(), output)?;
    let mut pipeline = Pipeline::new(&engine, (&editing.reading).into(), state, editing.optimisation.seed);
    let found = search(&mut pipeline, index, &names, &subjects, arguments, output)?;
    let mut findings = Findings {
        arguments,
        edits: &editing.transforms.0,
        averaged: editing.transforms.averaged(),
        subjects: &subjects,
        found,
        summaries: Vec::new(),
        planned,
        seconds: 0.0,
        network_seconds: pipeline.network.as_secs_f64(),
        described: pipeline.described,
        settings,
    };
    findings.summarise()?;
    findings.seconds = started.elapsed().as_secs_f64();
    drop(pipeline);
    findings.write(output)
}

/// What the index answered.
pub struct Found {
    /// Those images whose edits were all searched, in order.
    pub answers: Vec<Answers>,
    /// Entries of the index that are none of the originals.
    pub distractors: usize,
    /// Originals that were added for the evaluation.
    pub added: usize,
    pub end: End,
}

/// Describes the originals and their edits, and searches these.
fn search(
    pipeline: &mut Pipeline,
    mut index: Index,
    names: &Names,
    subjects: &[Subject],
    arguments: &EvalRetrieval,
    output: &Output,
) -> Result<Found> {
    let mut answers = Vec::with_capacity(subjects.len());
    let (originals, end) = pipeline.originals(subjects, output)?;
    if end == End::Interrupted || originals.is_empty() {
        return Ok(Found { answers, distractors: index.ntotal(), added: 0, end });
    }
    let entries = Entries::new(&mut index, names, subjects, &originals)?;
    let numbers: Vec<usize> = originals.iter().map(|original| original.number).collect();
    let judge = Judge { index: &index, nprobes: &arguments.nprobe, entries: &entries };
    let mut take = |described: Described| {
        answers.push(judge.answers(described)?);
        Ok(())
    };
    let edits = &arguments.editing.transforms.0;
    let end = pipeline.run("editing and searching", subjects, &numbers, edits, output, &mut take)?;
    Ok(Found { answers, distractors: index.ntotal() - entries.of.len(), added: entries.added, end })
}

/// Adds what the caller wants beside the index's own entries.
fn fill(index: &mut Index, arguments: &EvalRetrieval, engine: &Engine, output: &Output) -> Result<()> {
    stored::add_files(index, &arguments.distractors, engine, output)?;
    if let (Some(n), Some(like)) = (arguments.synthetic, &arguments.fit) {
        stored::add_synthetic(index, n, like, arguments.editing.optimisation.seed, engine, output)?;
    }
    Ok(())
}

impl Findings<'_> {
    /// Measures what was answered.
    fn summarise(&mut self) -> Result<()> {
        let answers = &self.found.answers;
        if answers.is_empty() {
            let kept = "pass --resume FILE to keep what is done";
            ensure!(!self.is_partial(), "interrupted before any image was finished; {kept}");
            bail!("none of the {} images can be evaluated", self.planned);
        }
        let bootstrap = self.bootstrap();
        let summary = |at: usize| {
            let passive = answers::ranks(answers, at, |answers| Some(&answers.passive));
            let released = answers::ranks(answers, at, |answers| answers.released.as_ref());
            let released = self.compares().then_some(released.as_slice());
            Ranks { passive: &passive, released, averaged: &self.averaged }.summary(&bootstrap)
        };
        self.summaries = (0..self.arguments.nprobe.len()).map(summary).collect::<eval::Result<_>>()?;
        Ok(())
    }

    fn bootstrap(&self) -> Bootstrap {
        let editing = &self.arguments.editing;
        Bootstrap { resamples: editing.resamples, seed: editing.optimisation.seed }
    }

    /// Whether released images are compared.
    pub fn compares(&self) -> bool {
        self.found.answers.iter().all(|answers| answers.released.is_some())
    }

    pub fn is_partial(&self) -> bool {
        self.found.end == End::Interrupted
    }

    fn write(&self, output: &Output) -> Result<Outcome> {
        let document = Document::new(self);
        if let Some(path) = &self.arguments.csv {
            let [queries, summary] = [tables::queries(self)?, tables::summary(&document)?];
            write_whole(path, |file| file.write_all(&queries))?;
            write_whole(&path.with_extension("summary.csv"), |file| file.write_all(&summary))?;
        }
        if let Some(path) = &self.arguments.editing.report {
            page::write(path, self, &document)?;
        }
        output.result(&document, || document.text())?;
        Ok(Outcome::of(self.found.answers.len() < self.planned))
    }
}

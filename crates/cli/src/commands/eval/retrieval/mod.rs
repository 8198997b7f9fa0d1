//! `eval retrieval`: how often the right image comes first.

mod answers;
mod document;
mod page;
mod tables;

use std::time::{Duration, Instant};

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
    names,
    output::Output,
};

/// All that was found out.
pub struct Findings<'a> {
    pub arguments: &'a EvalRetrieval,
    pub edits: &'a [Transform],
    pub averaged: Vec<bool>,
    pub subjects: &'a [Subject],
    /// Those images whose edits were all searched, in order.
    pub answers: Vec<Answers>,
    /// One for each nprobe.
    pub summaries: Vec<Summary>,
    /// Entries of the index that are none of the originals.
    pub distractors: usize,
    /// Originals that were added for the evaluation.
    pub added: usize,
    /// Images that were to be evaluated.
    pub planned: usize,
    pub end: End,
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
    let engine = Engine::start(globals, output)?;
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
    let seed = editing.optimisation.seed;
    let mut pipeline = Pipeline::new(&engine, (&editing.reading).into(), state, seed);
    let (originals, end) = pipeline.originals(&subjects, output)?;
    let answers = Vec::with_capacity(originals.len());
    let mut findings = Findings {
        arguments,
        edits: &editing.transforms.0,
        averaged: editing.transforms.averaged(),
        subjects: &subjects,
        answers,
        summaries: Vec::new(),
        distractors: index.ntotal(),
        added: 0,
        planned,
        end,
        seconds: 0.0,
        network_seconds: 0.0,
        described: 0,
        settings,
    };
    if end == End::Finished && !originals.is_empty() {
        let entries = Entries::new(&mut index, &names, &subjects, &originals)?;
        let numbers: Vec<usize> = originals.iter().map(|original| original.number).collect();
        findings.added = entries.added;
        findings.distractors = index.ntotal() - entries.of.len();
        let judge = Judge { index: &index, nprobes: &arguments.nprobe, entries: &entries };
        let mut search = |described: Described| {
            findings.answers.push(judge.answers(described)?);
            Ok(())
        };
        findings.end = pipeline.run(
            "editing and searching",
            &subjects,
            &numbers,
            findings.edits,
            output,
            &mut search,
        )?;
    }
    findings.conclude(&pipeline, started.elapsed())?;
    drop(pipeline);
    findings.write(output)
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
    fn conclude(&mut self, pipeline: &Pipeline, elapsed: Duration) -> Result<()> {
        if self.answers.is_empty() {
            let kept = "pass --resume FILE to keep what is done";
            ensure!(self.end == End::Finished, "interrupted before any image was finished; {kept}");
            bail!("none of the {} images can be evaluated", self.planned);
        }
        let bootstrap = self.bootstrap();
        for at in 0..self.arguments.nprobe.len() {
            let passive = answers::ranks(&self.answers, at, |answers| Some(&answers.passive));
            let released = answers::ranks(&self.answers, at, |answers| answers.released.as_ref());
            let released = self.compares().then_some(released.as_slice());
            let ranks = Ranks { passive: &passive, released, averaged: &self.averaged };
            self.summaries.push(ranks.summary(&bootstrap)?);
        }
        self.network_seconds = pipeline.network.as_secs_f64();
        self.described = pipeline.described;
        self.seconds = elapsed.as_secs_f64();
        Ok(())
    }

    fn bootstrap(&self) -> Bootstrap {
        let editing = &self.arguments.editing;
        Bootstrap { resamples: editing.resamples, seed: editing.optimisation.seed }
    }

    /// Whether released images are compared.
    pub fn compares(&self) -> bool {
        self.answers.iter().all(|answers| answers.released.is_some())
    }

    pub fn is_partial(&self) -> bool {
        self.end == End::Interrupted
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
        Ok(Outcome::of(self.answers.len() < self.planned))
    }
}

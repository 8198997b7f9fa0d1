//! `eval retrieval`: how often the right image comes first.

mod answers;
pub mod document;
pub mod page;
mod tables;
pub mod variant;

use std::{iter::repeat_n, num::NonZeroUsize, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use evaluation::{
    Edit,
    bootstrap::Bootstrap,
    retrieval::{Ranks, Summary},
};
use index::Index;

use self::{
    answers::{Answers, Judge},
    document::Document,
    variant::Variant,
};
use super::{
    pipeline::{Described, End, Original, Pipeline},
    settings::Settings,
    state::State,
    stored::{self, Filled, Named},
    subjects::{self, Subject},
};
use crate::{
    Outcome,
    args::{EvalRetrieval, Globals, Stored},
    engine::Engine,
    files::write_whole,
    images::Input,
    names,
    output::Output,
    release::Row,
};

pub fn run(arguments: &EvalRetrieval, globals: &Globals, output: &Output) -> Result<Outcome> {
    let started = Instant::now();
    let inputs = subjects::find(&arguments.images, &arguments.editing)?;
    let engine = Engine::start_for(globals, arguments.editing.optimisation.precision, output)?;
    let index = stored::open(&engine, &arguments.index, output)?;
    Evaluation { arguments, engine: &engine, inputs, index, started }.run(output)?.write(output)
}

/// What is to be evaluated.
pub struct Evaluation<'a> {
    pub arguments: &'a EvalRetrieval,
    pub engine: &'a Engine,
    /// The originals.
    pub inputs: Vec<Input>,
    /// That of the arguments.
    pub index: Index,
    pub started: Instant,
}

/// All that was found out.
pub struct Findings<'a> {
    pub arguments: &'a EvalRetrieval,
    pub edits: &'a [Edit],
    pub averaged: Vec<bool>,
    pub subjects: Vec<Subject>,
    /// What activation made for this.
    pub rows: Vec<Row>,
    pub found: Found,
    /// One for each variant.
    pub summaries: Vec<Summary>,
    /// Images that were to be evaluated.
    pub planned: usize,
    pub seconds: f64,
    pub network_seconds: f64,
    /// Descriptors that the network made.
    pub described: usize,
    pub settings: Settings,
}

/// What the index answered.
pub struct Found {
    /// Those images whose edits were all searched, in order.
    pub answers: Vec<Answers>,
    /// Settings of storing and searching, which answers have hits of.
    pub variants: Vec<Variant>,
    /// Entries of the index that are none of the originals.
    pub distractors: usize,
    /// Originals that were added for the evaluation.
    pub added: usize,
    pub end: End,
}

impl<'a> Evaluation<'a> {
    /// Activates where that is asked for, edits, describes and searches.
    pub fn run(self, output: &Output) -> Result<Findings<'a>> {
        let Self { arguments, engine, inputs, mut index, mut started } = self;
        let editing = &arguments.editing;
        check_cells(arguments, &index, &inputs)?;
        check_stored(arguments, &index, &inputs)?;
        let names = names::of_entries(&arguments.index, index.ntotal())?;
        let settings = Settings::new(engine, Some(&index), Some(&arguments.index));
        let activating = Instant::now();
        let rows = subjects::activate(engine, &index, &arguments.images, &inputs, editing, output)?;
        // Activation is no part of the evaluation's time.
        started += activating.elapsed();
        let planned = inputs.len();
        let subjects = subjects::pair(inputs, editing, output)?;
        fill(&mut index, arguments, engine, output)?;

        let state = State::open(editing.resume.as_deref(), engine.extractor.dimension(), output)?;
        let mut pipeline = Pipeline::new(engine, (&editing.reading).into(), state, editing.optimisation.seed);
        let found = search(&mut pipeline, index, &Named::new(&names), &subjects, arguments, output)?;
        let mut findings = Findings {
            arguments,
            edits: &editing.transforms.0,
            averaged: editing.transforms.averaged(),
            subjects,
            rows,
            found,
            summaries: Vec::new(),
            planned,
            seconds: 0.0,
            network_seconds: pipeline.describer.network.as_secs_f64(),
            described: pipeline.describer.described,
            settings,
        };
        findings.summarise()?;
        findings.seconds = started.elapsed().as_secs_f64();
        Ok(findings)
    }
}

/// Several cells are for originals that are added, to an index that takes that.
pub fn check_cells(arguments: &EvalRetrieval, index: &Index, inputs: &[Input]) -> Result<()> {
    let Some(cells) = arguments.cells.iter().find(|cells| cells.get() > 1) else { return Ok(()) };
    let path = arguments.index.display();
    if let Some(input) = already_in(arguments, index, inputs)? {
        bail!(
            "--cells {cells}: {input} is in {path} already, and stays in the cells that it is in: fill an index with \
             `index add --cells {cells}` instead"
        );
    }
    stored::check_cells(index, &arguments.cells).with_context(|| path.to_string())
}

/// What released images are stored as has to be what they were activated for, and the index must not hold their originals.
fn check_stored(arguments: &EvalRetrieval, index: &Index, inputs: &[Input]) -> Result<()> {
    let editing = &arguments.editing;
    if arguments.stored == Stored::Originals {
        let chooses = editing.activate && editing.optimisation.choose_cell.is_some();
        ensure!(
            !chooses,
            "--choose-cell is for an index that stores released images: pass --stored released"
        );
        return Ok(());
    }
    ensure!(
        editing.activate || editing.released.is_some(),
        "--stored released: name the released images with --released, or pass --activate"
    );
    match already_in(arguments, index, inputs)? {
        Some(input) => bail!("--stored released: {input} is in {} already", arguments.index.display()),
        None => Ok(()),
    }
}

/// The first image that the index has under its name.
fn already_in(arguments: &EvalRetrieval, index: &Index, inputs: &[Input]) -> Result<Option<String>> {
    let names = names::of_entries(&arguments.index, index.ntotal())?;
    let named = Named::new(&names);
    let mut paths = inputs.iter().map(|input| input.path.to_string_lossy());
    Ok(paths.find(|path| named.id(path).is_some()).map(Into::into))
}

/// Describes the originals and their edits, and searches these.
fn search(
    pipeline: &mut Pipeline,
    index: Index,
    named: &Named,
    subjects: &[Subject],
    arguments: &EvalRetrieval,
    output: &Output,
) -> Result<Found> {
    let (mut originals, end) = pipeline.originals(subjects, output)?;
    let entries = index.ntotal();
    let mut found = Found { answers: Vec::new(), variants: Vec::new(), distractors: entries, added: 0, end };
    if end == End::Interrupted || originals.is_empty() {
        return Ok(found);
    }
    let fill = |index: &Index, originals: &[Original]| {
        let copies = repeat_n(index.clone(), arguments.cells.len()).zip(&arguments.cells);
        let fill = |(index, cells): (Index, &NonZeroUsize)| {
            Filled::new(index, named, subjects, originals, cells.get())
        };
        copies.map(fill).collect::<Result<Vec<_>>>()
    };
    let filled = fill(&index, &originals)?;
    let by_released = match arguments.stored {
        Stored::Originals => None,
        Stored::Released => {
            let (released, end) = pipeline.originals(&subjects::released(subjects), output)?;
            if end == End::Interrupted || released.is_empty() {
                return Ok(Found { end, ..found });
            }
            originals.retain(|original| released.iter().any(|other| other.number == original.number));
            Some(fill(&index, &released)?)
        }
    };
    drop(index);
    found.variants = Variant::all(&filled, &arguments.nprobe);
    let first = &filled[0];
    // Names may be of entries that are gone.
    found.distractors = first.index.ntotal().saturating_sub(first.count);
    found.added = first.added;

    let numbers: Vec<usize> = originals.iter().map(|original| original.number).collect();
    let judge = Judge { filled: &filled, by_released: by_released.as_deref(), nprobes: &arguments.nprobe };
    let mut take = |described: Described| {
        found.answers.push(judge.answers(described)?);
        Ok(())
    };
    let edits = &arguments.editing.transforms.0;
    found.end = pipeline.run("editing and searching", subjects, &numbers, edits, output, &mut take)?;
    Ok(found)
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
        self.summaries = (0..self.found.variants.len()).map(summary).collect::<evaluation::Result<_>>()?;
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

//! `advise`: what to expect of an index, from a few photographs, before anything is released.

mod document;
mod recommend;

use std::{num::NonZeroUsize, path::Path, time::Instant};

use anyhow::Result;

use self::document::{Document, IndexFacts};
use super::eval::{
    retrieval::{self, Evaluation, check_cells, page},
    stored, subjects,
};
use crate::{
    Outcome,
    args::{Advise, Editing, EvalRetrieval, Globals, Stored},
    engine::Engine,
    output::{Output, one_line},
    scratch::Scratch,
};

/// Cells that released images are stored in by way of trial, besides their own alone.
const CELLS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
/// Draws of photographs for the intervals.
const RESAMPLES: usize = 1000;

pub fn run(arguments: &Advise, globals: &Globals, output: &Output) -> Result<Outcome> {
    let started = Instant::now();
    let scratch = arguments.out.is_none().then(Scratch::new).transpose()?;
    let folder = arguments.out.as_deref().or(scratch.as_ref().map(Scratch::path));
    let mut evaluated = evaluated(arguments, folder);
    let inputs = subjects::find(&evaluated.images, &evaluated.editing)?;
    let engine = Engine::start_for(globals, arguments.optimisation.precision, output)?;
    let index = stored::open(&engine, &arguments.index, output)?;
    if let Err(reason) = check_cells(&evaluated, &index, &inputs) {
        output.detail(|| format!("several cells are not tried: {}", one_line(&reason)));
        evaluated.cells.truncate(1);
    }
    if index.nlist().is_none() {
        // Every search visits everything.
        evaluated.nprobe.truncate(1);
    }
    let facts = IndexFacts::new(&index, &arguments.index);
    let evaluation = Evaluation { arguments: &evaluated, engine: &engine, inputs, index, started };
    let findings = evaluation.run(output)?;
    let figures = retrieval::document::Document::new(&findings);
    if let Some(path) = &arguments.report {
        page::write(path, &findings, &figures)?;
    }
    let outcome = Outcome::of(figures.images < figures.planned);
    let document = Document::new(facts, figures, &findings.rows, started.elapsed().as_secs_f64());
    output.result(&document, || document.text())?;
    Ok(outcome)
}

/// The evaluation that the advice is from, with released images in a folder.
fn evaluated(arguments: &Advise, folder: Option<&Path>) -> EvalRetrieval {
    let editing = Editing {
        released: folder.map(Path::to_owned),
        activate: true,
        sample: Some(arguments.sample),
        transforms: arguments.transforms.clone(),
        resamples: RESAMPLES,
        resume: None,
        report: None,
        optimisation: arguments.optimisation.clone(),
        reading: arguments.reading.clone(),
    };
    EvalRetrieval {
        images: arguments.images.clone(),
        index: arguments.index.clone(),
        distractors: Vec::new(),
        stored: match arguments.optimisation.choose_cell {
            Some(_) => Stored::Released,
            None => Stored::Originals,
        },
        synthetic: None,
        fit: None,
        nprobe: arguments.nprobe.clone(),
        cells: vec![NonZeroUsize::MIN, CELLS],
        csv: None,
        editing,
    }
}

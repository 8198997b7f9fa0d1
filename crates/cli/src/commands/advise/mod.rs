//! `advise`: expected effect of activation on an index, from a few photographs, before anything is released.

mod document;
mod recommend;

use std::{num::NonZeroUsize, path::PathBuf, time::Instant};

use anyhow::Result;
use evaluation::{
    bootstrap::Bootstrap,
    retrieval::{Config, Stored},
};

use self::document::{Document, IndexFacts};
use super::eval::{
    open,
    retrieval::{self, Request, page},
    selection::Selection,
};
use crate::{
    Outcome,
    args::{Advise, Globals},
    engine::Engine,
    names,
    output::{Output, one_line},
    scratch::Scratch,
};

/// Cells that store an image in the trial variant, beside a single one.
const CELLS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
/// Resamples of photographs for the intervals.
const RESAMPLES: usize = 1000;

pub fn run(arguments: &Advise, globals: &Globals, output: &Output) -> Result<Outcome> {
    let started = Instant::now();
    let scratch = arguments.out.is_none().then(Scratch::new).transpose()?;
    let folder = arguments.out.clone().or(scratch.as_ref().map(|scratch| scratch.path().to_owned()));
    let mut request = request(arguments, folder);
    let inputs = request.selection.find()?;
    let engine = Engine::start_for(globals, arguments.optimisation.precision, output)?;
    let index = open(&engine, &arguments.index, output)?;
    let names = names::of_entries(&arguments.index, index.ntotal())?;
    if let Err(reason) = request.check_cells(&index, &names, &inputs) {
        output.detail(|| format!("several cells are not tried: {}", one_line(&reason)));
        request.config.cells.truncate(1);
    }
    if index.nlist().is_none() {
        // Without cells every search visits all entries.
        request.config.nprobes.truncate(1);
    }
    let facts = IndexFacts::new(&index, &arguments.index);
    let evaluated = request.evaluate(&engine, inputs, index, started, output)?;
    let figures = retrieval::document::Document::new(&evaluated);
    if let Some(path) = &arguments.report {
        page::write(path, &evaluated, &figures)?;
    }
    let document = Document::new(facts, figures, &evaluated.rows, started.elapsed().as_secs_f64());
    output.result(&document, || document.text())?;
    Ok(evaluated.outcome())
}

/// Returns the evaluation that advice is derived from, with released images in `folder`.
fn request(arguments: &Advise, folder: Option<PathBuf>) -> Request<'_> {
    Request {
        config: Config {
            edits: arguments.transforms.0.clone(),
            cells: vec![NonZeroUsize::MIN, CELLS],
            nprobes: arguments.nprobe.clone(),
            stored: match arguments.optimisation.choose_cell {
                Some(_) => Stored::Released,
                None => Stored::Originals,
            },
        },
        bootstrap: Bootstrap { resamples: RESAMPLES, seed: arguments.optimisation.seed },
        selection: Selection {
            folders: &arguments.images,
            sample: Some(arguments.sample),
            released: folder,
            activates: true,
            resumes: false,
            optimisation: &arguments.optimisation,
            reading: &arguments.reading,
        },
        index: &arguments.index,
        distractors: &[],
        synthetic: None,
        resume: None,
    }
}

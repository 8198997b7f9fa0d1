//! `eval retrieval`: share of the edited copies whose original comes first.

pub mod document;
pub mod page;
mod request;
mod tables;

use std::{path::Path, time::Instant};

use anyhow::Result;
use evaluation::{
    bootstrap::Bootstrap,
    retrieval::{Config, Stored},
};

pub use self::request::{Evaluated, Request, Synthetic};
use self::document::Document;
use super::{opening::open, selection::Selection};
use crate::{
    Outcome,
    args::{EvalRetrieval, Globals},
    engine::Engine,
    files::write_whole,
    output::Output,
};

pub fn run(arguments: &EvalRetrieval, globals: &Globals, output: &Output) -> Result<Outcome> {
    let started = Instant::now();
    let request = request(arguments);
    let inputs = request.selection.find()?;
    let engine = Engine::start_for(globals, arguments.editing.optimisation.precision, output)?;
    let index = open(&engine, &arguments.index, output)?;
    let evaluated = request.evaluate(&engine, inputs, index, started, output)?;
    let document = Document::new(&evaluated);
    if let Some(path) = &arguments.csv {
        write_tables(path, &evaluated, &document)?;
    }
    if let Some(path) = &arguments.editing.report {
        page::write(path, &evaluated, &document)?;
    }
    output.result(&document, || document.text())?;
    Ok(evaluated.outcome())
}

fn request(arguments: &EvalRetrieval) -> Request<'_> {
    let editing = &arguments.editing;
    let synthetic = arguments.synthetic.zip(arguments.fit.as_deref());
    Request {
        config: Config {
            edits: editing.transforms.0.clone(),
            cells: arguments.cells.clone(),
            nprobes: arguments.nprobe.clone(),
            stored: Stored::from(arguments.stored),
        },
        bootstrap: Bootstrap { resamples: editing.resamples, seed: editing.optimisation.seed },
        selection: Selection::new(&arguments.images, editing),
        index: &arguments.index,
        distractors: &arguments.distractors,
        synthetic: synthetic.map(|(n, fit)| Synthetic { n, fit }),
        resume: editing.resume.as_deref(),
    }
}

fn write_tables(path: &Path, evaluated: &Evaluated<'_>, document: &Document) -> Result<()> {
    let [queries, summary] = [tables::queries(evaluated)?, tables::summary(document)?];
    write_whole(path, |file| file.write_all(&queries))?;
    write_whole(&path.with_extension("summary.csv"), |file| file.write_all(&summary))
}

//! `advise`: estimates from a few photographs what activation gains for an index.

mod advice_report;
mod recommendations;

use std::{num::NonZeroUsize, path::PathBuf, time::Instant};

use anyhow::Result;
use evaluation::{
    bootstrap::Bootstrap,
    retrieval::{Config, Stored},
};

use self::advice_report::{AdviceReport, IndexFacts};
use super::eval::{
    open,
    retrieval::{Request, page, retrieval_report::RetrievalReport},
    selection::Selection,
};
use crate::{
    args::Advise,
    inputs::{extractor::LoadedExtractor, image_files::Found},
    outputs::{Content, Outputs},
    report::Report,
    session::{Outcome, Session, output::one_line, temporary_folder::TemporaryFolder},
};

/// Number of cells that store an image in the second variant; the first has one.
const CELLS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
/// Largest number of views of a copy in the variants that look several times.
const LOOKS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
/// Number of bootstrap resamples for the intervals.
const RESAMPLES: usize = 1000;

pub fn run(arguments: &Advise, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    let outputs = Outputs::default().and_any(arguments.out.as_ref(), Content::Folder);
    let outputs = outputs.and_any(arguments.report.as_ref(), Content::Page);
    outputs.check(arguments.images.iter().chain([&arguments.index]))?;
    let temporary = arguments.out.is_none().then(TemporaryFolder::new).transpose()?;
    let folder = arguments.out.clone().or(temporary.as_ref().map(|folder| folder.path().to_owned()));
    let mut request = request(arguments, folder, outputs);
    let Found { images: inputs, left_out } = request.selection.find(session)?;
    let loaded = LoadedExtractor::load_for(session, arguments.optimisation.precision)?;
    let (index, names) = open(&loaded, &arguments.index, session)?;
    if let Err(reason) = request.check_cells(&index, &names, &inputs) {
        session.detail(|| format!("images are not tried in several cells: {}", one_line(&reason)));
        request.config.cells.truncate(1);
    }
    if index.nlist().is_none() {
        // Without cells every search visits all entries.
        request.config.nprobes.truncate(1);
    }
    let facts = IndexFacts::new(&index, &arguments.index);
    let evaluated = request.evaluate(&loaded, inputs, (index, names), started, session)?;
    let figures = RetrievalReport::new(&evaluated);
    if let Some(path) = &arguments.report {
        page::write(path, &evaluated, &figures)?;
    }
    let advice = AdviceReport::new(facts, figures, &evaluated.rows, started.elapsed().as_secs_f64());
    let outcome = evaluated.outcome(&left_out);
    let report = Report::new(advice).without(left_out);
    session.result(&report, || report.body.text() + &report.left_out_line())?;
    Ok(outcome)
}

/// Returns the evaluation that advice is derived from, with released images in `folder`.
fn request(arguments: &Advise, folder: Option<PathBuf>, outputs: Outputs) -> Request<'_> {
    Request {
        config: Config {
            edits: arguments.transforms.0.clone(),
            cells: vec![NonZeroUsize::MIN, CELLS],
            nprobes: arguments.nprobe.clone(),
            looks: vec![NonZeroUsize::MIN, LOOKS],
            stored: match arguments.optimisation.choose_cell {
                Some(_) => Stored::Released,
                None => Stored::Originals,
            },
        },
        bootstrap: Bootstrap { resamples: RESAMPLES, seed: arguments.optimisation.seed },
        selection: Selection {
            folders: &arguments.images,
            sample: Some(arguments.sample),
            others: &[],
            released: folder,
            outputs,
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

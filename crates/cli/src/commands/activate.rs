//! `activate`: the main job.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::{
    Outcome,
    args::{Activate, Globals},
    bundled,
    demonstration::{Demonstration, Summary},
    engine::Engine,
    images,
    output::{Output, SCHEMA},
    release::{Pair, ReleasedImage, Releaser, plan},
    report::{self, Pictures},
    table,
};

/// What `--json` prints.
#[derive(Serialize)]
struct Document {
    schema: u32,
    device: String,
    seconds: f64,
    images: Vec<ReleasedImage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retrieval: Option<Summary>,
}

pub fn run(arguments: &Activate, globals: &Globals, output: &Output) -> Result<Outcome> {
    let started = Instant::now();
    let engine = Engine::start_for(globals, arguments.optimisation.precision, output)?;
    let indexes = engine.indexes(&arguments.index, output)?;
    let demonstrates = arguments.inputs.is_empty();
    ensure!(
        !demonstrates || arguments.optimisation.choose_cell.is_none(),
        "--choose-cell: name images; without any the bundled index stores originals"
    );
    let folders = if demonstrates { vec![bundled::samples()?] } else { arguments.inputs.clone() };
    let found = images::find(&folders, Some(&arguments.out))?;
    let jobs = plan(found, &arguments.out, arguments.encoding(), arguments.resume);

    let releaser = Releaser::new(&engine, &indexes, arguments.into())?;
    let (mut pairs, mut gallery) = (Vec::new(), Vec::new());
    let mut keep = |pair: Pair| -> Result<()> {
        if arguments.report.is_some() {
            gallery.push(Pictures::new(&pair.original, &pair.released)?);
        }
        pairs.extend(demonstrates.then_some(pair));
        Ok(())
    };
    let keeps = demonstrates || arguments.report.is_some();
    let rows = releaser.release(&jobs, output, keeps.then_some(&mut keep))?;
    let (batch, seed) = (arguments.batch, arguments.optimisation.seed);
    let demonstration = demonstrates
        .then(|| Demonstration::measure(&engine, &indexes[0], pairs, batch, seed, output))
        .transpose()?;

    if let Some(path) = &arguments.report {
        report::activation::write(path, &rows, &gallery, demonstration.as_ref())?;
    }
    let retrieval = demonstration.as_ref().map(Demonstration::summary).transpose()?;
    let seconds = started.elapsed().as_secs_f64();
    let outcome = Outcome::of(rows.iter().any(ReleasedImage::failed));
    let document =
        Document { schema: SCHEMA, device: engine.device_name.clone(), seconds, images: rows, retrieval };
    output.result(&document, || text(&document, arguments))?;
    Ok(outcome)
}

fn text(document: &Document, arguments: &Activate) -> String {
    let rows = &document.images;
    let count = |wanted: fn(&ReleasedImage) -> bool| rows.iter().filter(|row| wanted(row)).count();
    let images = table::table(&ReleasedImage::HEADINGS, 1, rows.iter().filter_map(ReleasedImage::cells));
    let (released, skipped, failed) =
        (count(ReleasedImage::is_released), count(|row| row.skipped), count(ReleasedImage::failed));
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    let (place, device) = (arguments.out.display(), &document.device);
    let steps = steps(rows, arguments.optimisation.iterations());
    let summary = format!(
        "{released} released in {place}{skipped}{failed}{steps}; {:.1} s on {device}",
        document.seconds
    );
    match &document.retrieval {
        Some(retrieval) => format!("{images}\n{summary}\n\n{}", retrieval.text()),
        None => format!("{images}\n{summary}"),
    }
}

/// How many steps were taken, where not all.
fn steps(rows: &[ReleasedImage], iterations: usize) -> String {
    let figures = || rows.iter().filter_map(|row| row.figures.as_ref());
    let taken: usize = figures().map(|figures| figures.iterations).sum();
    let all = figures().count() * iterations;
    if taken < all { format!(", {taken} of {all} steps") } else { String::new() }
}

//! `activate`: releases images for an index, or demonstrates it on the bundled samples.

mod demonstration;
mod lookup;
pub mod page;

use std::time::Instant;

use anyhow::{Result, ensure};
use image_file::path_text;
use release::{Folder, Job, Pair, ReleasedImage, Releaser};
use serde::Serialize;

use self::{
    demonstration::{Demonstration, DemonstrationSummary},
    lookup::Lookup,
};
use crate::{
    args::Activate,
    inputs::{
        extractor::LoadedExtractor,
        image_files::{self, LeftOut},
        installation, plan,
    },
    outputs::{Content, Outputs},
    report::{Report, page::Pictures, released_images},
    session::{Outcome, Session, release_events::ReleaseEvents},
};

/// Released images, and the demonstration.
#[derive(Serialize)]
struct ActivateReport {
    images: Vec<ReleasedImage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retrieval: Option<DemonstrationSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup: Option<Lookup>,
}

pub fn run(arguments: &Activate, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    let demonstrates = arguments.inputs.is_empty();
    let (jobs, left_out) = jobs(arguments, session)?;
    let loaded = LoadedExtractor::load_for(session, arguments.optimisation.precision)?;
    let indexes = loaded.indexes(&arguments.index, session)?;
    ensure!(
        !demonstrates || arguments.optimisation.choose_cell.is_none(),
        "--choose-cell is for an index that stores released images, but the bundled index stores originals: name the images"
    );
    let Activate { optimisation, encoded, batch, reading, .. } = arguments;
    let options = optimisation.release_options(encoded.encoding(), *batch, reading);
    let releaser = Releaser::new(&loaded.extractor, loaded.own_memory, &indexes, options)?;
    let (mut pairs, mut gallery) = (Vec::new(), Vec::new());
    let mut keep = |pair: Pair| {
        if arguments.report.is_some() {
            gallery.push(Pictures::new(&pair.original, &pair.released));
        }
        pairs.extend(demonstrates.then_some(pair));
    };
    let keeps = demonstrates || arguments.report.is_some();
    let events = ReleaseEvents::new(session);
    let rows = releaser.release(&jobs, &Folder, &events, keeps.then_some(&mut keep))?;
    let gallery = gallery.into_iter().collect::<Result<Vec<_>>>()?;
    let seed = optimisation.seed;
    let lookup = demonstrates.then(|| Lookup::make(&loaded, &indexes[0], &rows, &pairs, seed)).transpose()?;
    let demonstration = demonstrates
        .then(|| Demonstration::measure(&loaded, &indexes[0], pairs, *batch, seed, session))
        .transpose()?;

    if let Some(path) = &arguments.report {
        page::write(path, &rows, &gallery, demonstration.as_ref())?;
    }
    let retrieval = demonstration.as_ref().map(Demonstration::summary).transpose()?;
    let seconds = started.elapsed().as_secs_f64();
    let outcome = Outcome::of(left_out.failed() || rows.iter().any(ReleasedImage::failed));
    let report = Report::new(ActivateReport { images: rows, retrieval, lookup });
    let report = report.on(&loaded.device_name).after(seconds).without(left_out);
    let run = || format!("{seconds:.1} s on {}", loaded.device_name);
    session.result(&report, || text(&report, arguments, &run()))?;
    Ok(outcome)
}

/// Plans the release of the inputs, or of the bundled samples.
fn jobs(arguments: &Activate, session: &Session) -> Result<(Vec<Job>, LeftOut)> {
    let samples = arguments.inputs.is_empty().then(installation::samples).transpose()?;
    let folders = samples.map_or_else(|| arguments.inputs.clone(), |samples| vec![samples]);
    let found = image_files::find(&folders, Some(&arguments.out), session)?;
    let inputs = found.images.iter().map(|input| &input.path).chain(&arguments.index);
    let outputs = Outputs::default().and(&arguments.out, Content::Folder);
    let outputs = outputs.and_any(arguments.report.as_ref(), Content::Page);
    outputs.check(inputs)?;
    let (encoding, resume) = (arguments.encoded.encoding(), arguments.resume);
    let jobs = plan(found.images, &[], &arguments.out, encoding, resume);
    outputs.check_apart(jobs.iter().map(|job| &job.output))?;
    Ok((jobs, found.left_out))
}

/// Formats the report; `run` names duration and device.
fn text(report: &Report<ActivateReport>, arguments: &Activate, run: &str) -> String {
    let rows = &report.body.images;
    let count = |wanted: fn(&ReleasedImage) -> bool| rows.iter().filter(|row| wanted(row)).count();
    let (released, skipped, failed) =
        (count(ReleasedImage::is_released), count(|row| row.skipped), count(ReleasedImage::failed));
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    let place = path_text(&arguments.out);
    let steps = steps(rows, arguments.optimisation.iterations());
    let left_out = report.left_out();
    let summary = format!("{released} released in {place}{skipped}{failed}{steps}; {run}{left_out}");
    let images = if released == 0 { String::new() } else { format!("{}\n", released_images(rows)) };
    let retrieval = report.body.retrieval.iter().map(|retrieval| format!("\n\n{}", retrieval.text()));
    let lookup = report.body.lookup.iter().map(|lookup| format!("\n\n{}", lookup.text()));
    [images, summary].into_iter().chain(retrieval).chain(lookup).collect()
}

/// Names the number of steps, if images stopped early.
fn steps(rows: &[ReleasedImage], iterations: usize) -> String {
    let figures = || rows.iter().filter_map(|row| row.figures.as_ref());
    let taken: usize = figures().map(|figures| figures.iterations).sum();
    let all = figures().count() * iterations;
    if taken < all { format!(", {taken} of {all} steps") } else { String::new() }
}

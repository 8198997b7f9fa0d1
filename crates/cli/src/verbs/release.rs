//! `release`: activates images for a collection, remembers them, and writes their released files.

use std::{path::PathBuf, slice, time::Instant};

use anyhow::Result;
use image_file::path_text;
use release::{Job, Pair, ReleasedImage, Releaser, Remembering};
use serde::Serialize;
use shard::Shard;

use super::activate::page;
use crate::{
    args::Release,
    inputs::{
        collection,
        extractor::LoadedExtractor,
        image_files::{self, LeftOut},
        meta::MetaFields,
        plan, sharding,
    },
    objects,
    outputs::{Content, Outputs},
    report::{Report, page::Pictures, released_images},
    session::{Outcome, Session, release_events::ReleaseEvents, shard_run::ShardRun},
};

/// Released images, and those that the collection knew.
#[derive(Serialize)]
struct ReleaseReport {
    collection: String,
    /// True if the user ended the run; images that were not begun have no row.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    interrupted: bool,
    images: Vec<ReleasedImage>,
}

pub fn run(arguments: &Release, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    let shard = sharding::shard(&arguments.recorded.sharding, session)?;
    let page = arguments.report.as_ref().map(|page| sharding::file_of(shard, page));
    let (jobs, left_out) = jobs(arguments, shard, page.as_ref(), session)?;
    let loaded = LoadedExtractor::load_for(session, arguments.optimisation.precision)?;
    let collection = collection::open(&arguments.collection, &loaded.device, session)?;
    collection::require_extractor(&collection, &loaded.record())?;
    let Release { optimisation, encoded, batch, reading, .. } = arguments;
    let options = optimisation.release_options(encoded.encoding(), *batch, reading);
    let indexes = slice::from_ref(collection.quantiser());
    let releaser = Releaser::new(&loaded.extractor, loaded.own_memory, indexes, options)?;
    let mut gallery = Vec::new();
    let mut keep = |pair: Pair| gallery.push(Pictures::new(&pair.original, &pair.released));
    let work = (shard, jobs.len());
    let run =
        ShardRun::begin("release", &arguments.inputs, work, &arguments.recorded, (&collection, session))?;
    let events = ReleaseEvents::watching(session).recorded_in(run.as_ref());
    let images = releaser.release(
        &jobs,
        &Remembering::new(&collection)?.with_store(objects::store()),
        &events,
        page.is_some().then_some(&mut keep),
    )?;
    let interrupted = images.len() < jobs.len();
    run.iter().for_each(|run| run.finish(!interrupted));
    collection::refit(&collection, session);
    if let Some(path) = &page {
        page::write(path, &images, &gallery.into_iter().collect::<Result<Vec<_>>>()?, None)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    let outcome = outcome(&images, &left_out, interrupted);
    let name = arguments.collection.to_string();
    let report = Report::new(ReleaseReport { collection: name, interrupted, images });
    let report = report.on(&loaded.device_name).after(seconds).in_shard(shard).without(left_out);
    let run = || format!("{seconds:.1} s on {}", loaded.device_name);
    session.result(&report, || text(&report, jobs.len(), arguments, &run()))?;
    Ok(outcome)
}

fn outcome(images: &[ReleasedImage], left_out: &LeftOut, interrupted: bool) -> Outcome {
    match interrupted {
        true => Outcome::Interrupted,
        false => Outcome::of(left_out.failed() || images.iter().any(ReleasedImage::failed)),
    }
}

/// Plans the release of the inputs of a shard, with their fields.
fn jobs(
    arguments: &Release,
    shard: Option<Shard>,
    page: Option<&PathBuf>,
    session: &Session,
) -> Result<(Vec<Job>, LeftOut)> {
    let found = image_files::find(&arguments.inputs, Some(&arguments.out), session)?;
    let (found, others) = found.in_shard(shard);
    let outputs = Outputs::default().and_anywhere(&arguments.out, Content::Folder);
    let outputs = outputs.and_any(page, Content::Page);
    outputs.check(found.images.iter().chain(&others).map(|input| &input.path))?;
    let mut jobs = plan(found.images, &others, &arguments.out, arguments.encoded.encoding(), false);
    outputs.check_apart(jobs.iter().map(|job| &job.output))?;
    let fields = MetaFields::read(&arguments.meta)?;
    jobs.iter_mut().for_each(|job| job.meta = fields.of(&job.name));
    Ok((jobs, found.left_out))
}

/// Formats the report; `run` names duration and device.
fn text(report: &Report<ReleaseReport>, planned: usize, arguments: &Release, run: &str) -> String {
    let (rows, left_out) = (&report.body.images, report.left_out());
    let count = |wanted: fn(&ReleasedImage) -> bool| rows.iter().filter(|row| wanted(row)).count();
    let (released, known, failed) =
        (count(ReleasedImage::is_released), count(ReleasedImage::was_known), count(ReleasedImage::failed));
    let (out, collection) = (path_text(&arguments.out), &report.body.collection);
    let known = if known > 0 { format!(", {known} already in it") } else { String::new() };
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    let left = match report.body.interrupted {
        true => {
            format!("\ninterrupted with {} left: run the same command again to go on", planned - rows.len())
        }
        false => String::new(),
    };
    let summary = format!(
        "{released} released in {out} and remembered in {collection}{known}{failed}; {run}{left_out}{left}"
    );
    if released > 0 { format!("{}\n{summary}", released_images(rows)) } else { summary }
}

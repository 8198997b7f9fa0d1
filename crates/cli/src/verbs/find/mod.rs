//! `find`: finds out whether images are in a collection.

mod find_report;

use std::{num::NonZeroUsize, path::Path, time::Instant};

use anyhow::{Context, Result};
use burn::tensor::Tensor;
use collection::{Collection, Entry, FindSettings, State};
use describe::BatchRequest;
use device_math::transfer::upload_rows;
use image_file::path_text;
use index::npy;

use self::find_report::{FindReport, Match, Query};
use crate::{
    args::Find,
    inputs::{
        self, descriptor_file,
        extractor::LoadedExtractor,
        image_files::{self, Found, Input, LeftOut},
    },
    report::Report,
    session::{Outcome, Session, output::one_line, progress},
    side_files::extractor_record::Source,
};

/// Queries that are looked up together.
const BATCH: usize = 64;
/// Rows of a file that are looked up together.
const BLOCK: usize = 1024;

pub fn run(arguments: &Find, session: &Session) -> Result<Outcome> {
    let (report, left_out) = match descriptor_file::only(&arguments.inputs)? {
        Some(file) => (of_descriptors(file, arguments, session)?, LeftOut::default()),
        None => of_images(arguments, session)?,
    };
    let outcome = Outcome::of(left_out.failed() || report.queries.iter().any(|query| query.error.is_some()));
    let seconds = report.seconds;
    let report = Report::new(report).after(seconds).without(left_out);
    session.result(&report, || report.body.text() + &report.left_out())?;
    Ok(outcome)
}

fn of_descriptors(file: &Path, arguments: &Find, session: &Session) -> Result<FindReport> {
    let device = session.device()?.device;
    let collection = inputs::collection::open(&arguments.collection, &device, session)?;
    let named = || path_text(file);
    match Source::descriptors(file)?.record {
        Some(record) => inputs::collection::check_extractor(&collection, &record).with_context(named)?,
        None => session.detail(|| format!("{}: has no extractor record", named())),
    }
    let mut finder = Finder::new(&collection, arguments)?;
    let blocks = npy::read_blocks(file, BLOCK)?;
    let bar = progress::bar(blocks.n(), "finding");
    for block in blocks {
        let block = block?;
        let first = finder.report.queries.len();
        let places: Vec<usize> = (first..first + block.n).collect();
        finder.report.queries.extend(places.iter().map(|row| Query::new(row.to_string())));
        finder.find(&places, block.into_tensor(&device)).with_context(named)?;
        bar.inc(places.len() as u64);
    }
    bar.finish_and_clear();
    Ok(finder.report)
}

fn of_images(arguments: &Find, session: &Session) -> Result<(FindReport, LeftOut)> {
    let Found { images: inputs, left_out } = image_files::find(&arguments.inputs, None, session)?;
    let loaded = LoadedExtractor::load(session)?;
    let collection = inputs::collection::open(&arguments.collection, &loaded.device, session)?;
    inputs::collection::check_extractor(&collection, &loaded.record())?;
    let mut finder = Finder::new(&collection, arguments)?;
    let bar = progress::bar(inputs.len(), "finding");
    let advance = |_: &Input| {
        bar.inc(1);
        Ok(())
    };
    let (mut places, mut descriptors) = (Vec::new(), Vec::new());
    let take = |input: &Input, described: describe::Result<(Vec<f32>, Vec<String>)>| {
        let mut query = Query::new(path_text(&input.path));
        match described {
            Ok((descriptor, notes)) => {
                bar.suspend(|| session.notes(&query.query, &notes));
                places.push(finder.report.queries.len());
                descriptors.push(descriptor);
            }
            Err(error) => {
                let reason = one_line(&error.into());
                bar.suspend(|| session.failure(&query.query, &reason));
                query.error = Some(reason);
            }
        }
        finder.report.queries.push(query);
        if descriptors.len() >= BATCH {
            let rows = upload_rows(std::mem::take(&mut descriptors), &loaded.device);
            finder.find(&std::mem::take(&mut places), rows)?;
        }
        anyhow::Ok(())
    };
    let reader = (&arguments.reading).into();
    loaded.describer(BatchRequest::Auto).describe_files(&reader, &inputs, advance, take)?;
    if !descriptors.is_empty() {
        finder.find(&places, upload_rows(&descriptors, &loaded.device))?;
    }
    bar.finish_and_clear();
    Ok((finder.report, left_out))
}

/// Looks queries up in a collection.
struct Finder<'a> {
    collection: &'a Collection,
    settings: FindSettings,
    report: FindReport,
}

impl<'a> Finder<'a> {
    /// # Errors
    /// If the collection cannot be read.
    fn new(collection: &'a Collection, arguments: &Find) -> Result<Self> {
        let quantiser = collection.quantiser();
        let own = || quantiser.default_nprobe().and_then(|own| usize::try_from(own).ok()).unwrap_or(1);
        let nprobe = arguments.nprobe.map_or_else(own, NonZeroUsize::get);
        let nprobe = nprobe.min(quantiser.nlist().unwrap_or(1));
        let report = FindReport {
            collection: path_text(&arguments.collection),
            entries: collection.searchable()?,
            nprobe,
            seconds: 0.0,
            queries: Vec::new(),
        };
        let (k, filter) = (arguments.k.get(), arguments.conditions.filter());
        Ok(Self { collection, settings: FindSettings { k, nprobe, filter }, report })
    }

    /// Looks up descriptors `[n, d]`, those of the queries at `places` `[n]`.
    fn find(&mut self, places: &[usize], descriptors: Tensor<2>) -> Result<()> {
        let started = Instant::now();
        let found = self.collection.find(descriptors, &self.settings)?;
        let ids: Vec<i64> = found.iter().flatten().map(|found| found.id).collect();
        let mut entries = self.collection.entries(&ids)?.into_iter();
        for (place, found) in places.iter().zip(found) {
            // An entry that was withdrawn since is no match.
            let is_live = |(_, entry): &(f32, Entry)| entry.state == State::Live;
            let pairs = found.into_iter().filter_map(|found| Some((found.cosine, entries.next()??)));
            self.report.queries[*place].matches = pairs.filter(is_live).map(Match::from).collect();
        }
        self.report.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }
}

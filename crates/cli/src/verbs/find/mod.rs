//! `find`: finds out whether images are in a collection.

mod find_report;
mod lookup;
mod page;

use std::{
    cell::Cell,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use describe::{BatchRequest, Described, Input as NetworkInput, Prepared, network_input};
use extractor::Extractor;
use find::Query;
use image::RgbImage;
use image_file::{Reader, path_text};
use index::npy;
use shard::Shard;

use self::{find_report::FindReport, lookup::Lookup};
use crate::{
    args::Find,
    inputs::{
        self, descriptor_file,
        extractor::LoadedExtractor,
        image_files::{self, Found, Input, LeftOut},
        query_picture, sharding,
    },
    outputs::{Content, Outputs},
    report::Report,
    session::{Outcome, Session, interrupt::Watch, output::one_line, progress, whole_file::write_whole},
    side_files::extractor_record::Source,
};

/// Pictures that are looked up together.
const BATCH: usize = 32;
/// Rows of a file that are looked up together.
const BLOCK: usize = 1024;

/// Files that the run writes: the JSON document and the page.
struct Files {
    document: Option<PathBuf>,
    page: Option<PathBuf>,
}

impl Files {
    /// Returns the files that the user named, or the shard's own.
    fn new(arguments: &Find, shard: Option<Shard>) -> Self {
        let mut files = [arguments.out.clone(), arguments.report.clone()];
        sharding::rename(shard, &mut files);
        let [document, page] = files;
        Self { document, page }
    }

    fn outputs(&self) -> Outputs {
        let outputs = Outputs::default();
        let outputs = match &self.document {
            Some(path) => outputs.and_anywhere(path, Content::Document),
            None => outputs,
        };
        outputs.and_any(self.page.as_ref(), Content::Page)
    }
}

pub fn run(arguments: &Find, session: &Session) -> Result<Outcome> {
    let (shard, report, left_out, files) = match descriptor_file::only(&arguments.inputs)? {
        Some(file) => {
            sharding::require_none(&arguments.sharding, "looked up", session)?;
            let files = Files::new(arguments, None);
            (None, of_descriptors(file, arguments, &files, session)?, LeftOut::default(), files)
        }
        None => {
            let shard = sharding::shard(&arguments.sharding, session)?;
            let files = Files::new(arguments, shard);
            let (report, left_out) = of_images(arguments, shard, &files, session)?;
            (shard, report, left_out, files)
        }
    };
    let outcome = match report.interrupted {
        true => Outcome::Interrupted,
        false => Outcome::of(left_out.failed() || report.queries.iter().any(|query| query.error.is_some())),
    };
    let seconds = report.seconds;
    let report = Report::new(report).after(seconds).in_shard(shard).without(left_out);
    match &files.document {
        Some(path) if report.body.interrupted => session.unwritten(path),
        Some(path) => {
            let document = serde_json::to_vec(&report)?;
            write_whole(path, |file| file.write_all(&document))?;
        }
        None => {}
    }
    session.result(&report, || report.body.text() + &report.left_out() + &report.body.left_line())?;
    Ok(outcome)
}

fn of_descriptors(file: &Path, arguments: &Find, files: &Files, session: &Session) -> Result<FindReport> {
    files.outputs().check([file])?;
    let device = session.device()?.device;
    let collection = inputs::collection::open(&arguments.collection, &device, session)?;
    let named = || path_text(file);
    match Source::descriptors(file)?.record {
        Some(record) => inputs::collection::check_extractor(&collection, &record).with_context(named)?,
        None => session.detail(|| format!("{}: has no extractor record", named())),
    }
    let mut lookup = Lookup::new(&collection, arguments, session)?;
    let blocks = npy::read_blocks(file, BLOCK)?;
    let (n, bar) = (blocks.n(), progress::bar(blocks.n(), "finding"));
    let watch = Watch::start();
    for block in blocks {
        if watch.is_requested() {
            lookup.interrupt(n);
            break;
        }
        let block = block?;
        let rows: Vec<Vec<f32>> = block.values.chunks_exact(block.d.max(1)).map(<[f32]>::to_vec).collect();
        bar.inc(rows.len() as u64);
        lookup.find_descriptors(rows).with_context(named)?;
    }
    bar.finish_and_clear();
    lookup.finish(files.page.as_deref())
}

fn of_images(
    arguments: &Find,
    shard: Option<Shard>,
    files: &Files,
    session: &Session,
) -> Result<(FindReport, LeftOut)> {
    let (found, others) = image_files::find(&arguments.inputs, None, session)?.in_shard(shard);
    let Found { images: inputs, left_out } = found;
    files.outputs().check(inputs.iter().chain(&others))?;
    let loaded = LoadedExtractor::load(session)?;
    let collection = inputs::collection::open(&arguments.collection, &loaded.device, session)?;
    inputs::collection::check_extractor(&collection, &loaded.record())?;
    let mut lookup = Lookup::new(&collection, arguments, session)?;
    look_up(&inputs, &loaded, &Reader::from(&arguments.reading), &mut lookup, session)?;
    Ok((lookup.finish(files.page.as_deref())?, left_out))
}

/// Looks pictures up until all are done or the user presses Ctrl-C.
fn look_up(
    inputs: &[Input],
    loaded: &LoadedExtractor,
    reader: &Reader,
    lookup: &mut Lookup<'_>,
    session: &Session,
) -> Result<()> {
    let bar = progress::bar(inputs.len(), "finding");
    // The first look is described from the whole picture as it is read; the others as they are asked for.
    let (mut describer, mut further) =
        (loaded.describer(BatchRequest::Auto), loaded.describer(BatchRequest::Auto));
    let extractor = describer.extractor();
    let ahead = NonZeroUsize::new(2 * describer.batch_size()).unwrap_or(NonZeroUsize::MIN);
    let prepare = |input: &Input| prepare(input, reader, extractor);
    let watch = Watch::start();
    let is_stopped = Cell::new(false);
    let progress = |_: &Input| {
        is_stopped.set(watch.is_requested());
        if is_stopped.get() {
            bail!("interrupted");
        }
        Ok(())
    };
    let take = |input: &Input, described: describe::Result<Described<ReadImage>>| {
        let name = path_text(&input.path);
        match described {
            Ok(Described { note: ReadImage { picture, notes }, descriptors }) => {
                bar.suspend(|| session.notes(&name, &notes));
                lookup.add(name, Query::described(picture, descriptors.into_iter().flatten().collect()));
            }
            Err(error) => {
                let reason = one_line(&error.into());
                bar.suspend(|| session.failure(&name, &reason));
                lookup.add_failed(name, reason);
            }
        }
        if lookup.waiting() >= BATCH {
            lookup.find(&mut further)?;
        }
        bar.set_position(lookup.done() as u64);
        anyhow::Ok(())
    };
    match describer.stream(inputs, ahead, prepare, progress, take) {
        Err(_) if is_stopped.get() => lookup.interrupt(inputs.len()),
        streamed => {
            streamed?;
            lookup.find(&mut further)?;
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Picture as it was read.
struct ReadImage {
    picture: RgbImage,
    notes: Vec<String>,
}

/// Reads an image for the network, and reduces it for what comes after.
fn prepare(input: &Input, reader: &Reader, extractor: &Extractor) -> describe::Result<Prepared<ReadImage>> {
    let picture = reader.open(&input.path)?;
    let whole = NetworkInput::Image(network_input(extractor, &picture.pixels)?);
    let note = ReadImage { picture: query_picture(picture.pixels), notes: picture.notes };
    Ok(Prepared { note, inputs: vec![whole] })
}

//! `find`: finds out whether images are in a collection.

mod find_report;
mod lookup;
mod page;

use std::{cell::Cell, num::NonZeroUsize, path::Path};

use anyhow::{Context, Result, bail};
use describe::{BatchRequest, Described, Input as NetworkInput, Prepared, network_input};
use extractor::Extractor;
use find::Query;
use image::RgbImage;
use image_file::{Reader, path_text};
use index::npy;

use self::{find_report::FindReport, lookup::Lookup};
use crate::{
    args::Find,
    inputs::{
        self, descriptor_file,
        extractor::LoadedExtractor,
        image_files::{self, Found, Input, LeftOut},
        query_picture,
    },
    outputs::{Content, Outputs},
    report::Report,
    session::{Outcome, Session, interrupt::Watch, output::one_line, progress},
    side_files::extractor_record::Source,
};

/// Pictures that are looked up together.
const BATCH: usize = 32;
/// Rows of a file that are looked up together.
const BLOCK: usize = 1024;

pub fn run(arguments: &Find, session: &Session) -> Result<Outcome> {
    let (report, left_out) = match descriptor_file::only(&arguments.inputs)? {
        Some(file) => (of_descriptors(file, arguments, session)?, LeftOut::default()),
        None => of_images(arguments, session)?,
    };
    let outcome = match report.interrupted {
        true => Outcome::Interrupted,
        false => Outcome::of(left_out.failed() || report.queries.iter().any(|query| query.error.is_some())),
    };
    let seconds = report.seconds;
    let report = Report::new(report).after(seconds).without(left_out);
    session.result(&report, || report.body.text() + &report.left_out() + &report.body.left_line())?;
    Ok(outcome)
}

fn of_descriptors(file: &Path, arguments: &Find, session: &Session) -> Result<FindReport> {
    page_output(arguments).check([file])?;
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
    lookup.finish(arguments.report.as_deref())
}

fn of_images(arguments: &Find, session: &Session) -> Result<(FindReport, LeftOut)> {
    let Found { images: inputs, left_out } = image_files::find(&arguments.inputs, None, session)?;
    page_output(arguments).check(inputs.iter().map(|input| &input.path))?;
    let loaded = LoadedExtractor::load(session)?;
    let collection = inputs::collection::open(&arguments.collection, &loaded.device, session)?;
    inputs::collection::check_extractor(&collection, &loaded.record())?;
    let mut lookup = Lookup::new(&collection, arguments, session)?;
    let bar = progress::bar(inputs.len(), "finding");
    // The first look is described from the whole picture as it is read; the others as they are asked for.
    let (mut describer, mut further) =
        (loaded.describer(BatchRequest::Auto), loaded.describer(BatchRequest::Auto));
    let (reader, extractor) = (Reader::from(&arguments.reading), describer.extractor());
    let ahead = NonZeroUsize::new(2 * describer.batch_size()).unwrap_or(NonZeroUsize::MIN);
    let prepare = |input: &Input| prepare(input, &reader, extractor);
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
    match describer.stream(&inputs, ahead, prepare, progress, take) {
        Err(_) if is_stopped.get() => lookup.interrupt(inputs.len()),
        streamed => {
            streamed?;
            lookup.find(&mut further)?;
        }
    }
    bar.finish_and_clear();
    Ok((lookup.finish(arguments.report.as_deref())?, left_out))
}

/// Page that the run writes, if it was asked for.
fn page_output(arguments: &Find) -> Outputs {
    Outputs::default().and_any(arguments.report.as_ref(), Content::Page)
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

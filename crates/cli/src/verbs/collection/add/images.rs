//! Images: described in a stream, and committed as they come.

use std::{
    cell::Cell,
    num::NonZeroUsize,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use collection::{Collection, Digest, Entry, NewEntry, Stored};
use describe::{Described, Input as NetworkInput, Prepared, network_input};
use device_math::transfer::upload_rows;
use extractor::Extractor;
use image_file::{Reader, path_text};
use indicatif::ProgressBar;
use serde::Serialize;
use shard::Shard;
use witness::{Kind, Witness};

use super::{Counts, report_known};
use crate::{
    args::CollectionAdd,
    inputs::{
        self,
        extractor::LoadedExtractor,
        image_files::{self, Found, Input},
        meta::MetaFields,
        sharding,
    },
    report::{Report, table::table},
    session::{
        Outcome, Session,
        interrupt::Watch,
        output::one_line,
        progress,
        shard_run::{Done, ShardRun},
    },
};

/// Largest number of images that wait for their commit.
const BATCH: usize = 64;
/// Time after which images that wait are committed.
const WAIT: Duration = Duration::from_millis(250);

/// Images added to a collection.
#[derive(Serialize)]
struct AddReport {
    collection: String,
    #[serde(flatten)]
    counts: Counts,
    images: Vec<AddedImage>,
}

/// Report on one image.
#[derive(Serialize)]
struct AddedImage {
    input: String,
    /// Name of its entry.
    #[serde(skip)]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Parts of the file that were ignored, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

#[derive(Serialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Status {
    Added,
    /// The original is an entry already.
    Already,
    Failed,
}

pub fn run(arguments: &CollectionAdd, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    let shard = sharding::shard(&arguments.recorded.sharding, session)?;
    let (found, _) = image_files::find(&arguments.inputs, None, session)?.in_shard(shard);
    let Found { images: inputs, left_out } = found;
    let meta = MetaFields::read(&arguments.meta)?;
    let loaded = LoadedExtractor::load(session)?;
    let collection = inputs::collection::open(&arguments.collection, &loaded.device, session)?;
    inputs::collection::require_extractor(&collection, &loaded.record())?;
    let (images, interrupted) = added(&inputs, shard, &meta, &loaded, &collection, arguments, session)?;
    inputs::collection::refit(&collection, session);

    let count = |status| images.iter().filter(|image| image.status == status).count();
    let [added, already, failed] = [Status::Added, Status::Already, Status::Failed].map(count);
    let counts = Counts { added, already, failed, left: inputs.len() - images.len(), interrupted };
    let outcome = if left_out.failed() && !interrupted { Outcome::SomeFailed } else { counts.outcome() };
    let seconds = started.elapsed().as_secs_f64();
    let collection = arguments.collection.to_string();
    let report = Report::new(AddReport { collection, counts, images });
    let report = report.on(&loaded.device_name).after(seconds).in_shard(shard).without(left_out);
    session.result(&report, || text(&report, seconds, &loaded.device_name))?;
    Ok(outcome)
}

/// Adds images until all are done or the user presses Ctrl-C. Returns those that were met, in their order, and true if the
/// user did.
fn added(
    inputs: &[Input],
    shard: Option<Shard>,
    meta: &MetaFields,
    loaded: &LoadedExtractor,
    collection: &Collection,
    arguments: &CollectionAdd,
    session: &Session,
) -> Result<(Vec<AddedImage>, bool)> {
    let bar = progress::bar(inputs.len(), "adding");
    let watch = Watch::start();
    let witnesses = release::witness_kind(collection)?;
    let work = (shard, inputs.len());
    let run = ShardRun::begin("add", &arguments.inputs, work, &arguments.recorded, (collection, session))?;
    let mut adder = Adder::new(collection, meta, loaded, session, (&bar, run.as_ref()));
    let mut describer = loaded.describer(arguments.batch);
    let (reader, extractor) = (Reader::from(&arguments.reading), describer.extractor());
    let ahead = NonZeroUsize::new(2 * describer.batch_size()).unwrap_or(NonZeroUsize::MIN);
    let is_stopped = Cell::new(false);
    let progress = |_: &Input| {
        bar.inc(1);
        if watch.is_requested() {
            is_stopped.set(true);
            bail!("interrupted");
        }
        Ok(())
    };
    let prepare = |input: &Input| prepare(input, &reader, extractor, collection, witnesses);
    let streamed =
        describer.stream(inputs, ahead, prepare, progress, |input, described| adder.take(input, described));
    match streamed {
        Err(_) if is_stopped.get() => {}
        streamed => streamed?,
    }
    adder.commit()?;
    bar.finish_and_clear();
    run.iter().for_each(|run| run.finish(!is_stopped.get()));
    Ok((adder.images, is_stopped.get()))
}

/// An image that was read.
struct ReadImage {
    original: Digest,
    /// Entry of the original, which needs no descriptor then.
    known: Option<Entry>,
    /// Bytes of the witness, if the collection keeps witnesses.
    witness: Option<Vec<u8>>,
    notes: Vec<String>,
}

/// Reads an image for the network, unless it is an entry already.
fn prepare(
    input: &Input,
    reader: &Reader,
    extractor: &Extractor,
    collection: &Collection,
    witnesses: Kind,
) -> Result<Prepared<ReadImage>> {
    let bytes = reader.read(&input.path)?;
    let original = Digest::of_file(&bytes);
    if let Some(entry) = collection.completed(&original)? {
        let note = ReadImage { original, known: Some(entry), witness: None, notes: Vec::new() };
        return Ok(Prepared { note, inputs: Vec::new() });
    }
    let picture = reader.decode(&bytes)?;
    let image = NetworkInput::Image(network_input(extractor, &picture.pixels)?);
    let witness = Witness::of(&picture.pixels.into_rgb8(), witnesses).map(|witness| witness.to_bytes());
    let note = ReadImage { original, known: None, witness, notes: picture.notes };
    Ok(Prepared { note, inputs: vec![image] })
}

/// Images that are being added.
struct Adder<'a> {
    collection: &'a Collection,
    meta: &'a MetaFields,
    loaded: &'a LoadedExtractor,
    session: &'a Session,
    bar: &'a ProgressBar,
    run: Option<&'a ShardRun<'a>>,
    images: Vec<AddedImage>,
    waiting: Waiting,
    committed: Instant,
}

/// Images that wait for their commit: `[n]` each.
#[derive(Default)]
struct Waiting {
    /// Places among the images.
    places: Vec<usize>,
    entries: Vec<NewEntry>,
    descriptors: Vec<Vec<f32>>,
}

impl<'a> Adder<'a> {
    fn new(
        collection: &'a Collection,
        meta: &'a MetaFields,
        loaded: &'a LoadedExtractor,
        session: &'a Session,
        (bar, run): (&'a ProgressBar, Option<&'a ShardRun<'a>>),
    ) -> Self {
        let (images, waiting) = (Vec::new(), Waiting::default());
        Self { collection, meta, loaded, session, bar, run, images, waiting, committed: Instant::now() }
    }

    /// Takes the next image of the stream.
    fn take(&mut self, input: &Input, described: Result<Described<ReadImage>>) -> Result<()> {
        let [path, name] = [&input.path, &input.name].map(|path| path_text(path));
        let image = AddedImage {
            input: path,
            name,
            id: None,
            status: Status::Failed,
            error: None,
            notes: Vec::new(),
        };
        self.images.push(image);
        let place = self.images.len() - 1;
        if let Err(error) = described.and_then(|described| self.place(place, &input.name, described)) {
            let image = &mut self.images[place];
            image.error = Some(one_line(&error));
            self.run.iter().for_each(|run| run.count(Done::Failed));
            self.bar.suspend(|| self.session.failure(&image.input, &one_line(&error)));
        }
        match self.waiting.entries.len() {
            0 => Ok(()),
            n if n >= BATCH || self.committed.elapsed() >= WAIT => self.commit(),
            _ => Ok(()),
        }
    }

    /// Puts an image among those that wait, unless it is an entry already.
    fn place(&mut self, place: usize, name: &Path, described: Described<ReadImage>) -> Result<()> {
        let ReadImage { original, known, witness, notes } = described.note;
        let image = &mut self.images[place];
        self.bar.suspend(|| self.session.notes(&image.input, &notes));
        image.notes = notes;
        if let Some(entry) = known {
            self.know(place, &entry);
            return Ok(());
        }
        let descriptor: Vec<f32> = described.descriptors.into_iter().flatten().collect();
        ensure!(descriptor.iter().all(|value| value.is_finite()), "its descriptor is not finite");
        let meta = self.meta.of(name);
        let entry = NewEntry::added(&image.name, Some(original));
        self.waiting.entries.push(NewEntry { meta, witness, ..entry });
        self.waiting.places.push(place);
        self.waiting.descriptors.push(descriptor);
        Ok(())
    }

    /// Records that an image is an entry already.
    fn know(&mut self, place: usize, entry: &Entry) {
        let image = &mut self.images[place];
        (image.id, image.status) = (Some(entry.id), Status::Already);
        self.run.iter().for_each(|run| run.count(Done::Already));
        let collection = &self.collection.description().location;
        self.bar.suspend(|| report_known(&image.input, &image.name, entry, collection, self.session));
    }

    /// Stores the images that wait.
    fn commit(&mut self) -> Result<()> {
        let Waiting { places, entries, descriptors } = std::mem::take(&mut self.waiting);
        if entries.is_empty() {
            return Ok(());
        }
        let stored = self.collection.store(&entries, upload_rows(&descriptors, &self.loaded.device))?;
        self.committed = Instant::now();
        self.bar.suspend(|| self.session.detail(|| format!("{} images committed", stored.len())));
        for (place, stored) in places.into_iter().zip(stored) {
            match stored {
                Stored::Known(entry) => self.know(place, &entry),
                Stored::New(id) | Stored::Completed(id) => {
                    let image = &mut self.images[place];
                    (image.id, image.status) = (Some(id), Status::Added);
                    self.run.iter().for_each(|run| run.count(Done::Stored));
                }
            }
        }
        Ok(())
    }
}

/// Formats the report as a table of one row.
fn text(report: &Report<AddReport>, seconds: f64, device: &str) -> String {
    let AddReport { collection, counts, .. } = &report.body;
    let numbers = [counts.added, counts.already, counts.failed].map(|count| count.to_string());
    let rest = [format!("{seconds:.1}"), device.to_owned(), collection.clone()];
    let row = table(
        &["added", "there already", "failed", "seconds", "device", "collection"],
        0,
        [numbers.into_iter().chain(rest).collect()],
    );
    format!("{row}{}{}", report.left_out_line(), counts.line())
}

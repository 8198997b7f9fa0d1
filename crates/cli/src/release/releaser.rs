//! Reading, activation and writing of images, batch by batch.
//!
//! Threads read and decode ahead of the activation, and another one encodes and writes behind it.

use std::{
    num::NonZeroUsize,
    path::Path,
    sync::mpsc::{self, Receiver, Sender, SyncSender},
    thread,
    time::Instant,
};

use activate::{Activated, Activator, Settings, pixels::Depth};
use anyhow::{Context, Result, ensure};
use collection::{Digest, Entry};
use describe::{AutoSizes, BatchSize, read_ahead, reading_threads};
use extractor::Extractor;
use image::RgbImage;
use image_file::{Picture, Reader, path_of_text};
use index::Index;
use indicatif::ProgressBar;

use super::{
    destination::{Destination, Examined, ReleasedFile, Taken},
    finished_image::{FinishedImage, finish},
    options::Options,
    pixel_tensor,
    plan::{Decision, Job},
    released_image::ReleasedImage,
};
use crate::{
    inputs::extractor::LoadedExtractor,
    session::{Session, interrupt::Watch, output::one_line, progress},
};

/// Maximum number of pixels activated at once; each takes about 70 bytes.
const MAX_PIXELS_TOGETHER: u64 = 50_000_000;

/// Numbers of images activated at once.
const SIZES: AutoSizes = AutoSizes { shared: 1, first: 16, most: 64 };
/// Maximum number of decoded images that wait for the previous batch. Their pixels take far more memory than the network's
/// inputs.
const AHEAD: usize = 8;
/// Maximum number of activated batches that wait for being written.
const BEHIND: usize = 1;

/// Receiver of pairs.
pub type Keep<'a> = &'a mut dyn FnMut(Pair) -> Result<()>;

/// An original and its released image.
pub struct Pair {
    pub original: RgbImage,
    pub released: RgbImage,
}

/// Original as it was read.
enum Original {
    Picture(Box<Picture>, Option<Digest>),
    /// Nothing is to be released.
    Known(Box<Entry>),
    /// Nothing is to be released, because an earlier job has the same file.
    Repeated(Digest),
}

/// Jobs to do at once, activated.
struct Batch<'a> {
    jobs: &'a [Job],
    /// One per job.
    originals: Vec<Result<Original>>,
    /// One per picture of the originals, in their order.
    activated: Vec<Result<Activated>>,
    /// Time of each picture.
    seconds: f64,
}

/// Row of a job, and its pair if it is kept.
type Row = (ReleasedImage, Option<Pair>);

/// Activates images for indexes, and hands the released files to their destination.
pub struct Releaser<'a> {
    loaded: &'a LoadedExtractor,
    /// At least one.
    indexes: &'a [Index],
    options: Options,
}

impl<'a> Releaser<'a> {
    /// # Errors
    /// If `indexes` is empty, or an index does not fit the extractor or the settings.
    pub fn new(loaded: &'a LoadedExtractor, indexes: &'a [Index], options: Options) -> Result<Self> {
        let releaser = Self { loaded, indexes, options };
        releaser.activator(Depth::Eight)?;
        Ok(releaser)
    }

    pub(super) fn activator(&self, depth: Depth) -> Result<Activator<'a, Extractor>> {
        let (first, others) = self.indexes.split_first().context("no index to activate for")?;
        let settings = Settings { depth, ..self.options.settings };
        let activator = Activator::new(&self.loaded.extractor, first, settings)?;
        others.iter().try_fold(activator, |activator, index| Ok(activator.also_for(index)?))
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    pub(super) fn loaded(&self) -> &LoadedExtractor {
        self.loaded
    }

    /// Returns the depth of the released file of a picture.
    pub(super) fn depth(&self, picture: &Picture) -> Depth {
        let is_deep = picture.pixels.is_deep() && self.options.encoding.keeps_depth();
        if is_deep { Depth::Sixteen } else { Depth::Eight }
    }

    /// Releases images to a destination. Returns one row for each job, in their order, and passes each pair to `keep`,
    /// including those of earlier runs. If the user interrupts a watched run, returns the rows of what was begun.
    ///
    /// # Errors
    /// If `keep` fails. A job that fails is reported, and in its row.
    pub fn release(
        &self,
        jobs: &[Job],
        destination: &dyn Destination,
        watch: Option<&Watch>,
        session: &Session,
        keep: Option<Keep<'_>>,
    ) -> Result<Vec<ReleasedImage>> {
        let count = jobs.iter().filter(|job| job.decision == Decision::Release).count();
        let steps = count.saturating_mul(self.options.settings.iterations);
        let bar = progress::bar(steps, "activating");
        let keeps = keep.is_some();
        let mut rows = Rows { rows: Vec::with_capacity(jobs.len()), keep, session, bar: &bar };
        let (batches, activated) = mpsc::sync_channel(BEHIND);
        let (finished, finished_rows) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || self.write_all(&activated, &finished, destination, keeps));
            self.activate_all(jobs, destination, watch, batches, &bar, || {
                rows.take(finished_rows.try_iter())
            })?;
            rows.take(finished_rows.iter())
        })?;
        bar.finish_and_clear();
        Ok(rows.rows)
    }

    /// Reads and activates jobs, and sends them on in batches; calls `between` after each.
    fn activate_all<'j>(
        &self,
        jobs: &'j [Job],
        destination: &dyn Destination,
        watch: Option<&Watch>,
        batches: SyncSender<Batch<'j>>,
        bar: &ProgressBar,
        mut between: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        let mut batch_size = BatchSize::new(self.options.batch, self.loaded.own_memory, SIZES);
        let (mut originals, mut done, mut started) = (Vec::new(), 0, Instant::now());
        let ahead = NonZeroUsize::new(batch_size.get().min(AHEAD)).unwrap_or(NonZeroUsize::MIN);
        let take = |original: Result<Original>| {
            originals.push(original);
            let batch = &jobs[done..done + originals.len()];
            if batch.len() < batch_size.get() && done + batch.len() < jobs.len() {
                return Ok(());
            }
            done += batch.len();
            let originals = std::mem::take(&mut originals);
            let pictures: Vec<&Picture> = originals.iter().flatten().filter_map(Original::picture).collect();
            let activated = self.activate(&pictures, &mut batch_size, bar);
            let seconds = started.elapsed().as_secs_f64() / pictures.len().max(1) as f64;
            // The receiver ends only when the sender does.
            let _ = batches.send(Batch { jobs: batch, originals, activated, seconds });
            started = Instant::now();
            between()?;
            match watch.is_some_and(Watch::is_requested) {
                true => Err(Ended::Interrupted),
                false => Ok(()),
            }
        };
        let reader = self.options.reader;
        let read = |job: &Job| read(&reader, job, destination, self.options.settings.iterations, bar);
        match read_ahead(jobs, reading_threads(), ahead, read, take) {
            Ok(()) | Err(Ended::Interrupted) => Ok(()),
            Err(Ended::Failed(error)) => Err(error),
        }
    }

    /// Activates images at once, or in halves if they have too many pixels or both depths.
    fn activate(
        &self,
        originals: &[&Picture],
        batch_size: &mut BatchSize,
        bar: &ProgressBar,
    ) -> Vec<Result<Activated>> {
        let pixels = |picture: &&Picture| {
            let (width, height) = picture.dimensions();
            u64::from(width) * u64::from(height)
        };
        let is_mixed = originals.windows(2).any(|pair| self.depth(pair[0]) != self.depth(pair[1]));
        let is_large = originals.iter().map(pixels).sum::<u64>() > MAX_PIXELS_TOGETHER;
        if originals.len() > 1 && (is_large || is_mixed) {
            let (first, second) = originals.split_at(originals.len() / 2);
            return [first, second]
                .into_iter()
                .flat_map(|half| self.activate(half, batch_size, bar))
                .collect();
        }
        batch_size.run(originals, &mut |images| self.activate_together(images, bar), is_out_of_memory)
    }

    fn activate_together(&self, originals: &[&Picture], bar: &ProgressBar) -> Result<Vec<Activated>> {
        let Some(first) = originals.first() else { return Ok(Vec::new()) };
        let tensor = |picture: &&Picture| pixel_tensor::to_tensor(&picture.pixels, &self.loaded.device);
        let tensors = originals.iter().map(tensor).collect::<Result<Vec<_>>>()?;
        let activator = self.activator(self.depth(first))?;
        let activated = activator.activate(&tensors, &mut |step| bar.inc(step.images as u64))?;
        let left = |image: &Activated| (self.options.settings.iterations - image.trace.iterations) as u64;
        bar.inc(activated.iter().map(left).sum());
        Ok(activated)
    }

    /// Encodes activated batches, hands them to the destination, and sends their rows.
    fn write_all(
        &self,
        batches: &Receiver<Batch<'_>>,
        rows: &Sender<Vec<Row>>,
        destination: &dyn Destination,
        keeps: bool,
    ) {
        for batch in batches {
            // Without a receiver, the run has failed already.
            let _ = rows.send(self.write_batch(batch, destination, keeps));
        }
    }

    fn write_batch(&self, batch: Batch<'_>, destination: &dyn Destination, keeps: bool) -> Vec<Row> {
        let Batch { jobs, originals, activated, seconds } = batch;
        let mut activated = activated.into_iter();
        let mut files = Vec::new();
        let work = jobs.iter().zip(originals).map(|(job, original)| match (&job.decision, original) {
            (Decision::Skip, _) => {
                let pair = keeps.then(|| self.read_pair(job)).transpose()?;
                Ok(Done::Row(ReleasedImage::skipped(&job.input, &job.output), pair))
            }
            (Decision::Refuse(reason), _) => Err(anyhow::anyhow!(reason.clone())),
            (Decision::Release, Err(error)) => Err(error),
            (Decision::Release, Ok(Original::Known(entry))) => {
                let pair = keeps.then(|| self.read_pair_of(job, &entry)).flatten();
                Ok(Done::Row(ReleasedImage::already(&job.input, &entry), pair))
            }
            (Decision::Release, Ok(Original::Repeated(digest))) => Ok(Done::Repeated(digest)),
            (Decision::Release, Ok(Original::Picture(picture, digest))) => {
                let activated = activated.next().context("activation returned no image")??;
                let FinishedImage { bytes, descriptor, witness, figures, notes, pair } =
                    finish(self, *picture, &activated, seconds, destination.witness_kind(), keeps)?;
                files.push(ReleasedFile { job, digest, bytes, descriptor, witness });
                Ok(Done::Written(ReleasedImage::released(&job.input, &job.output, figures, notes), pair))
            }
        });
        let done: Vec<Result<Done>> = work.collect();
        let mut taken = destination.take(files).into_iter();
        let row = |(job, done): (&Job, Result<Done>)| {
            let row = done.and_then(|done| match done {
                Done::Row(row, pair) => Ok((row, pair)),
                Done::Written(row, pair) => match taken.next().context("the destination took no file")?? {
                    Taken::Written(id) => Ok((row.with_id(id), pair)),
                    Taken::Known(entry) => Ok((ReleasedImage::already(&job.input, &entry), pair)),
                },
                Done::Repeated(digest) => {
                    let entry = destination.entry_of(&digest)?;
                    let pair = keeps.then(|| self.read_pair_of(job, &entry)).flatten();
                    Ok((ReleasedImage::already(&job.input, &entry), pair))
                }
            });
            row.unwrap_or_else(|error| (ReleasedImage::refused(&job.input, one_line(&error)), None))
        };
        jobs.iter().zip(done).map(row).collect()
    }

    /// Reads the pair of an image that an earlier run released.
    fn read_pair(&self, job: &Job) -> Result<Pair> {
        let read = |path| Ok::<_, image_file::Error>(self.options.reader.open(path)?.pixels.into_rgb8());
        Ok(Pair { original: read(&job.input)?, released: read(&job.output)? })
    }

    /// Reads the pair of an image whose entry names its released file; `None` if either cannot be read any more.
    fn read_pair_of(&self, job: &Job, entry: &Entry) -> Option<Pair> {
        let read = |path: &Path| Some(self.options.reader.open(path).ok()?.pixels.into_rgb8());
        Some(Pair { original: read(&job.input)?, released: read(&path_of_text(entry.file.as_deref()?))? })
    }
}

/// Job that is done, but for handing its file to the destination.
enum Done {
    Row(ReleasedImage, Option<Pair>),
    Written(ReleasedImage, Option<Pair>),
    Repeated(Digest),
}

/// Reason why reading ended before the last job.
enum Ended {
    Interrupted,
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Rows in the order of the jobs, reported as they come.
struct Rows<'r, 'k> {
    rows: Vec<ReleasedImage>,
    keep: Option<Keep<'k>>,
    session: &'r Session,
    bar: &'r ProgressBar,
}

impl Rows<'_, '_> {
    fn take(&mut self, batches: impl Iterator<Item = Vec<Row>>) -> Result<()> {
        for (row, pair) in batches.flatten() {
            self.bar.suspend(|| self.session.notes(&row.input, &row.notes));
            if let Some(reason) = &row.error {
                self.bar.suspend(|| self.session.failure(&row.input, reason));
            }
            self.rows.push(row);
            if let (Some(pair), Some(keep)) = (pair, &mut self.keep) {
                keep(pair)?;
            }
        }
        Ok(())
    }
}

impl Original {
    fn picture(&self) -> Option<&Picture> {
        match self {
            Self::Picture(picture, _) => Some(picture),
            Self::Known(_) | Self::Repeated(_) => None,
        }
    }
}

/// Reads the job's image, if it is to be released and not known; the steps of others count as done.
fn read(
    reader: &Reader,
    job: &Job,
    destination: &dyn Destination,
    steps: usize,
    bar: &ProgressBar,
) -> Result<Original> {
    ensure!(job.decision == Decision::Release, "is skipped");
    let read = || {
        let bytes = reader.read(&job.input)?;
        Ok(match destination.examine(&bytes)? {
            Examined::Known(entry) => Original::Known(entry),
            Examined::Repeated(digest) => Original::Repeated(digest),
            Examined::New(digest) => Original::Picture(Box::new(reader.decode(&bytes)?), digest),
        })
    };
    let original = read();
    if !matches!(original, Ok(Original::Picture(..))) {
        bar.inc(steps as u64);
    }
    original
}

fn is_out_of_memory(error: &anyhow::Error) -> bool {
    error.downcast_ref::<activate::Error>().is_some_and(activate::Error::is_out_of_memory)
}

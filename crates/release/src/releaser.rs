//! Reading, activation and writing of images, batch by batch.
//!
//! Threads read and decode ahead of the activation, and another one encodes and writes behind it.

use std::{
    collections::HashSet,
    num::NonZeroUsize,
    sync::mpsc::{self, SyncSender},
    thread,
    time::Instant,
};

use activate::pixels::Depth;
use collection::Digest;
use describe::{AutoSizes, BatchSize, read_ahead, reading_threads};
use extractor::Extractor;
use image_file::Picture;
use index::Index;

use crate::{
    activation::Activation,
    batch::{Batch, Row, Writer},
    destination::Destination,
    error::Result,
    events::Events,
    job::{Decision, Job},
    options::Options,
    original::Original,
    pair::Keep,
    released_image::ReleasedImage,
};

/// Numbers of images activated at once.
const SIZES: AutoSizes = AutoSizes { shared: 1, first: 16, most: 64 };
/// Maximum number of decoded images that wait for the previous batch. Their pixels take far more memory than the network's
/// inputs.
const AHEAD: usize = 8;
/// Maximum number of activated batches that wait for being written.
const BEHIND: usize = 1;

/// Activates images for indexes, and hands the released files to their destination. Several threads may release at once.
pub struct Releaser<'a> {
    activation: Activation<'a>,
    own_memory: bool,
}

impl<'a> Releaser<'a> {
    /// Creates a releaser for `indexes`, of which the first is reported. `own_memory` tells whether the extractor's device is
    /// a GPU with memory of its own, on which [`describe::BatchRequest::Auto`] starts larger and grows.
    ///
    /// # Errors
    /// If `indexes` is empty, or an index does not fit the extractor or the settings.
    pub fn new(
        extractor: &'a Extractor,
        own_memory: bool,
        indexes: &'a [Index],
        options: Options,
    ) -> Result<Self> {
        let activation = Activation { extractor, indexes, options };
        activation.activator(Depth::Eight)?;
        Ok(Self { activation, own_memory })
    }

    /// Releases images to a destination. Returns one row for each job, in their order, and passes each pair to `keep`,
    /// including those of earlier runs. If the caller cancels, returns the rows of what was begun.
    ///
    /// # Errors
    /// If a thread cannot be started, or panics. A job that fails is reported in its row.
    pub fn release(
        &self,
        jobs: &[Job],
        destination: &dyn Destination,
        events: &dyn Events,
        keep: Option<Keep<'_>>,
    ) -> Result<Vec<ReleasedImage>> {
        let count = jobs.iter().filter(|job| job.decision == Decision::Release).count();
        events.begin(count.saturating_mul(self.activation.options.settings.iterations));
        let writer = Writer { activation: &self.activation, destination, events, keeps: keep.is_some() };
        let mut rows = Rows { rows: Vec::with_capacity(jobs.len()), keep, events };
        let done = self.release_to(&writer, jobs, &mut rows);
        events.end();
        done.map(|()| rows.rows)
    }

    /// Activates in this thread and writes in another one.
    fn release_to(&self, writer: &Writer<'_>, jobs: &[Job], rows: &mut Rows<'_, '_>) -> Result<()> {
        let (batches, activated) = mpsc::sync_channel(BEHIND);
        let (finished, finished_rows) = mpsc::channel();
        let write_all = move || {
            for batch in activated {
                // Without a receiver, the run has failed already.
                let _ = finished.send(writer.write(batch));
            }
        };
        thread::scope(|scope| {
            let writing = thread::Builder::new().spawn_scoped(scope, write_all);
            let writing = writing.map_err(describe::Error::from)?;
            let activated = self.activate_all(writer, jobs, batches, || rows.take(finished_rows.try_iter()));
            rows.take(finished_rows.iter());
            writing.join().map_err(|_| describe::Error::ThreadEnded)?;
            activated
        })
    }

    /// Reads and activates jobs, and sends them on in batches; calls `between` after each.
    fn activate_all<'j>(
        &self,
        writer: &Writer<'_>,
        jobs: &'j [Job],
        batches: SyncSender<Batch<'j>>,
        mut between: impl FnMut(),
    ) -> Result<()> {
        let (Options { batch, reader, .. }, events) = (&self.activation.options, writer.events);
        let mut batch_size = BatchSize::new(*batch, self.own_memory, SIZES);
        let (mut originals, mut begun) = (Vec::new(), HashSet::new());
        let (mut left, mut started) = (jobs, Instant::now());
        let ahead = NonZeroUsize::new(batch_size.get().min(AHEAD)).unwrap_or(NonZeroUsize::MIN);
        let take = |original: Result<Original>| {
            originals.push(self.admit(&left[originals.len()], original, &mut begun, events));
            if originals.len() < batch_size.get().min(left.len()) {
                return Ok(());
            }
            let (jobs, later) = left.split_at(originals.len());
            left = later;
            let originals = std::mem::take(&mut originals);
            let pictures: Vec<&Picture> = originals.iter().flatten().filter_map(Original::picture).collect();
            let activated = self.activation.activate(&pictures, &mut batch_size, events);
            let seconds = started.elapsed().as_secs_f64() / pictures.len().max(1) as f64;
            let sent = batches.send(Batch { jobs, originals, activated, seconds });
            sent.map_err(|_| describe::Error::ThreadEnded)?;
            started = Instant::now();
            between();
            if events.is_cancelled() { Err(Ended::Cancelled) } else { Ok(()) }
        };
        let read = |job: &Job| Original::read(job, reader, writer.destination);
        match read_ahead(jobs, reading_threads(), ahead, read, take) {
            Ok(()) | Err(Ended::Cancelled) => Ok(()),
            Err(Ended::Failed(error)) => Err(error.into()),
        }
    }

    /// Admits each original once. The steps of those that are not activated count as done.
    fn admit(
        &self,
        job: &Job,
        original: Result<Original>,
        begun: &mut HashSet<Digest>,
        events: &dyn Events,
    ) -> Result<Original> {
        let original = original.map(|original| original.unless_begun(begun));
        let is_activated = matches!(original, Ok(Original::Picture(..)));
        if job.decision == Decision::Release && !is_activated {
            events.advance(self.activation.options.settings.iterations);
        }
        original
    }
}

/// Reason why reading ended before the last job.
enum Ended {
    Cancelled,
    Failed(describe::Error),
}

impl From<describe::Error> for Ended {
    fn from(error: describe::Error) -> Self {
        Self::Failed(error)
    }
}

/// Rows in the order of the jobs, reported as they come.
struct Rows<'e, 'k> {
    rows: Vec<ReleasedImage>,
    keep: Option<Keep<'k>>,
    events: &'e dyn Events,
}

impl Rows<'_, '_> {
    fn take(&mut self, batches: impl Iterator<Item = Vec<Row>>) {
        for (row, pair) in batches.flatten() {
            self.events.finished(&row);
            self.rows.push(row);
            if let (Some(pair), Some(keep)) = (pair, &mut self.keep) {
                keep(pair);
            }
        }
    }
}

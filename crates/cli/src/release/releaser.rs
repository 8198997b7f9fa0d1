//! Reading, activation and writing of images, batch by batch.

use std::{num::NonZeroUsize, time::Instant};

use activate::{Activated, Activator, Settings, pixels::Depth};
use anyhow::{Context, Result};
use describe::{AutoSizes, BatchSize, read_ahead, reading_threads};
use extractor::Extractor;
use image::RgbImage;
use image_file::{Picture, Reader};
use index::Index;
use indicatif::ProgressBar;

use super::{
    options::Options,
    pixel_tensor,
    plan::{Decision, Job},
    released_image::{Figures, ReleasedImage},
};
use crate::{
    inputs::extractor::LoadedExtractor,
    session::{Session, output::one_line, progress, whole_file::write_whole},
};

/// Maximum number of pixels activated at once; each takes about 70 bytes.
const MAX_PIXELS_TOGETHER: u64 = 50_000_000;

/// Numbers of images activated at once.
const SIZES: AutoSizes = AutoSizes { shared: 1, first: 16, most: 64 };
/// Maximum number of decoded images that wait for the previous batch. Their pixels take far more memory than the network's
/// inputs.
const AHEAD: usize = 8;

/// Receiver of pairs.
pub type Keep<'a> = &'a mut dyn FnMut(Pair) -> Result<()>;

/// An original and its released image.
pub struct Pair {
    pub original: RgbImage,
    pub released: RgbImage,
}

/// Jobs to do at once.
struct Batch<'a> {
    jobs: &'a [Job],
    /// One per job.
    originals: Vec<Result<Picture>>,
    /// Time at which the work on these jobs began.
    started: Instant,
}

/// Activates images for indexes, and writes the released files.
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

    fn activator(&self, depth: Depth) -> Result<Activator<'a, Extractor>> {
        let (first, others) = self.indexes.split_first().context("no index to activate for")?;
        let settings = Settings { depth, ..self.options.settings };
        let activator = Activator::new(&self.loaded.extractor, first, settings)?;
        others.iter().try_fold(activator, |activator, index| Ok(activator.also_for(index)?))
    }

    /// Returns the depth of the released file of a picture.
    fn depth(&self, picture: &Picture) -> Depth {
        let is_deep = picture.pixels.is_deep() && self.options.encoding.keeps_depth();
        if is_deep { Depth::Sixteen } else { Depth::Eight }
    }

    /// Releases images. Returns one row for each job, in their order, and passes each pair to `keep`, including those of
    /// earlier runs.
    ///
    /// # Errors
    /// If `keep` fails. A job that fails is reported, and in its row.
    pub fn release(
        &self,
        jobs: &[Job],
        session: &Session,
        mut keep: Option<Keep<'_>>,
    ) -> Result<Vec<ReleasedImage>> {
        let count = jobs.iter().filter(|job| job.decision == Decision::Release).count();
        let steps = count.saturating_mul(self.options.settings.iterations);
        let bar = progress::bar(steps, "activating");
        let mut rows = Vec::with_capacity(jobs.len());
        let mut batch_size = BatchSize::new(self.options.batch, self.loaded.own_memory, SIZES);
        let (mut originals, mut started) = (Vec::new(), Instant::now());
        let ahead = NonZeroUsize::new(batch_size.get().min(AHEAD)).unwrap_or(NonZeroUsize::MIN);
        let take = |original: Result<Picture>| {
            originals.push(original);
            let batch = &jobs[rows.len()..rows.len() + originals.len()];
            if batch.len() < batch_size.get() && rows.len() + batch.len() < jobs.len() {
                return Ok(());
            }
            let batch = Batch { jobs: batch, originals: std::mem::take(&mut originals), started };
            for (row, pair) in self.release_batch(batch, &mut batch_size, &bar, keep.is_some()) {
                bar.suspend(|| session.notes(&row.input, &row.notes));
                if let Some(reason) = &row.error {
                    bar.suspend(|| session.failure(&row.input, reason));
                }
                rows.push(row);
                if let (Some(pair), Some(keep)) = (pair, &mut keep) {
                    keep(pair)?;
                }
            }
            started = Instant::now();
            anyhow::Ok(())
        };
        let reader = self.options.reader;
        read_ahead(jobs, reading_threads(), ahead, |job| read(&reader, job), take)?;
        bar.finish_and_clear();
        Ok(rows)
    }

    fn release_batch(
        &self,
        batch: Batch<'_>,
        batch_size: &mut BatchSize,
        bar: &ProgressBar,
        keeps: bool,
    ) -> Vec<(ReleasedImage, Option<Pair>)> {
        let Batch { jobs, originals, started } = batch;
        let readable: Vec<&Picture> = originals.iter().flatten().collect();
        let count = readable.len();
        let mut activated = self.activate(&readable, batch_size, bar).into_iter();
        let seconds = started.elapsed().as_secs_f64() / count.max(1) as f64;
        let finished = jobs.iter().zip(originals).map(|(job, original)| match &job.decision {
            Decision::Skip => {
                let pair = keeps.then(|| self.read_pair(job)).transpose()?;
                Ok((ReleasedImage::skipped(&job.input, &job.output), pair))
            }
            Decision::Refuse(reason) => Err(anyhow::anyhow!(reason.clone())),
            Decision::Release => original.and_then(|original| {
                let activated =
                    activated.next().unwrap_or_else(|| anyhow::bail!("activation returned no image"))?;
                self.finish(job, original, &activated, seconds, keeps)
            }),
        });
        let refused = |job: &Job, error| (ReleasedImage::refused(&job.input, one_line(&error)), None);
        finished.zip(jobs).map(|(done, job)| done.unwrap_or_else(|error| refused(job, error))).collect()
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

    /// Writes the strongest change that the limits allow. The figures are those of the file as read back.
    fn finish(
        &self,
        job: &Job,
        original: Picture,
        activated: &Activated,
        seconds: f64,
        keeps: bool,
    ) -> Result<(ReleasedImage, Option<Pair>)> {
        let Options { limits, encoding, reader, .. } = &self.options;
        let depth = self.depth(&original);
        let full = pixel_tensor::from_tensor(&activated.pixels, depth)?;
        let (file, released, measured) = limits.spend(&original.pixels, &full, |pixels| {
            let file = original.encode(pixels, *encoding)?;
            let read_back = reader.decode(&file.bytes)?.pixels;
            Ok((file, read_back))
        })?;
        write_whole(&job.output, |sink| sink.write_all(&file.bytes))?;
        let after = if released == full {
            activated.after
        } else {
            let pixels = pixel_tensor::to_tensor(&released, &self.loaded.device)?;
            self.activator(depth)?.position(&pixels, &activated.target)?
        };
        let (width, height) = original.dimensions();
        let figures = Figures {
            width,
            height,
            iterations: activated.trace.iterations,
            stopped: activated.trace.end.name(),
            seconds,
            cell: activated.cell,
            kept: activated.trace.kept,
            cosine_before: activated.before.cosine,
            cosine_after: after.cosine,
            distance_before: activated.before.distance,
            distance_after: after.distance,
            psnr: measured.psnr,
            ssim: measured.ssim,
            linf: measured.linf,
        };
        let notes = original.notes.into_iter().chain(file.notes).collect();
        let pair = || Pair { original: original.pixels.into_rgb8(), released: released.into_rgb8() };
        Ok((ReleasedImage::released(&job.input, &job.output, figures, notes), keeps.then(pair)))
    }

    /// Reads the pair of an image that an earlier run released.
    fn read_pair(&self, job: &Job) -> Result<Pair> {
        let read = |path| Ok::<_, image_file::Error>(self.options.reader.open(path)?.pixels.into_rgb8());
        Ok(Pair { original: read(&job.input)?, released: read(&job.output)? })
    }
}

/// Reads the job's image, if it is to be released.
fn read(reader: &Reader, job: &Job) -> Result<Picture> {
    match &job.decision {
        Decision::Release => Ok(reader.open(&job.input)?),
        _ => anyhow::bail!("is skipped"),
    }
}

fn is_out_of_memory(error: &anyhow::Error) -> bool {
    error.downcast_ref::<activate::Error>().is_some_and(activate::Error::is_out_of_memory)
}

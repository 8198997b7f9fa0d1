//! Reads, activates and writes images, batch by batch.

use std::time::Instant;

use activate::{Activated, Activator, Settings};
use anyhow::Result;
use extractor::Extractor;
use image::RgbImage;
use index::Index;
use indicatif::ProgressBar;

use super::{
    budget::Budget,
    jobs::{Decision, Job},
    row::{Figures, Row},
};
use crate::{
    args::{Activate, Format, Optimisation},
    engine::Engine,
    files::write_whole,
    images::{self, MAX_PIXELS},
    output::{Output, one_line},
    progress,
};

/// How images are released.
pub struct Options {
    pub settings: Settings,
    pub budget: Budget,
    pub format: Format,
    pub quality: u8,
    pub batch: usize,
}

impl From<&Activate> for Options {
    fn from(arguments: &Activate) -> Self {
        Self {
            settings: (&arguments.optimisation).into(),
            budget: Budget { min_psnr: arguments.min_psnr, min_ssim: arguments.min_ssim },
            format: arguments.format,
            quality: arguments.quality,
            batch: arguments.batch.get(),
        }
    }
}

impl From<&Optimisation> for Options {
    fn from(arguments: &Optimisation) -> Self {
        let settings = arguments.into();
        Self { settings, budget: Budget::default(), format: Format::Png, quality: 100, batch: 1 }
    }
}

impl From<&Optimisation> for Settings {
    fn from(arguments: &Optimisation) -> Self {
        let Optimisation { iterations, strength, target, seed } = *arguments;
        Self { iterations, strength, target, seed, ..Self::default() }
    }
}

/// What is done with each pair.
pub type Keep<'a> = &'a mut dyn FnMut(Pair) -> Result<()>;

/// An original beside what is released of it.
pub struct Pair {
    pub original: RgbImage,
    pub released: RgbImage,
}

pub struct Releaser<'a> {
    engine: &'a Engine,
    activator: Activator<'a, Extractor>,
    options: Options,
}

impl<'a> Releaser<'a> {
    pub fn new(engine: &'a Engine, index: &'a Index, options: Options) -> Result<Self> {
        let activator = Activator::new(&engine.extractor, index, options.settings)?;
        Ok(Self { engine, activator, options })
    }

    /// Does the jobs, one row each in their order, and hands each pair to `keep`, those of earlier runs too.
    pub fn release(&self, jobs: &[Job], output: &Output, mut keep: Option<Keep<'_>>) -> Result<Vec<Row>> {
        let count = jobs.iter().filter(|job| job.decision == Decision::Release).count();
        let steps = count.saturating_mul(self.options.settings.iterations);
        let bar = progress::bar(steps, "activating");
        let mut rows = Vec::with_capacity(jobs.len());
        for batch in jobs.chunks(self.options.batch) {
            for (row, pair) in self.release_batch(batch, &bar, keep.is_some()) {
                if let Some(reason) = &row.error {
                    bar.suspend(|| output.failure(&row.input, reason));
                }
                rows.push(row);
                if let (Some(pair), Some(keep)) = (pair, &mut keep) {
                    keep(pair)?;
                }
            }
        }
        bar.finish_and_clear();
        Ok(rows)
    }

    fn release_batch(&self, jobs: &[Job], bar: &ProgressBar, keeps: bool) -> Vec<(Row, Option<Pair>)> {
        let started = Instant::now();
        let originals: Vec<Result<RgbImage>> = jobs.iter().map(read).collect();
        let readable: Vec<&RgbImage> = originals.iter().flatten().collect();
        let count = readable.len();
        let mut activated = self.activate(&readable, bar).into_iter();
        let seconds = started.elapsed().as_secs_f64() / count.max(1) as f64;
        let finished = jobs.iter().zip(originals).map(|(job, original)| match &job.decision {
            Decision::Skip => {
                let pair = keeps.then(|| read_pair(job)).transpose()?;
                Ok((Row::skipped(&job.input, &job.output), pair))
            }
            Decision::Refuse(reason) => Err(anyhow::anyhow!(reason.clone())),
            Decision::Release => original.and_then(|original| {
                let activated = activated.next().unwrap_or_else(|| anyhow::bail!("was not activated"))?;
                let (released, mut figures) = self.finish(job, &original, &activated)?;
                figures.seconds = seconds;
                Ok((Row::released(&job.input, &job.output, figures), Some(Pair { original, released })))
            }),
        });
        let refused = |job: &Job, error| (Row::refused(&job.input, one_line(&error)), None);
        finished.zip(jobs).map(|(done, job)| done.unwrap_or_else(|error| refused(job, error))).collect()
    }

    /// Activates images together, in halves where they are too many pixels; where a batch fails, one by one, so
    /// that one does not spoil the others.
    fn activate(&self, originals: &[&RgbImage], bar: &ProgressBar) -> Vec<Result<Activated>> {
        let pixels: u64 =
            originals.iter().map(|image| u64::from(image.width()) * u64::from(image.height())).sum();
        if originals.len() > 1 && pixels > MAX_PIXELS {
            let (first, second) = originals.split_at(originals.len() / 2);
            return [first, second].into_iter().flat_map(|half| self.activate(half, bar)).collect();
        }
        match self.activate_together(originals, bar) {
            Ok(activated) => activated.into_iter().map(Ok).collect(),
            Err(error) if originals.len() == 1 => vec![Err(error)],
            Err(_) => originals.iter().flat_map(|&original| self.activate(&[original], bar)).collect(),
        }
    }

    fn activate_together(&self, originals: &[&RgbImage], bar: &ProgressBar) -> Result<Vec<Activated>> {
        let device = &self.engine.device;
        let tensors =
            originals.iter().map(|image| images::to_tensor(image, device)).collect::<Result<Vec<_>>>()?;
        Ok(self.activator.activate(&tensors, &mut |_| bar.inc(originals.len() as u64))?)
    }

    /// Writes the strongest change that the budget allows; figures are those of the file as read back.
    fn finish(&self, job: &Job, original: &RgbImage, activated: &Activated) -> Result<(RgbImage, Figures)> {
        let Options { budget, format, quality, settings, .. } = &self.options;
        let full = images::from_tensor(&activated.pixels)?;
        let (bytes, released, measured) = budget.spend(original, &full, |image| {
            let bytes = format.encode(image, *quality)?;
            let read_back = if format.is_lossy() { images::from_bytes(&bytes)? } else { image.clone() };
            Ok((bytes, read_back))
        })?;
        write_whole(&job.output, |file| file.write_all(&bytes))?;
        let after = if released == full {
            activated.after
        } else {
            let pixels = images::to_tensor(&released, &self.engine.device)?;
            self.activator.position(&pixels, &activated.target)?
        };
        let figures = Figures {
            width: original.width(),
            height: original.height(),
            iterations: settings.iterations,
            seconds: 0.0,
            cell: activated.before.cell,
            cosine_before: activated.before.cosine,
            cosine_after: after.cosine,
            distance_before: activated.before.distance,
            distance_after: after.distance,
            psnr: measured.psnr,
            ssim: measured.ssim,
            linf: measured.linf,
        };
        Ok((released, figures))
    }
}

/// What an earlier run released.
fn read_pair(job: &Job) -> Result<Pair> {
    Ok(Pair { original: images::read(&job.input)?, released: images::read(&job.output)? })
}

/// The job's image, unless it is not to be released.
fn read(job: &Job) -> Result<RgbImage> {
    match &job.decision {
        Decision::Release => images::read(&job.input),
        _ => anyhow::bail!("is not released"),
    }
}

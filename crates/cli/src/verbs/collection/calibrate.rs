//! `collection calibrate`: fits the E-values of `find` to a collection.

use std::{num::NonZeroUsize, path::Path, time::Instant};

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use collection::Collection;
use describe::{BatchRequest, read_ahead, reading_threads};
use find::{Calibration, Calibrator, Finder, Settings, report::CalibrationReport};
use image::RgbImage;
use image_file::{Reader, path_text};
use index::npy;
use serde::Serialize;

use crate::{
    args::CollectionCalibrate,
    inputs::{
        self, descriptor_file,
        extractor::LoadedExtractor,
        image_files::{self, Found, Input, LeftOut},
        query_picture,
    },
    report::{
        Report,
        table::{decimal, table},
    },
    session::{Outcome, Session, interrupt, output::one_line, progress},
    side_files::extractor_record::Source,
};

/// Pictures that are looked up together.
const BATCH: usize = 32;
/// Rows of a file that are looked up together.
const BLOCK: usize = 1024;
/// Largest number of the collection's entries that stand in for a background.
const OWN: usize = 1000;
/// E-values whose cosines are told.
const TOLD: [f64; 4] = [1e-6, 1e-3, 1e-2, 1.0];

/// A calibration, and what its E-values ask for.
#[derive(Serialize)]
struct CalibrateReport {
    collection: String,
    /// Live entries.
    entries: u64,
    looks: usize,
    nprobe: usize,
    calibration: CalibrationReport,
    thresholds: Vec<Threshold>,
    /// Background pictures that could not be read, and the reasons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed>,
}

/// Cosines that have an E-value without a look at the pictures; null if equal descriptors have a larger one.
#[derive(Serialize)]
struct Threshold {
    e_value: f64,
    /// With one look in one cell.
    first: Option<f32>,
    /// With all looks in all cells.
    all: Option<f32>,
}

#[derive(Serialize)]
struct Failed {
    input: String,
    error: String,
}

pub fn run(arguments: &CollectionCalibrate, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    let settings = arguments.bounds.settings();
    let (collection, calibration, failed, left_out) = calibrated(arguments, &settings, session)?;
    let outcome = Outcome::of(left_out.failed() || !failed.is_empty());
    let report = Report::new(report(&collection, &calibration, &settings, failed)?);
    let report = report.after(started.elapsed().as_secs_f64()).without(left_out);
    session.result(&report, || report.body.text() + &report.left_out_line())?;
    Ok(outcome)
}

/// Opens the collection, fits its calibration and keeps it.
fn calibrated(
    arguments: &CollectionCalibrate,
    settings: &Settings,
    session: &Session,
) -> Result<(Collection, Calibration, Vec<Failed>, LeftOut)> {
    let open = |device: Device| inputs::collection::open(&arguments.collection, &device, session);
    let made = inputs::collection::now();
    if arguments.inputs.is_empty() {
        let collection = open(session.device_for_files()?.device)?;
        let calibration = without_background(arguments, settings, &collection, made)?;
        return Ok((collection, calibration, Vec::new(), LeftOut::default()));
    }
    if let Some(file) = descriptor_file::only(&arguments.inputs)? {
        let collection = open(session.device_for_files()?.device)?;
        let mut calibrator = Calibrator::new(&collection, settings)?;
        add_descriptors(&mut calibrator, file, &collection)?;
        let calibration = keep(calibrator, made)?;
        return Ok((collection, calibration, Vec::new(), LeftOut::default()));
    }
    let Found { images, left_out } = image_files::find(&arguments.inputs, None, session)?;
    let loaded = LoadedExtractor::load(session)?;
    let collection = open(loaded.device.clone())?;
    inputs::collection::check_extractor(&collection, &loaded.record())?;
    let mut calibrator = Calibrator::new(&collection, settings)?;
    let failed = add_pictures(&mut calibrator, &images, &loaded, &(&arguments.reading).into(), session)?;
    let calibration = keep(calibrator, made)?;
    Ok((collection, calibration, failed, left_out))
}

/// Fits the laws to the background that is kept, or to the collection's own entries.
fn without_background(
    arguments: &CollectionCalibrate,
    settings: &Settings,
    collection: &Collection,
    made: i64,
) -> Result<Calibration> {
    if arguments.entries.is_none() {
        let _held = interrupt::hold_off();
        if let Some(calibration) = find::refit(collection, Some(settings), made)? {
            return Ok(calibration);
        }
    }
    let mut calibrator = Calibrator::new(collection, settings)?;
    calibrator.add_entries(arguments.entries.map_or(OWN, NonZeroUsize::get), arguments.seed)?;
    Ok(keep(calibrator, made)?)
}

/// Fits the laws and keeps them, without an interruption while they are written.
fn keep(calibrator: Calibrator<'_>, made: i64) -> find::Result<Calibration> {
    let _held = interrupt::hold_off();
    calibrator.keep(made)
}

fn add_descriptors(calibrator: &mut Calibrator, file: &Path, collection: &Collection) -> Result<()> {
    let named = || path_text(file);
    if let Some(record) = Source::descriptors(file)?.record {
        inputs::collection::check_extractor(collection, &record).with_context(named)?;
    }
    let blocks = npy::read_blocks(file, BLOCK)?;
    let bar = progress::bar(blocks.n(), "calibrating");
    for block in blocks {
        let (block, d) = (block?, collection.description().d);
        ensure!(block.d == d, "{}: has rows of {} values, and {d} are expected", named(), block.d);
        ensure!(
            block.values.iter().all(|value| value.is_finite()),
            "{}: has values that are not finite",
            named()
        );
        calibrator.add_descriptors(block.values.chunks_exact(d).map(<[f32]>::to_vec));
        bar.inc(block.n as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Adds background pictures; returns those that could not be read.
fn add_pictures(
    calibrator: &mut Calibrator,
    images: &[Input],
    loaded: &LoadedExtractor,
    reader: &Reader,
    session: &Session,
) -> Result<Vec<Failed>> {
    let bar = progress::bar(images.len(), "calibrating");
    let mut describer = loaded.describer(BatchRequest::Auto);
    let (mut failed, mut pictures, mut read) = (Vec::new(), Vec::new(), 0);
    let ahead = NonZeroUsize::new(BATCH).unwrap_or(NonZeroUsize::MIN);
    let open = |input: &Input| Ok::<_, image_file::Error>(query_picture(reader.open(&input.path)?.pixels));
    let take = |picture: Result<RgbImage, image_file::Error>| {
        let name = path_text(&images[read].path);
        read += 1;
        match picture {
            Ok(picture) => pictures.push(picture),
            Err(error) => {
                let error = one_line(&error.into());
                bar.suspend(|| session.failure(&name, &error));
                failed.push(Failed { input: name, error });
            }
        }
        if pictures.len() == BATCH || read == images.len() {
            calibrator.add_pictures(&std::mem::take(&mut pictures), &mut describer)?;
            bar.set_position(read as u64);
        }
        anyhow::Ok(())
    };
    read_ahead(images, reading_threads(), ahead, open, take)?;
    bar.finish_and_clear();
    Ok(failed)
}

fn report(
    collection: &Collection,
    calibration: &Calibration,
    settings: &Settings,
    failed: Vec<Failed>,
) -> Result<CalibrateReport> {
    let entries = collection.searchable()?;
    let nprobe = Finder::new(collection, settings.clone())?.settings().nprobe;
    let cosine = |e, looks, cells| {
        let is_reached = calibration.cosine_e(1.0, entries, looks, cells) <= e;
        is_reached.then(|| calibration.cosine_for(e, entries, looks, cells))
    };
    let threshold = |e_value| Threshold {
        e_value,
        first: cosine(e_value, 1, 1),
        all: cosine(e_value, settings.looks, nprobe),
    };
    Ok(CalibrateReport {
        collection: collection.description().location.clone(),
        entries,
        looks: settings.looks,
        nprobe,
        calibration: CalibrationReport::new(calibration, entries),
        thresholds: TOLD.map(threshold).into(),
        failed,
    })
}

impl CalibrateReport {
    /// Formats the report: what the calibration rests on, the cosines that E-values ask for, and what they promise.
    fn text(&self) -> String {
        let Self { collection, calibration, looks, nprobe, thresholds, .. } = self;
        let row = |threshold: &Threshold| {
            let Threshold { e_value, first, all } = threshold;
            let cosine = |cosine: &Option<f32>| decimal(cosine.map(f64::from), 3);
            vec![e_value.to_string(), cosine(first), cosine(all)]
        };
        let all = format!("{looks} looks in {nprobe} cells");
        let rows = table(&["E-value", "cosine, one look in one cell", &all], 0, thresholds.iter().map(row));
        format!(
            "{collection}: {calibration}\n{rows}\nOf queries that have no match, about one in 1,000 has a result with an E-value of at most 0.001."
        )
    }
}

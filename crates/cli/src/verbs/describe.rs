//! `describe`: computes descriptors of images.

use std::{fs, path::Path, time::Instant};

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor, TensorData};
use device_math::transfer::upload_rows;
use extractor::{Preprocess, Resize};
use image_file::{Reader, path_text};
use index::npy;
use object_files::is_address;
use serde::Serialize;
use shard::Shard;

use crate::{
    args::{Describe, ResizeMode},
    inputs::{
        extractor::LoadedExtractor,
        image_files::{self, Found, Input},
        sharding,
    },
    objects::objects,
    outputs::Outputs,
    report::{Report, table::table},
    session::{Outcome, Session, interrupt, output::one_line, progress, temporary_folder::TemporaryFolder},
    side_files::{
        entry_names,
        extractor_record::{self, ExtractorRecord},
    },
};

/// Described images.
#[derive(Serialize)]
struct DescribeReport {
    images: Vec<DescribedImage>,
}

/// Report on one image.
#[derive(Serialize)]
struct DescribedImage {
    input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Parts of the file that were ignored, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

pub fn run(arguments: &Describe, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    let shard = sharding::shard(&arguments.sharding, session)?;
    let out = sharding::file_of(shard, &arguments.out);
    let (found, others) = image_files::find(&arguments.inputs, None, session)?.in_shard(shard);
    let Found { images: inputs, left_out } = found;
    let outputs = Outputs::default().and_descriptors(&out);
    outputs.check(inputs.iter().chain(&others))?;
    let loaded = LoadedExtractor::load(session)?;
    let given = loaded.extractor.preprocess();
    let size = arguments.size.map_or(given.size, usize::from);
    let resize = arguments.resize.map_or(given.resize, Resize::from);
    let loaded = loaded.with_preprocess(Preprocess { size, resize, ..given });
    let (descriptors, rows) = described(&loaded, &inputs, arguments, session)?;

    let dimension = loaded.extractor.dimension();
    // The file of a shard tells that the shard is done, also if no image is in it, or all of them failed.
    if !descriptors.is_empty() || shard.is_some() {
        let _lock = if is_address(&out) { None } else { session.lock_output(&out)? };
        // Another program may have written a file of this name meanwhile.
        outputs.check(&inputs)?;
        write(&out, tensor(&descriptors, dimension), &rows, &loaded.record())?;
    }
    let outcome = Outcome::of(left_out.failed() || rows.iter().any(|row| row.error.is_some()));
    let seconds = started.elapsed().as_secs_f64();
    let run = [format!("{seconds:.1}"), loaded.device_name.clone()];
    let report = Report::new(DescribeReport { images: rows }).on(&loaded.device_name).after(seconds);
    let report = report.in_shard(shard).without(left_out);
    session.result(&report, || text(&report, (dimension, shard), run, &out))?;
    Ok(outcome)
}

impl From<ResizeMode> for Resize {
    fn from(mode: ResizeMode) -> Self {
        match mode {
            ResizeMode::Stretch => Self::Stretch,
            ResizeMode::ShortEdge => Self::ShortEdge,
        }
    }
}

/// Describes the images that can be read. Returns their descriptors and one row per image.
fn described(
    loaded: &LoadedExtractor,
    inputs: &[Input],
    arguments: &Describe,
    session: &Session,
) -> Result<(Vec<Vec<f32>>, Vec<DescribedImage>)> {
    let bar = progress::bar(inputs.len(), "describing");
    let reader = Reader::from(&arguments.reading);
    let (mut descriptors, mut rows) = (Vec::new(), Vec::with_capacity(inputs.len()));
    let advance = |_: &Input| {
        bar.inc(1);
        Ok(())
    };
    let take = |input: &Input, described: describe::Result<(Vec<f32>, Vec<String>)>| {
        let (descriptor, row) = DescribedImage::new(path_text(&input.path), described, descriptors.len());
        bar.suspend(|| row.report(session));
        descriptors.extend(descriptor);
        rows.push(row);
        anyhow::Ok(())
    };
    loaded.describer(arguments.batch).describe_files(&reader, inputs, advance, take)?;
    bar.finish_and_clear();
    Ok((descriptors, rows))
}

impl DescribedImage {
    /// Returns the descriptor, if there is one, and the row of an image.
    fn new(
        input: String,
        described: describe::Result<(Vec<f32>, Vec<String>)>,
        row: usize,
    ) -> (Option<Vec<f32>>, Self) {
        match described {
            Ok((descriptor, notes)) => (Some(descriptor), Self { input, row: Some(row), error: None, notes }),
            Err(error) => {
                let error = Some(one_line(&error.into()));
                (None, Self { input, row: None, error, notes: Vec::new() })
            }
        }
    }

    /// Reports the image on stderr.
    fn report(&self, session: &Session) {
        session.notes(&self.input, &self.notes);
        self.error.iter().for_each(|reason| session.failure(&self.input, reason));
    }
}

/// Returns descriptors as a tensor `[n, d]`; there may be none.
fn tensor(descriptors: &[Vec<f32>], d: usize) -> Tensor<2> {
    match descriptors {
        [] => Tensor::from_data(TensorData::new(Vec::<f32>::new(), [0, d]), &Device::flex()),
        rows => upload_rows(rows, &Device::flex()),
    }
}

/// Writes the descriptors `[n, d]`, the names of their rows and the record of the extractor.
fn write(
    out: &Path,
    descriptors: Tensor<2>,
    rows: &[DescribedImage],
    extractor: &ExtractorRecord,
) -> Result<()> {
    // A record is removed until it applies to the descriptors in the file.
    let record = extractor_record::of_descriptors(out);
    if !is_address(out) {
        extractor_record::replace(&record, None)?;
    }
    let paths = rows.iter().filter_map(|row| Some((row.row? as i64, row.input.clone())));
    entry_names::write(&entry_names::of_descriptors(out), "row", paths)?;
    write_descriptors(out, descriptors)?;
    extractor_record::replace(&record, Some(extractor))
}

/// Writes descriptors `[n, d]` to a file, or by way of a temporary one to an object store.
fn write_descriptors(out: &Path, descriptors: Tensor<2>) -> Result<()> {
    if is_address(out) {
        let folder = TemporaryFolder::new()?;
        let aside = folder.path().join("descriptors.npy");
        npy::write_tensor(&aside, descriptors)?;
        let bytes = fs::read(&aside).with_context(|| path_text(&aside))?;
        return objects().put(out, bytes).with_context(|| path_text(out));
    }
    let _held = interrupt::hold_off();
    Ok(npy::write_tensor(out, descriptors)?)
}

/// Formats the report; `run` holds seconds and device.
fn text(
    report: &Report<DescribeReport>,
    (dimension, shard): (usize, Option<Shard>),
    run: [String; 2],
    out: &Path,
) -> String {
    let images = &report.body.images;
    let described = images.iter().filter(|row| row.row.is_some()).count();
    let [seconds, device] = run;
    if let (0, Some(shard)) = (images.len(), shard) {
        return format!("shard {shard} holds none of the images{}", report.left_out());
    }
    if described == 0 {
        let (failed, file) = (images.len(), path_text(out));
        let written = if shard.is_some() { "has no rows" } else { "is not written" };
        return format!("nothing described, {failed} failed; {file} {written}{}", report.left_out());
    }
    let row = table(
        &["descriptors", "dimension", "failed", "seconds", "device", "file"],
        0,
        [vec![
            described.to_string(),
            dimension.to_string(),
            (images.len() - described).to_string(),
            seconds,
            device,
            path_text(out),
        ]],
    );
    format!("{row}{}", report.left_out_line())
}

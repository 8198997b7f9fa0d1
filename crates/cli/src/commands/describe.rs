//! `describe`: images to descriptors.

use std::time::Instant;

use anyhow::Result;
use burn::tensor::{Device, Tensor};
use device_math::transfer::upload_rows;
use extractor::{Preprocess, Resize};
use image_file::Reader;
use index::npy;
use serde::Serialize;

use crate::{
    Outcome,
    args::{Describe, Globals, ResizeMode},
    engine::Engine,
    images::{self, Input},
    interrupt, names,
    output::{Output, SCHEMA, one_line},
    progress,
    provenance::{self, Provenance},
    table,
};

/// What `--json` prints.
#[derive(Serialize)]
struct Document {
    schema: u32,
    device: String,
    seconds: f64,
    images: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What of the file was ignored, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

pub fn run(arguments: &Describe, globals: &Globals, output: &Output) -> Result<Outcome> {
    let started = Instant::now();
    let engine = Engine::start(globals, output)?;
    let given = engine.extractor.preprocess();
    let size = arguments.size.map_or(given.size, usize::from);
    let resize = arguments.resize.map_or(given.resize, Resize::from);
    let engine = engine.with_preprocess(Preprocess { size, resize, ..given });
    let inputs = images::find(&arguments.inputs, None)?;
    let (descriptors, rows) = described(&engine, &inputs, arguments, output)?;

    if !descriptors.is_empty() {
        write(arguments, upload_rows(&descriptors, &Device::flex()), &rows, &engine.provenance())?;
    }
    let outcome = Outcome::of(rows.iter().any(|row| row.error.is_some()));
    let seconds = started.elapsed().as_secs_f64();
    let document = Document { schema: SCHEMA, device: engine.device_name.clone(), seconds, images: rows };
    output.result(&document, || text(&document, engine.extractor.dimension(), arguments))?;
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
    engine: &Engine,
    inputs: &[Input],
    arguments: &Describe,
    output: &Output,
) -> Result<(Vec<Vec<f32>>, Vec<Row>)> {
    let bar = progress::bar(inputs.len(), "describing");
    let reader = Reader::from(&arguments.reading);
    let (mut descriptors, mut rows) = (Vec::new(), Vec::with_capacity(inputs.len()));
    let advance = |_: &Input| {
        bar.inc(1);
        Ok(())
    };
    let take = |input: &Input, described: describe::Result<(Vec<f32>, Vec<String>)>| {
        let (descriptor, row) = Row::new(input.path.display().to_string(), described, descriptors.len());
        bar.suspend(|| row.say(output));
        descriptors.extend(descriptor);
        rows.push(row);
        anyhow::Ok(())
    };
    engine.describer(arguments.batch).describe_files(&reader, inputs, advance, take)?;
    bar.finish_and_clear();
    Ok((descriptors, rows))
}

impl Row {
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

    fn say(&self, output: &Output) {
        output.notes(&self.input, &self.notes);
        self.error.iter().for_each(|reason| output.failure(&self.input, reason));
    }
}

fn write(arguments: &Describe, descriptors: Tensor<2>, rows: &[Row], made: &Provenance) -> Result<()> {
    // Until the descriptors are there, nothing is said of them.
    let record = provenance::of_descriptors(&arguments.out);
    provenance::replace(&record, None)?;
    let paths = rows.iter().filter_map(|row| Some((row.row? as i64, row.input.clone())));
    names::write(&names::of_descriptors(&arguments.out), "row", paths)?;
    let held = interrupt::hold_off();
    npy::write_tensor(&arguments.out, descriptors)?;
    drop(held);
    provenance::replace(&record, Some(made))
}

fn text(document: &Document, dimension: usize, arguments: &Describe) -> String {
    let described = document.images.iter().filter(|row| row.row.is_some()).count();
    table::table(
        &["descriptors", "dimension", "failed", "seconds", "device", "file"],
        0,
        [vec![
            described.to_string(),
            dimension.to_string(),
            (document.images.len() - described).to_string(),
            format!("{:.1}", document.seconds),
            document.device.clone(),
            arguments.out.display().to_string(),
        ]],
    )
}

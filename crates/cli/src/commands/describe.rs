//! `describe`: images to descriptors.

use std::time::Instant;

use activate::describe_prepared;
use anyhow::Result;
use burn::tensor::Tensor;
use extractor::{Preprocess, Resize};
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

#[derive(Serialize)]
struct Document {
    schema: u32,
    device: &'static str,
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
}

pub fn run(arguments: &Describe, globals: &Globals, output: &Output) -> Result<Outcome> {
    let started = Instant::now();
    let engine = Engine::start(globals, output)?;
    let given = engine.extractor.preprocess();
    let size = arguments.size.map_or(given.size, usize::from);
    let resize = arguments.resize.map_or(given.resize, Resize::from);
    let engine = engine.with_preprocess(Preprocess { size, resize, ..given });
    let inputs = images::find(&arguments.inputs, None)?;
    let (descriptors, rows) = describe(&engine, &inputs, arguments.batch.get(), output)?;

    if !descriptors.is_empty() {
        write(arguments, Tensor::cat(descriptors, 0), &rows, &engine.provenance())?;
    }
    let outcome = Outcome::of(rows.iter().any(|row| row.error.is_some()));
    let seconds = started.elapsed().as_secs_f64();
    let document = Document { schema: SCHEMA, device: engine.device_name, seconds, images: rows };
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

/// Descriptors of the images that can be read, batch by batch, and one row an image.
fn describe(
    engine: &Engine,
    inputs: &[Input],
    batch: usize,
    output: &Output,
) -> Result<(Vec<Tensor<2>>, Vec<Row>)> {
    let bar = progress::bar(inputs.len(), "describing");
    let (mut descriptors, mut rows, mut count) = (Vec::new(), Vec::with_capacity(inputs.len()), 0);
    for inputs in inputs.chunks(batch) {
        let mut prepared = Vec::with_capacity(inputs.len());
        for input in inputs {
            let read = images::read(&input.path).and_then(|image| engine.prepare(&image));
            rows.push(Row::new(input, &read, count + prepared.len()));
            match read {
                Ok(image) => prepared.push(image),
                Err(error) => {
                    bar.suspend(|| output.failure(&input.path.display().to_string(), &one_line(&error)));
                }
            }
        }
        count += prepared.len();
        if !prepared.is_empty() {
            descriptors.push(describe_prepared(&engine.extractor, prepared));
        }
        bar.inc(inputs.len() as u64);
    }
    bar.finish_and_clear();
    Ok((descriptors, rows))
}

impl Row {
    fn new(input: &Input, read: &Result<Tensor<4>>, row: usize) -> Self {
        let input = input.path.display().to_string();
        match read {
            Ok(_) => Self { input, row: Some(row), error: None },
            Err(error) => Self { input, row: None, error: Some(one_line(error)) },
        }
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
            document.device.to_owned(),
            arguments.out.display().to_string(),
        ]],
    )
}

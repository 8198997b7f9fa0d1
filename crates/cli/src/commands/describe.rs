//! `describe`: images to descriptors.

use std::{path::PathBuf, time::Instant};

use anyhow::{Result, ensure};
use burn::tensor::Tensor;
use image::RgbImage;
use index::npy;
use serde::Serialize;
use sscd::{Preprocess, Resize, Sscd};

use crate::{
    Outcome,
    args::{Describe, Globals, ResizeMode},
    engine::Engine,
    images::{self, Input},
    interrupt, names,
    output::{Output, SCHEMA, one_line},
    progress, table,
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
    input: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub fn run(arguments: &Describe, globals: &Globals, output: &Output) -> Result<Outcome> {
    let started = Instant::now();
    let preprocess = Preprocess { size: arguments.size.into(), resize: arguments.resize.into() };
    let engine = Engine::start(globals, output)?.with_preprocess(preprocess);
    let inputs = images::find(&arguments.inputs)?;
    let (descriptors, rows) = describe(&engine, &inputs, arguments.batch.get(), output)?;

    write(arguments, descriptors, &rows)?;
    let seconds = started.elapsed().as_secs_f64();
    let document = Document { schema: SCHEMA, device: engine.device_name, seconds, images: rows };
    output.result(&document, || text(&document, arguments))?;
    Ok(if document.images.iter().any(|row| row.error.is_some()) {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}

impl From<ResizeMode> for Resize {
    fn from(mode: ResizeMode) -> Self {
        match mode {
            ResizeMode::Stretch => Self::Stretch,
            ResizeMode::ShortEdge => Self::ShortEdge,
        }
    }
}

/// Descriptors of the images that can be read, and one row an image.
fn describe(
    engine: &Engine,
    inputs: &[Input],
    batch: usize,
    output: &Output,
) -> Result<(Tensor<2>, Vec<Row>)> {
    let bar = progress::bar(inputs.len(), "describing");
    let (mut parts, mut rows, mut count) = (Vec::new(), Vec::with_capacity(inputs.len()), 0);
    for inputs in inputs.chunks(batch) {
        let mut readable: Vec<RgbImage> = Vec::with_capacity(inputs.len());
        for input in inputs {
            let mut row = Row { input: input.path.clone(), row: None, error: None };
            match images::read(&input.path) {
                Ok(image) => {
                    row.row = Some(count + readable.len());
                    readable.push(image);
                }
                Err(error) => {
                    let reason = one_line(&error);
                    bar.suspend(|| output.failure(&input.path.display().to_string(), &reason));
                    row.error = Some(reason);
                }
            }
            rows.push(row);
        }
        count += readable.len();
        if !readable.is_empty() {
            parts.push(engine.describe(&readable.iter().collect::<Vec<_>>())?);
        }
        bar.inc(inputs.len() as u64);
    }
    bar.finish_and_clear();
    ensure!(count > 0, "none of the {} images could be read", inputs.len());
    Ok((Tensor::cat(parts, 0), rows))
}

fn write(arguments: &Describe, descriptors: Tensor<2>, rows: &[Row]) -> Result<()> {
    let paths = rows.iter().filter_map(|row| Some((row.row? as i64, row.input.display().to_string())));
    names::write(&names::beside(&arguments.out), "row", paths)?;
    let _held = interrupt::hold_off();
    npy::write_tensor(&arguments.out, descriptors)?;
    Ok(())
}

fn text(document: &Document, arguments: &Describe) -> String {
    let described = document.images.iter().filter(|row| row.row.is_some()).count();
    table::table(
        &["descriptors", "dimension", "failed", "seconds", "device", "file"],
        0,
        [vec![
            described.to_string(),
            Sscd::DIMENSION.to_string(),
            (document.images.len() - described).to_string(),
            format!("{:.1}", document.seconds),
            document.device.to_owned(),
            arguments.out.display().to_string(),
        ]],
    )
}

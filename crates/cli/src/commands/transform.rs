//! `transform`: one edit, for looking at it.

use anyhow::{Context, Result};
use image::ImageFormat;
use image_file::Reader;
use serde::Serialize;
use std::io::Cursor;

use crate::{
    Outcome,
    args::TransformArgs,
    files::write_whole,
    output::{Output, SCHEMA},
};

/// What `--json` prints.
#[derive(Serialize)]
struct Document {
    schema: u32,
    transform: String,
    output: String,
    width: u32,
    height: u32,
}

pub fn run(arguments: &TransformArgs, output: &Output) -> Result<Outcome> {
    let format = ImageFormat::from_path(&arguments.out)?;
    let read = Reader::from(&arguments.reading).open(&arguments.image);
    let image = read.with_context(|| arguments.image.display().to_string())?.pixels.into_rgb8();
    let edited = arguments.transform.apply(&image, arguments.seed)?;
    let mut bytes = Cursor::new(Vec::new());
    edited.write_to(&mut bytes, format)?;
    write_whole(&arguments.out, |file| file.write_all(bytes.get_ref()))?;
    let (width, height) = edited.dimensions();
    let (transform, file) = (arguments.transform.to_string(), arguments.out.display().to_string());
    let document = Document { schema: SCHEMA, transform, output: file, width, height };
    output.result(&document, || format!("{}: {width}x{height}", document.output))?;
    Ok(Outcome::Done)
}

//! `transform`: one edit, for looking at it.

use anyhow::{Context, Result};
use image::ImageFormat;
use image_file::Reader;
use serde::Serialize;
use std::{io::Cursor, path::Path};

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
    let format = format(&arguments.out)?;
    let named = || arguments.image.display().to_string();
    let read = Reader::from(&arguments.reading).open(&arguments.image).with_context(named)?;
    let edited = arguments.transform.apply(&read.pixels.into_rgb8(), arguments.seed).with_context(named)?;
    let mut bytes = Cursor::new(Vec::new());
    edited.write_to(&mut bytes, format).with_context(|| arguments.out.display().to_string())?;
    write_whole(&arguments.out, |file| file.write_all(bytes.get_ref()))?;
    let (width, height) = edited.dimensions();
    let (transform, file) = (arguments.transform.to_string(), arguments.out.display().to_string());
    let document = Document { schema: SCHEMA, transform, output: file, width, height };
    output.result(&document, || format!("{}: {width}x{height}", document.output))?;
    Ok(Outcome::Done)
}

/// The format that the file's ending names, if pictures can be written in it.
fn format(path: &Path) -> Result<ImageFormat> {
    let named = ImageFormat::from_path(path).ok().filter(|format| format.writing_enabled());
    named.with_context(|| {
        format!("{}: expected a name ending in .png, .jpg, .webp, .tiff, .bmp, .gif or .qoi", path.display())
    })
}

//! `transform`: one edit, for looking at it.

use anyhow::{Context, Result};
use image::ImageFormat;
use std::io::Cursor;

use crate::{Outcome, args::TransformArgs, files::write_whole, images};

pub fn run(arguments: &TransformArgs) -> Result<Outcome> {
    let format = ImageFormat::from_path(&arguments.out)?;
    let image = images::read(&arguments.image).with_context(|| arguments.image.display().to_string())?;
    let edited = arguments.transform.apply(&image, arguments.seed)?;
    let mut bytes = Cursor::new(Vec::new());
    edited.write_to(&mut bytes, format)?;
    write_whole(&arguments.out, |file| Ok(file.write_all(bytes.get_ref())?))?;
    Ok(Outcome::Done)
}

//! `transform`: applies one edit of the evaluation to an image.

use std::{io::Cursor, path::Path};

use anyhow::{Context, Result, ensure};
use image::ImageFormat;
use image_file::{Reader, path_text};
use serde::Serialize;

use crate::{
    args::TransformArgs,
    inputs::image_files::is_list,
    outputs::{Content, Outputs},
    report::Report,
    session::{Outcome, Session, whole_file::write_whole},
};

/// The edited image.
#[derive(Serialize)]
struct TransformReport {
    transform: String,
    output: String,
    width: u32,
    height: u32,
}

pub fn run(arguments: &TransformArgs, session: &Session) -> Result<Outcome> {
    let named = || path_text(&arguments.image);
    ensure!(
        !is_list(&arguments.image),
        "`{0}` stands for a list of files, but one image is edited: name it, or name a file called {0} as ./{0}",
        named()
    );
    let format = format(&arguments.out)?;
    Outputs::default().and(&arguments.out, Content::Image).check([&arguments.image])?;
    let read = Reader::from(&arguments.reading).open(&arguments.image).with_context(named)?;
    let edited = arguments.transform.apply(&read.pixels.into_rgb8(), arguments.seed).with_context(named)?;
    let mut bytes = Cursor::new(Vec::new());
    edited.write_to(&mut bytes, format).with_context(|| path_text(&arguments.out))?;
    write_whole(&arguments.out, |file| file.write_all(bytes.get_ref()))?;
    let (width, height) = edited.dimensions();
    let (transform, output) = (arguments.transform.to_string(), path_text(&arguments.out));
    let report = Report::new(TransformReport { transform, output, width, height });
    session.result(&report, || format!("{}: {width}x{height}", report.body.output))?;
    Ok(Outcome::Done)
}

/// Returns the format of a file's extension, if images can be written in it.
fn format(path: &Path) -> Result<ImageFormat> {
    let named = ImageFormat::from_path(path).ok().filter(|format| format.writing_enabled());
    named.with_context(|| {
        format!("{}: expected a name ending in .png, .jpg, .webp, .tiff, .bmp, .gif or .qoi", path_text(path))
    })
}

//! `cargo xtask views`: descriptors of random edits of photographs.

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use activate::{DescriptorNetwork, pixels};
use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use describe::{BatchRequest, Described, Describer, Input, Prepared};
use device_math::transfer::upload_rows;
use evaluation::Edit;
use extractor::Extractor;
use image::RgbImage;
use image_file::Reader;
use index::npy;
use indicatif::ProgressBar;

/// Photographs that may wait for the network.
const AHEAD: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Folder of photographs
    photos: PathBuf,
    /// Random edits of each
    #[arg(long, default_value = "4")]
    views: NonZeroUsize,
    /// Leave out photographs whose file name contains one of these, separated by commas
    #[arg(long, value_delimiter = ',')]
    without: Vec<String>,
    /// Descriptors, float32 [photographs * views, 512]
    #[arg(long)]
    out: PathBuf,
    /// Seed of the edits
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let device = Device::flex();
    let extractor = Extractor::load(&crate::fetch_weights::run(None)?, &device)?;
    let photos: Vec<(usize, PathBuf)> =
        list(&arguments.photos, &arguments.without)?.into_iter().enumerate().collect();
    let bar = ProgressBar::new(photos.len() as u64);
    let views = arguments.views.get() as u64;
    let prepare = |(i, path): &(usize, PathBuf)| {
        let first = arguments.seed + *i as u64 * views;
        inputs(&extractor, path, first..first + views)
    };
    let advance = |_: &(usize, PathBuf)| {
        bar.inc(1);
        Ok(())
    };
    let mut descriptors = Vec::new();
    let take = |_: &(usize, PathBuf), described: Result<Described<()>>| {
        descriptors.extend(described?.descriptors);
        anyhow::Ok(())
    };
    // The views of a photograph are a batch: their descriptors do not depend on those of others.
    let mut describer = Describer::new(&extractor, BatchRequest::Of(arguments.views), false);
    describer.stream(&photos, AHEAD, prepare, advance, take)?;
    bar.finish();
    println!("{} descriptors of {} photographs", descriptors.len(), photos.len());
    Ok(npy::write_tensor(&arguments.out, upload_rows(&descriptors, &device))?)
}

fn list(folder: &Path, without: &[String]) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.extension().is_some_and(|e| e == "jpg") && !without.iter().any(|part| name.contains(part))
    };
    paths.retain(wanted);
    paths.sort();
    ensure!(!paths.is_empty(), "no .jpg files in {}", folder.display());
    Ok(paths)
}

/// Reads a photograph and edits it by each of the seeds.
fn inputs(extractor: &Extractor, path: &Path, seeds: std::ops::Range<u64>) -> Result<Prepared<()>> {
    let read = Reader::default().open(path);
    let photo = read.with_context(|| path.display().to_string())?.pixels.into_rgb8();
    let view = |seed| input(extractor, &Edit::Auto.apply(&photo, seed)?);
    Ok(Prepared { note: (), inputs: seeds.map(view).collect::<Result<_>>()? })
}

fn input(extractor: &Extractor, image: &RgbImage) -> Result<Input> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let pixels = pixels::from_rgb8(image.as_raw(), width, height, &extractor.device())?;
    Ok(Input::Image(extractor.prepare(pixels)))
}

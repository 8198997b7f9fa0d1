//! `cargo xtask views`: descriptors of random edits of photographs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use activate::{DescriptorNetwork, describe_prepared, pixels};
use anyhow::{Context, Result, ensure};
use burn::tensor::{Device, Tensor};
use eval::Transform;
use extractor::Extractor;
use image::RgbImage;
use image_file::Reader;
use index::npy;
use indicatif::ProgressIterator;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Folder of photographs
    photos: PathBuf,
    /// Random edits of each
    #[arg(long, default_value_t = 4)]
    views: u64,
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
    let photos = list(&arguments.photos, &arguments.without)?;
    let mut descriptors = Vec::new();
    for (i, path) in photos.iter().enumerate().progress() {
        let read = Reader::default().open(path);
        let photo = read.with_context(|| path.display().to_string())?.pixels.into_rgb8();
        let first = arguments.seed + i as u64 * arguments.views;
        let edits = (first..first + arguments.views).map(|seed| Ok(Transform::Auto.apply(&photo, seed)?));
        descriptors.push(describe(&extractor, &edits.collect::<Result<Vec<_>>>()?, &device)?);
    }
    let descriptors = Tensor::cat(descriptors, 0);
    println!("{} descriptors of {} photographs", descriptors.dims()[0], photos.len());
    Ok(npy::write_tensor(&arguments.out, descriptors)?)
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

fn describe(extractor: &Extractor, images: &[RgbImage], device: &Device) -> Result<Tensor<2>> {
    let pixels = |image: &RgbImage| {
        let (width, height) = (image.width() as usize, image.height() as usize);
        Ok(extractor.prepare(pixels::from_rgb8(image.as_raw(), width, height, device)?))
    };
    Ok(describe_prepared(extractor, images.iter().map(pixels).collect::<Result<_>>()?))
}

//! Image files in and out.

use std::{
    collections::BTreeSet,
    io::{Cursor, Write},
    path::{Path, PathBuf},
};

use activate::pixels;
use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{Device, Tensor};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage, Rgba, imageops};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use walkdir::WalkDir;

use crate::args::Format;

/// Larger images are refused: activation holds about 300 bytes a pixel.
const MAX_PIXELS: u64 = 50_000_000;
/// Memory that decoding one image may take.
const MAX_DECODER_BYTES: u64 = 1 << 30;
/// Endings of the files that are taken from folders.
const ENDINGS: [&str; 10] = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "qoi", "jfif"];

/// An image file to work on, and what it is called below its folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Input {
    pub path: PathBuf,
    pub name: PathBuf,
}

/// Files named by the caller, and all images below the folders among them, sorted.
pub fn find(inputs: &[PathBuf]) -> Result<Vec<Input>> {
    let mut found = Vec::new();
    for input in inputs {
        if input.is_dir() {
            found.extend(below(input)?);
        } else {
            let name = input.file_name().with_context(|| format!("{} is no file", input.display()))?;
            found.push(Input { path: input.clone(), name: name.into() });
        }
    }
    ensure!(!found.is_empty(), "no images in {}", list(inputs));
    let mut seen = BTreeSet::new();
    found.retain(|input| seen.insert(input.path.clone()));
    Ok(found)
}

fn below(folder: &Path) -> Result<BTreeSet<Input>> {
    let mut found = BTreeSet::new();
    for entry in WalkDir::new(folder) {
        let path = entry?.into_path();
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        if path.is_file() && ending.is_some_and(|e| ENDINGS.contains(&e.as_str())) {
            let name = path.strip_prefix(folder)?.to_owned();
            found.insert(Input { path, name });
        }
    }
    Ok(found)
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The image of a file: upright, without transparency, 8 bits a channel.
pub fn read(path: &Path) -> Result<RgbImage> {
    let file = std::fs::File::open(path)?;
    ensure!(file.metadata()?.is_file(), "is no file");
    ensure!(file.metadata()?.len() > 0, "the file is empty");
    decode(ImageReader::new(std::io::BufReader::new(file)))
}

fn decode<R: std::io::BufRead + std::io::Seek>(reader: ImageReader<R>) -> Result<RgbImage> {
    let mut reader = reader.with_guessed_format()?;
    ensure!(reader.format().is_some(), "is no image of a known format");
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    let count = u64::from(width) * u64::from(height);
    ensure!(count > 0, "is {width} x {height} pixels");
    ensure!(count <= MAX_PIXELS, "is {width} x {height} pixels, more than the {MAX_PIXELS} that are allowed");
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(on_white(image))
}

/// The image in RGB, transparent parts shown on white.
fn on_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let mut canvas = image::RgbaImage::from_pixel(image.width(), image.height(), Rgba([255; 4]));
    imageops::overlay(&mut canvas, &image.into_rgba8(), 0, 0);
    DynamicImage::ImageRgba8(canvas).into_rgb8()
}

/// The image as a tensor `[1, 3, h, w]` in [0, 1].
pub fn to_tensor(image: &RgbImage, device: &Device) -> Result<Tensor<4>> {
    Ok(pixels::from_rgb8(image.as_raw(), image.width() as usize, image.height() as usize, device)?)
}

/// A tensor `[1, 3, h, w]` as an image.
pub fn from_tensor(tensor: &Tensor<4>) -> Result<RgbImage> {
    let [_, _, height, width] = tensor.dims();
    let bytes = pixels::to_rgb8(tensor)?;
    RgbImage::from_raw(width as u32, height as u32, bytes).context("an image changed its size")
}

impl Format {
    /// Ending of file names.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }

    /// Whether a file holds other pixels than it was given.
    pub fn is_lossy(self) -> bool {
        self == Self::Jpeg
    }

    /// The bytes of a file.
    pub fn encode(self, image: &RgbImage, quality: u8) -> Result<Vec<u8>> {
        let mut bytes = Cursor::new(Vec::new());
        match self {
            Self::Png => image.write_to(&mut bytes, ImageFormat::Png)?,
            Self::Webp => image.write_to(&mut bytes, ImageFormat::WebP)?,
            Self::Jpeg => encode_jpeg(image, quality, &mut bytes)?,
        }
        Ok(bytes.into_inner())
    }
}

fn encode_jpeg(image: &RgbImage, quality: u8, sink: &mut dyn Write) -> Result<()> {
    let (Ok(width), Ok(height)) = (u16::try_from(image.width()), u16::try_from(image.height())) else {
        bail!("{} x {} pixels are too many for JPEG, use --format png", image.width(), image.height());
    };
    let mut encoder = Encoder::new(sink, quality);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    Ok(encoder.encode(image.as_raw(), width, height, ColorType::Rgb)?)
}

/// The image of a file in memory.
pub fn from_bytes(bytes: &[u8]) -> Result<RgbImage> {
    decode(ImageReader::new(Cursor::new(bytes)))
}

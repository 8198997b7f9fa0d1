//! Image files in and out.

use std::{
    collections::BTreeSet,
    fs,
    io::{Cursor, Write},
    path::{Path, PathBuf},
};

use activate::pixels;
use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{Device, Tensor};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage, Rgba, imageops};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use walkdir::{DirEntry, WalkDir};

use crate::args::Format;

/// Larger images are refused: activation holds about 110 bytes a pixel.
pub const MAX_PIXELS: u64 = 50_000_000;
/// Longer images are refused: the weights of their resize take a kilobyte a pixel of the side.
const MAX_SIDE: u32 = 1 << 16;
/// Larger files are refused.
const MAX_FILE_BYTES: u64 = 1 << 30;
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
///
/// Folders below `except` are left out: an earlier run's results are no originals.
pub fn find(inputs: &[PathBuf], except: Option<&Path>) -> Result<Vec<Input>> {
    let except = except.and_then(|folder| folder.canonicalize().ok());
    let mut found = Vec::new();
    for input in inputs {
        if input.is_dir() {
            found.extend(below(input, except.as_deref())?);
        } else {
            let name = input.file_name().with_context(|| format!("{} is no file", input.display()))?;
            found.push(Input { path: input.clone(), name: name.into() });
        }
    }
    ensure!(!found.is_empty(), "no images in {}", list(inputs));
    let mut seen = BTreeSet::new();
    found.retain(|input| seen.insert(input.path.canonicalize().unwrap_or_else(|_| input.path.clone())));
    Ok(found)
}

fn below(folder: &Path, except: Option<&Path>) -> Result<BTreeSet<Input>> {
    let mut found = BTreeSet::new();
    let is_excepted = |entry: &DirEntry| {
        entry.depth() > 0
            && except.is_some_and(|except| entry.path().canonicalize().is_ok_and(|p| p == except))
    };
    for entry in WalkDir::new(folder).into_iter().filter_entry(|entry| !is_excepted(entry)) {
        let path = match entry {
            Ok(entry) => entry.into_path(),
            // Reading it will fail again, and say why beside its name.
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                found.insert(Input { name: path.clone(), path });
                continue;
            }
        };
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
    let about = fs::metadata(path)?;
    ensure!(about.is_file(), "is no regular file");
    ensure!(about.len() > 0, "the file is empty");
    ensure!(
        about.len() <= MAX_FILE_BYTES,
        "has {} bytes, more than the {MAX_FILE_BYTES} allowed",
        about.len()
    );
    from_bytes(&fs::read(path)?)
}

/// The image of a file in memory.
pub fn from_bytes(bytes: &[u8]) -> Result<RgbImage> {
    ensure!(!is_cut_jpeg(bytes), "the JPEG data ends too early");
    decode(ImageReader::new(Cursor::new(bytes)))
}

/// Whether a JPEG file lacks the end of its last scan; the decoder would fill the rest with grey. Inside a scan no
/// 0xFF byte is followed by one of these markers' codes.
fn is_cut_jpeg(bytes: &[u8]) -> bool {
    const START_OF_IMAGE: [u8; 2] = [0xFF, 0xD8];
    const START_OF_SCAN: [u8; 2] = [0xFF, 0xDA];
    const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];
    let last = |marker: [u8; 2]| bytes.windows(2).rposition(|pair| pair == marker);
    bytes.starts_with(&START_OF_IMAGE) && last(END_OF_IMAGE) < last(START_OF_SCAN)
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
    let longest = width.max(height);
    ensure!(longest <= MAX_SIDE, "is {width} x {height} pixels, longer than the {MAX_SIDE} that are allowed");
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

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn photo() -> RgbImage {
        RgbImage::from_fn(40, 24, |x, y| Rgb([(x * 6) as u8, (y * 10) as u8, (x * y) as u8]))
    }

    #[test]
    fn lossless_formats_give_back_the_same_pixels() {
        for format in [Format::Png, Format::Webp] {
            assert_eq!(from_bytes(&format.encode(&photo(), 50).unwrap()).unwrap(), photo(), "{format:?}");
        }
        assert_ne!(from_bytes(&Format::Jpeg.encode(&photo(), 50).unwrap()).unwrap(), photo());
    }

    #[test]
    fn a_jpeg_cut_anywhere_is_an_error() {
        let whole = Format::Jpeg.encode(&photo(), 90).unwrap();
        for length in 1..whole.len() - 1 {
            assert!(from_bytes(&whole[..length]).is_err(), "{length} of {}", whole.len());
        }
        assert!(from_bytes(&[&whole[..], b"trailing bytes"].concat()).is_ok());
    }

    #[test]
    fn transparent_parts_are_shown_on_white() {
        let mut image = image::RgbaImage::from_pixel(2, 1, Rgba([10, 20, 30, 255]));
        image.put_pixel(1, 0, Rgba([10, 20, 30, 0]));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
        let read = from_bytes(bytes.get_ref()).unwrap();
        assert_eq!((read.get_pixel(0, 0).0, read.get_pixel(1, 0).0), ([10, 20, 30], [255; 3]));
    }

    #[test]
    fn earlier_results_and_repetitions_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("activated");
        fs::create_dir(&out).unwrap();
        for path in [folder.path().join("a.PNG"), folder.path().join("note.txt"), out.join("a.png")] {
            fs::write(path, b"x").unwrap();
        }
        let inputs = [folder.path().to_owned(), folder.path().join("a.PNG")];
        let found = find(&inputs, Some(&out)).unwrap();
        assert_eq!(found.iter().map(|input| input.name.as_path()).collect::<Vec<_>>(), [Path::new("a.PNG")]);
        assert_eq!(find(&inputs, None).unwrap().len(), 2);
    }
}

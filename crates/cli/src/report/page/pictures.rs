//! Pictures embedded in a page.

use std::io::Cursor;

use anyhow::Result;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, codecs::jpeg::JpegEncoder, imageops::FilterType};

/// Longest side of a picture, in pixels.
const THUMBNAIL: u32 = 320;
/// Amplification of differences.
const AMPLIFICATION: i32 = 20;
/// Caption of a difference.
pub const DIFFERENCE: &str = "difference x20";
/// JPEG quality of compact pictures.
const QUALITY: u8 = 88;

/// Pictures of one released image, as addresses with the data.
pub struct Pictures {
    original: String,
    released: String,
    difference: String,
}

impl Pictures {
    /// Encodes without loss, for pages with few images.
    pub fn new(original: &RgbImage, released: &RgbImage) -> Result<Self> {
        Self::with(original, released, png)
    }

    /// Encodes in a tenth of the bytes.
    pub fn compact(original: &RgbImage, released: &RgbImage) -> Result<Self> {
        Self::with(original, released, jpeg)
    }

    fn with(
        original: &RgbImage,
        released: &RgbImage,
        encode: fn(&DynamicImage) -> Result<String>,
    ) -> Result<Self> {
        Ok(Self {
            original: encode(&small(original))?,
            released: encode(&small(released))?,
            difference: encode(&small(&amplify(original, released)))?,
        })
    }

    /// Returns captions and addresses.
    pub fn all(&self) -> [(&str, &str); 3] {
        [("original", &self.original), ("released", &self.released), (DIFFERENCE, &self.difference)]
    }
}

/// Encodes one picture compactly, as an address with the data.
pub fn thumbnail(image: &RgbImage) -> Result<String> {
    jpeg(&small(image))
}

/// Adds the amplified difference to mid-grey.
fn amplify(original: &RgbImage, released: &RgbImage) -> RgbImage {
    let level = |a: u8, b: u8| (128 + AMPLIFICATION * (i32::from(b) - i32::from(a))).clamp(0, 255) as u8;
    RgbImage::from_fn(original.width(), original.height(), |x, y| {
        let (a, b) = (original.get_pixel(x, y), released.get_pixel(x, y));
        Rgb(std::array::from_fn(|c| level(a[c], b[c])))
    })
}

fn small(image: &RgbImage) -> DynamicImage {
    let image = DynamicImage::ImageRgb8(image.clone());
    if image.width().max(image.height()) > THUMBNAIL {
        image.resize(THUMBNAIL, THUMBNAIL, FilterType::CatmullRom)
    } else {
        image
    }
}

fn png(image: &DynamicImage) -> Result<String> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(data_uri("png", bytes.get_ref()))
}

fn jpeg(image: &DynamicImage) -> Result<String> {
    let mut bytes = Vec::new();
    image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
    Ok(data_uri("jpeg", &bytes))
}

fn data_uri(kind: &str, bytes: &[u8]) -> String {
    format!("data:image/{kind};base64,{}", BASE64_STANDARD.encode(bytes))
}

//! Pictures inside a page.

use std::io::Cursor;

use anyhow::Result;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, codecs::jpeg::JpegEncoder, imageops::FilterType};

/// Longest side of the pictures on the page, in pixels.
const THUMBNAIL: u32 = 320;
/// How much the difference is amplified.
const AMPLIFICATION: i32 = 20;
/// What the caption of a difference says.
pub const DIFFERENCE: &str = "difference x20";
/// Quality of pictures that are many.
const QUALITY: u8 = 88;

/// The pictures of one released image, as they stand on the page.
pub struct Pictures {
    original: String,
    released: String,
    difference: String,
}

impl Pictures {
    /// Without loss, for pages of a few images.
    pub fn new(original: &RgbImage, released: &RgbImage) -> Result<Self> {
        Self::with(original, released, png)
    }

    /// In a tenth of the bytes.
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

    /// Captions and addresses.
    pub fn all(&self) -> [(&str, &str); 3] {
        [("original", &self.original), ("released", &self.released), (DIFFERENCE, &self.difference)]
    }
}

/// One picture, in few bytes.
pub fn thumbnail(image: &RgbImage) -> Result<String> {
    jpeg(&small(image))
}

/// Mid-grey plus the amplified difference.
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

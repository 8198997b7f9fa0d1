//! Decoded pictures: pixels, transparency and metadata.

use image::{DynamicImage, ImageBuffer, Rgb, RgbImage};

use crate::{Error, Format, Metadata, Result};

/// RGB image with 16 bits per channel.
pub type Rgb16Image = ImageBuffer<Rgb<u16>, Vec<u16>>;

/// RGB pixels in sRGB, with the bit depth of their file.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// 8 bits per channel.
    Eight(RgbImage),
    /// 16 bits per channel.
    Sixteen(Rgb16Image),
}

/// An image as a viewer shows it, with the metadata and the transparency of its file.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Upright pixels in sRGB, with transparent parts shown on the background.
    pub pixels: Pixels,
    /// Colour and alpha behind the pixels, if some are transparent.
    pub transparency: Option<Transparency>,
    /// Metadata of the file, adapted to the pixels: EXIF and XMP describe them as upright. The profile is sRGB if the
    /// pixels were converted, the file's own if it is sRGB up to rounding, and absent otherwise.
    pub metadata: Metadata,
    /// The file's format.
    pub format: Format,
    /// Ignored parts of the file, one sentence each.
    pub notes: Vec<String>,
}

/// Colour and alpha of a picture with transparent parts.
#[derive(Debug, Clone)]
pub struct Transparency {
    /// RGBA with 8 or 16 bits per channel, upright, in sRGB, alpha not premultiplied.
    pub(crate) straight: DynamicImage,
    /// Colour of the background, 8 bits per channel.
    pub(crate) background: [u8; 3],
}

impl Pixels {
    /// Width and height in pixels.
    pub fn dimensions(&self) -> (u32, u32) {
        match self {
            Self::Eight(image) => image.dimensions(),
            Self::Sixteen(image) => image.dimensions(),
        }
    }

    /// The pixels rounded to 8 bits per channel.
    pub fn to_rgb8(&self) -> RgbImage {
        match self {
            Self::Eight(image) => image.clone(),
            Self::Sixteen(image) => rounded(image),
        }
    }

    /// The pixels rounded to 8 bits per channel, without a copy if they already have 8.
    pub fn into_rgb8(self) -> RgbImage {
        match self {
            Self::Eight(image) => image,
            Self::Sixteen(image) => rounded(&image),
        }
    }

    /// Returns true for 16 bits per channel.
    pub fn is_deep(&self) -> bool {
        matches!(self, Self::Sixteen(_))
    }
}

/// Rounds to the nearest of 256 levels; 65535 is 255 * 257.
fn rounded(image: &Rgb16Image) -> RgbImage {
    let level = |value: u16| ((u32::from(value) + 128) / 257) as u8;
    let (width, height) = image.dimensions();
    let bytes = image.as_raw().iter().map(|&value| level(value)).collect();
    RgbImage::from_raw(width, height, bytes).expect("as many bytes as there were samples")
}

impl Picture {
    /// Width and height of the upright image, in pixels.
    pub fn dimensions(&self) -> (u32, u32) {
        self.pixels.dimensions()
    }

    /// RGBA of a released image that looks like `shown` on the background as closely as its alpha, that of the
    /// original, allows. Fully transparent pixels keep their original colour. `None` for a picture without
    /// transparency.
    ///
    /// # Errors
    /// If `shown` has another size.
    pub(crate) fn restore(&self, shown: &Pixels) -> Result<Option<DynamicImage>> {
        let (found, expected) = (shown.dimensions(), self.dimensions());
        if found != expected {
            return Err(Error::SizeMismatch { found, expected });
        }
        Ok(self.transparency.as_ref().map(|transparency| transparency.under(shown)))
    }
}

impl Transparency {
    /// The pixels as shown on the background.
    pub(crate) fn shown(&self) -> Pixels {
        let background = self.background.map(f32::from);
        match &self.straight {
            DynamicImage::ImageRgba16(image) => {
                let background = background.map(|level| level * 257.0);
                Pixels::Sixteen(ImageBuffer::from_fn(image.width(), image.height(), |x, y| {
                    let [colour @ .., alpha] = image.get_pixel(x, y).0;
                    let share = f32::from(alpha) / 65535.0;
                    Rgb(std::array::from_fn(|c| blend(f32::from(colour[c]), background[c], share) as u16))
                }))
            }
            other => {
                let image = other.to_rgba8();
                Pixels::Eight(RgbImage::from_fn(image.width(), image.height(), |x, y| {
                    let [colour @ .., alpha] = image.get_pixel(x, y).0;
                    let share = f32::from(alpha) / 255.0;
                    Rgb(std::array::from_fn(|c| blend(f32::from(colour[c]), background[c], share) as u8))
                }))
            }
        }
    }

    /// RGBA with the original's alpha that is shown as `shown`.
    fn under(&self, shown: &Pixels) -> DynamicImage {
        let background = self.background.map(f32::from);
        match (shown, &self.straight) {
            (Pixels::Sixteen(shown), DynamicImage::ImageRgba16(straight)) => {
                let mut released = straight.clone();
                let pixels = released.pixels_mut().zip(shown.pixels());
                for (pixel, shown) in pixels.filter(|(pixel, _)| pixel[3] > 0) {
                    let share = f32::from(pixel[3]) / 65535.0;
                    for c in 0..3 {
                        let colour = unblend(f32::from(shown[c]), background[c] * 257.0, share);
                        pixel[c] = colour.clamp(0.0, 65535.0) as u16;
                    }
                }
                DynamicImage::ImageRgba16(released)
            }
            (shown, straight) => {
                let (mut released, shown) = (straight.to_rgba8(), shown.to_rgb8());
                let pixels = released.pixels_mut().zip(shown.pixels());
                for (pixel, shown) in pixels.filter(|(pixel, _)| pixel[3] > 0) {
                    let share = f32::from(pixel[3]) / 255.0;
                    for c in 0..3 {
                        let colour = unblend(f32::from(shown[c]), background[c], share);
                        pixel[c] = colour.clamp(0.0, 255.0) as u8;
                    }
                }
                DynamicImage::ImageRgba8(released)
            }
        }
    }
}

/// Blends a colour with the background, `share` being its alpha; rounded.
fn blend(colour: f32, background: f32, share: f32) -> f32 {
    (share * colour + (1.0 - share) * background).round()
}

/// The colour that [`blend`] maps to `shown`, rounded but not clamped.
fn unblend(shown: f32, background: f32, share: f32) -> f32 {
    ((shown - (1.0 - share) * background) / share).round()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgba, RgbaImage};

    fn picture(straight: RgbaImage, background: [u8; 3]) -> Picture {
        let transparency = Transparency { straight: DynamicImage::ImageRgba8(straight), background };
        let (metadata, format) = (Metadata::default(), Format::Png);
        let pixels = transparency.shown();
        Picture { pixels, transparency: Some(transparency), metadata, format, notes: Vec::new() }
    }

    #[test]
    fn released_colours_show_the_given_pixels_and_keep_alpha() {
        let alphas = RgbaImage::from_fn(256, 1, |x, _| Rgba([200, 100, 30, x as u8]));
        for background in [[255; 3], [0, 40, 90]] {
            let original = picture(alphas.clone(), background);
            let mut wanted = original.pixels.to_rgb8();
            wanted.pixels_mut().for_each(|pixel| pixel.0 = pixel.0.map(|v| v.saturating_sub(3)));
            let released = original.restore(&Pixels::Eight(wanted.clone())).unwrap().unwrap().into_rgba8();
            assert!(released.pixels().zip(alphas.pixels()).all(|(a, b)| a[3] == b[3]));
            assert_eq!(released.get_pixel(0, 0), alphas.get_pixel(0, 0), "a fully transparent pixel changed");
            let shown = picture(released, background).pixels.to_rgb8();
            for (x, (found, wanted)) in shown.pixels().zip(wanted.pixels()).enumerate().skip(64) {
                let difference = (0..3).map(|c| found[c].abs_diff(wanted[c])).max().unwrap();
                // Half a level each from rounding the colour and the blend; no colour is out of range here.
                assert!(difference <= 1, "alpha {x}: {found:?} for {wanted:?}");
            }
        }
    }

    #[test]
    fn sixteen_bits_round_to_the_nearest_level() {
        let levels = Rgb16Image::from_fn(256, 1, |x, _| Rgb([(x * 257) as u16; 3]));
        let rounded = Pixels::Sixteen(levels).to_rgb8();
        assert!(rounded.pixels().enumerate().all(|(x, pixel)| pixel.0 == [x as u8; 3]));
        let half = Rgb16Image::from_pixel(1, 1, Rgb([128, 129, 65535]));
        assert_eq!(Pixels::Sixteen(half).to_rgb8().get_pixel(0, 0).0, [0, 1, 255]);
    }
}

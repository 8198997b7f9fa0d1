//! Pixels from samples: levels of any depth, palettes, YCbCr, inks and premultiplied alpha.

use image::{DynamicImage, ImageBuffer};

use super::{
    layout::{Alpha, INKS, Layout, PALETTE, WHITE_IS_ZERO, YCBCR, name},
    samples::Samples,
    unsupported,
};
use crate::{Error, Format, Result, colour::Decoded, decode::jpeg::rgb_of_ycc};

/// Pixels of an image, whose `palette` has all reds, then all greens, then all blues.
///
/// # Errors
/// If the palette is missing or too short, or the depth is not one of these colours.
pub(super) fn pixels(layout: &Layout, samples: Samples, palette: &[u16]) -> Result<Decoded> {
    match (layout.photometric, samples) {
        (PALETTE, Samples::Eight(samples)) => looked_up(layout, &samples, palette),
        (PALETTE | YCBCR, Samples::Sixteen(_)) => {
            Err(unsupported(format!("{} of {} bits", name(layout.photometric), layout.bits)))
        }
        (_, Samples::Eight(samples)) => eight(layout, stretched_to_8(layout, samples)),
        (_, Samples::Sixteen(samples)) => sixteen(layout, stretched_to_16(layout, samples)),
    }
}

/// Stretches samples of fewer bits to 8, and lets grey count from black.
fn stretched_to_8(layout: &Layout, mut samples: Vec<u8>) -> Vec<u8> {
    let top = 255_u32 >> (8 - layout.bits);
    if layout.bits < 8 {
        samples.iter_mut().for_each(|v| *v = ((u32::from(*v) * 255 + top / 2) / top) as u8);
    }
    if layout.photometric == WHITE_IS_ZERO {
        samples.iter_mut().step_by(usize::from(layout.kept())).for_each(|v| *v = 255 - *v);
    }
    samples
}

/// Stretches samples of fewer bits to 16, and lets grey count from black.
fn stretched_to_16(layout: &Layout, mut samples: Vec<u16>) -> Vec<u16> {
    let top = 65_535_u32 >> (16 - layout.bits);
    if layout.bits < 16 {
        samples.iter_mut().for_each(|v| *v = ((u32::from(*v) * 65_535 + top / 2) / top) as u16);
    }
    if layout.photometric == WHITE_IS_ZERO {
        samples.iter_mut().step_by(usize::from(layout.kept())).for_each(|v| *v = 65_535 - *v);
    }
    samples
}

fn looked_up(layout: &Layout, samples: &[u8], palette: &[u16]) -> Result<Decoded> {
    let colours = 1_usize << layout.bits;
    if palette.len() < 3 * colours {
        return Err(Error::damaged(Format::Tiff)(format!("a palette of {} values", palette.len())));
    }
    let level = |index: u8, c: usize| (palette[c * colours + usize::from(index)] >> 8) as u8;
    let top = 255_u32 >> (8 - layout.bits);
    let pixel = |pixel: &[u8]| {
        let rgb = [0, 1, 2].map(|c| level(pixel[0], c));
        rgb.into_iter().chain(pixel.get(1).map(|&alpha| (u32::from(alpha) * 255 / top) as u8))
    };
    let channels = samples.chunks_exact(usize::from(layout.kept())).flat_map(pixel).collect();
    let image = if layout.alpha.is_some() {
        DynamicImage::ImageRgba8(buffer(layout, channels)?)
    } else {
        DynamicImage::ImageRgb8(buffer(layout, channels)?)
    };
    Ok(Decoded::Image(unmultiplied(layout, image)))
}

fn eight(layout: &Layout, samples: Vec<u8>) -> Result<Decoded> {
    let [width, height] = layout.size;
    let image = match (layout.photometric, layout.kept()) {
        (INKS, _) => return Ok(Decoded::Cmyk { width, height, inks: samples }),
        (YCBCR, _) => {
            let rgb = samples.as_chunks().0.iter().flat_map(|&pixel| rgb_of_ycc(pixel)).collect();
            DynamicImage::ImageRgb8(buffer(layout, rgb)?)
        }
        (_, 1) => DynamicImage::ImageLuma8(buffer(layout, samples)?),
        (_, 2) => DynamicImage::ImageLumaA8(buffer(layout, samples)?),
        (_, 3) => DynamicImage::ImageRgb8(buffer(layout, samples)?),
        _ => DynamicImage::ImageRgba8(buffer(layout, samples)?),
    };
    Ok(Decoded::Image(unmultiplied(layout, image)))
}

fn sixteen(layout: &Layout, samples: Vec<u16>) -> Result<Decoded> {
    let [width, height] = layout.size;
    let image = match (layout.photometric, layout.kept()) {
        (INKS, _) => {
            // 16-bit inks are rare, and a profile's table does not preserve their precision.
            let inks = samples.into_iter().map(|ink| (ink >> 8) as u8).collect();
            return Ok(Decoded::Cmyk { width, height, inks });
        }
        (_, 1) => DynamicImage::ImageLuma16(buffer(layout, samples)?),
        (_, 2) => DynamicImage::ImageLumaA16(buffer(layout, samples)?),
        (_, 3) => DynamicImage::ImageRgb16(buffer(layout, samples)?),
        _ => DynamicImage::ImageRgba16(buffer(layout, samples)?),
    };
    Ok(Decoded::Image(unmultiplied(layout, image)))
}

/// Divides premultiplied colours by their alpha.
fn unmultiplied(layout: &Layout, mut image: DynamicImage) -> DynamicImage {
    if layout.alpha != Some(Alpha::Premultiplied) {
        return image;
    }
    match &mut image {
        DynamicImage::ImageRgba8(image) => image.pixels_mut().for_each(|pixel| divide_8(&mut pixel.0)),
        DynamicImage::ImageLumaA8(image) => image.pixels_mut().for_each(|pixel| divide_8(&mut pixel.0)),
        DynamicImage::ImageRgba16(image) => image.pixels_mut().for_each(|pixel| divide_16(&mut pixel.0)),
        DynamicImage::ImageLumaA16(image) => image.pixels_mut().for_each(|pixel| divide_16(&mut pixel.0)),
        _ => {}
    }
    image
}

fn divide_8(pixel: &mut [u8]) {
    let Some((&mut alpha @ 1.., colours)) = pixel.split_last_mut() else { return };
    let alpha = u32::from(alpha);
    colours.iter_mut().for_each(|v| *v = ((u32::from(*v) * 255 + alpha / 2) / alpha).min(255) as u8);
}

fn divide_16(pixel: &mut [u16]) {
    let Some((&mut alpha @ 1.., colours)) = pixel.split_last_mut() else { return };
    let alpha = u64::from(alpha);
    colours.iter_mut().for_each(|v| *v = ((u64::from(*v) * 65_535 + alpha / 2) / alpha).min(65_535) as u16);
}

fn buffer<P: image::Pixel>(
    layout: &Layout,
    samples: Vec<P::Subpixel>,
) -> Result<ImageBuffer<P, Vec<P::Subpixel>>> {
    let damaged = || Error::damaged(Format::Tiff)("fewer samples than pixels".to_owned());
    ImageBuffer::from_raw(layout.size[0], layout.size[1], samples).ok_or_else(damaged)
}

//! Colour conversions of JFIF in libjpeg's fixed point.

use image::RgbImage;

use super::plane::Plane;

const BITS: u32 = 16;
const HALF: i32 = 1 << (BITS - 1);

const fn fix(value: f64) -> i32 {
    (value * (1 << BITS) as f64 + 0.5) as i32
}

/// Weights of red, green and blue in a colour difference.
pub(super) type Difference = [i32; 3];

pub(super) const BLUE: Difference = [-fix(0.16874), -fix(0.33126), fix(0.5)];
pub(super) const RED: Difference = [fix(0.5), -fix(0.41869), -fix(0.08131)];

fn weigh([r, g, b]: [u8; 3], weights: [i32; 3]) -> i32 {
    weights[0] * i32::from(r) + weights[1] * i32::from(g) + weights[2] * i32::from(b)
}

/// Returns the level of a colour difference, 128 for greys.
pub(super) fn difference(pixel: [u8; 3], weights: Difference) -> i32 {
    (weigh(pixel, weights) + (128 << BITS) + HALF - 1) >> BITS
}

pub(super) fn luma(image: &RgbImage) -> Plane {
    let last = image.width() - 1;
    Plane::new(image.width() as usize, image.height() as usize, |y, row| {
        for (x, level) in row.iter_mut().enumerate() {
            let pixel = image.get_pixel((x as u32).min(last), y as u32).0;
            *level = ((weigh(pixel, [fix(0.299), fix(0.587), fix(0.114)]) + HALF) >> BITS) as u8;
        }
    })
}

/// Converts luma, blue and red difference to a colour.
pub(super) fn rgb([luma, blue, red]: [u8; 3]) -> [u8; 3] {
    let (luma, blue, red) = (i32::from(luma), i32::from(blue) - 128, i32::from(red) - 128);
    [
        luma + ((fix(1.402) * red + HALF) >> BITS),
        luma + ((-fix(0.34414) * blue - fix(0.71414) * red + HALF) >> BITS),
        luma + ((fix(1.772) * blue + HALF) >> BITS),
    ]
    .map(|level| level.clamp(0, 255) as u8)
}

//! Text drawn on an image.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, OutlinedGlyph, ScaleFont, point};
use image::{Rgb, RgbImage};
use rand::{RngExt, SeedableRng, distr::Alphanumeric, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::canvas::{Area, blend};

/// Liberation Sans Bold, SIL Open Font License 1.1 (`assets/`).
static FONT: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(include_bytes!("../../assets/LiberationSans-Bold.ttf"))
        .expect("the bundled font is a font")
});

/// Em size at which a line is measured before it is scaled to fit.
const MEASURING_EM: f32 = 100.0;

/// Draws 4 to 12 random letters and digits, within 10 to 25 % of the height and 40 to 90 % of the width.
pub(super) fn overlay(image: &RgbImage, seed: u64) -> RgbImage {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let length = rng.random_range(4..=12);
    let line: String = (0..length).map(|_| char::from(rng.sample(Alphanumeric))).collect();
    // One channel full and one empty: a vivid colour is legible on most photographs.
    let mut colour = [255, 0, rng.random()];
    colour.shuffle(&mut rng);
    let (width, height) = (image.width() as f32, image.height() as f32);
    let (share_x, share_y): (f32, f32) = (rng.random_range(0.4..0.9), rng.random_range(0.1..0.25));
    let (width, height, spare_x, spare_y) =
        (width * share_x, height * share_y, width * (1.0 - share_x), height * (1.0 - share_y));
    let (x, y) = (spare_x * rng.random_range(0.0..1.0), spare_y * rng.random_range(0.0..1.0));
    let mut edited = image.clone();
    draw(&mut edited, &line, Area { x, y, width, height }, Rgb(colour));
    edited
}

/// Draws `line` in the centre of `area`, as large as fits.
pub(super) fn draw(image: &mut RgbImage, line: &str, area: Area, colour: Rgb<u8>) {
    let measured = ink(&outline(line, MEASURING_EM));
    let scale = (area.width / measured.width).min(area.height / measured.height);
    let glyphs = outline(line, MEASURING_EM * scale);
    let ink = ink(&glyphs);
    let x = (area.x + (area.width - ink.width) / 2.0 - ink.x).round();
    let y = (area.y + (area.height - ink.height) / 2.0 - ink.y).round();
    for glyph in &glyphs {
        stamp(image, glyph, x, y, colour);
    }
}

/// Returns the visible glyphs of `line` side by side, with the base line at 0.
fn outline(line: &str, em: f32) -> Vec<OutlinedGlyph> {
    let font = FONT.as_scaled(em);
    let mut pen = 0.0;
    line.chars()
        .filter_map(|letter| {
            let glyph = font.glyph_id(letter).with_scale_and_position(em, point(pen, 0.0));
            pen += font.h_advance(glyph.id);
            font.outline_glyph(glyph)
        })
        .collect()
}

/// Returns the bounding box of the glyphs, at least one pixel on each side.
fn ink(glyphs: &[OutlinedGlyph]) -> Area {
    let bounds = || glyphs.iter().map(OutlinedGlyph::px_bounds);
    let x = bounds().map(|b| b.min.x).fold(f32::INFINITY, f32::min);
    let y = bounds().map(|b| b.min.y).fold(f32::INFINITY, f32::min);
    let right = bounds().map(|b| b.max.x).fold(f32::NEG_INFINITY, f32::max);
    let bottom = bounds().map(|b| b.max.y).fold(f32::NEG_INFINITY, f32::max);
    Area { x, y, width: (right - x).max(1.0), height: (bottom - y).max(1.0) }
}

fn stamp(image: &mut RgbImage, glyph: &OutlinedGlyph, x: f32, y: f32, colour: Rgb<u8>) {
    let corner = glyph.px_bounds().min;
    let (left, top) = ((corner.x + x) as i64, (corner.y + y) as i64);
    glyph.draw(|dx, dy, coverage| {
        let place = (u32::try_from(left + i64::from(dx)), u32::try_from(top + i64::from(dy)));
        if let (Ok(x), Ok(y)) = place
            && let Some(pixel) = image.get_pixel_mut_checked(x, y)
        {
            blend(pixel, colour, coverage.min(1.0));
        }
    });
}

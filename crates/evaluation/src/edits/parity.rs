//! Edits against pictures of torchvision, Pillow and AugLy, which `tests/golden/make_transforms.py` makes.

use std::{
    collections::BTreeSet,
    io::{Cursor, Read},
};

use image::{ImageFormat, RgbImage, imageops};
use zip::ZipArchive;

use super::{edit::Edit, emoji, geometry, warp};

const GOLDEN: &[u8] = include_bytes!("../../tests/golden/transforms.zip");

/// Least share of the pixels that are within one level in every channel. Both sides round to levels, and sums in another
/// order or constants of another precision may round to the neighbouring level.
const LEAST: f64 = 0.99;

/// Step at which pixels of the screenshot are kept.
const EVERY: u32 = 6;

fn read(name: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(GOLDEN)).unwrap();
    let mut bytes = Vec::new();
    archive.by_name(name).unwrap_or_else(|e| panic!("{name}: {e}")).read_to_end(&mut bytes).unwrap();
    bytes
}

fn picture(name: &str) -> RgbImage {
    let bytes = read(&format!("{name}.webp"));
    image::load_from_memory_with_format(&bytes, ImageFormat::WebP).unwrap().into_rgb8()
}

fn names() -> Vec<String> {
    let archive = ZipArchive::new(Cursor::new(GOLDEN)).unwrap();
    archive.file_names().filter_map(|name| Some(name.ok()?.strip_suffix(".webp")?.to_owned())).collect()
}

fn agreement(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let close =
        |(a, b): &(&image::Rgb<u8>, &image::Rgb<u8>)| a.0.iter().zip(b.0).all(|(a, b)| a.abs_diff(b) <= 1);
    a.pixels().zip(b.pixels()).filter(close).count() as f64 / f64::from(a.width() * a.height())
}

/// Returns the pictures of the zip that deterministic edits make, as (photo, edit).
fn named() -> Vec<(String, Edit)> {
    let split = |name: &String| {
        let (photo, edit) = name.split_once('/')?;
        Some((photo.to_owned(), edit.parse().ok()?))
    };
    names().iter().filter_map(split).collect()
}

#[test]
fn deterministic_edits_match() {
    let mut failures = Vec::new();
    for (photo, edit) in named() {
        let mut edited = edit.apply(&picture(&format!("{photo}/input")), 0).unwrap();
        if edit == Edit::Screenshot {
            let (width, height) = (edited.width().div_ceil(EVERY), edited.height().div_ceil(EVERY));
            edited = RgbImage::from_fn(width, height, |x, y| edited[(EVERY * x, EVERY * y)]);
        }
        let agreement = agreement(&edited, &picture(&format!("{photo}/{edit}")));
        if agreement < LEAST {
            failures.push(format!("{photo}, {edit}: {agreement}"));
        }
    }
    assert!(failures.is_empty(), "shares of the pixels that agree: {failures:#?}");
}

/// JPEG is libjpeg's arithmetic bit for bit; dithering carries every rounding on, so it agrees everywhere or nowhere.
#[test]
fn jpeg_and_palette_are_the_same() {
    let exact = |edit: &Edit| matches!(edit, Edit::Jpeg { .. } | Edit::Palette);
    let compared: Vec<_> = named().into_iter().filter(|(_, edit)| exact(edit)).collect();
    assert!(compared.len() >= 20, "{compared:?}");
    for (photo, edit) in compared {
        let edited = edit.apply(&picture(&format!("{photo}/input")), 0).unwrap();
        assert!(edited == picture(&format!("{photo}/{edit}")), "{photo}, {edit}");
    }
}

/// Every deterministic edit is in the zip, so that the comparison above covers it.
#[test]
fn every_deterministic_edit_has_a_golden_picture() {
    let compared: BTreeSet<String> = named().into_iter().map(|(_, edit)| edit.to_string()).collect();
    let drawn = ["auto", "meme", "text", "emoji", "perspective", "shuffle", "offcentre"];
    for edit in Edit::full().into_iter().chain(Edit::paper()).chain(Edit::hard()) {
        let name = edit.to_string();
        assert!(compared.contains(&name) || drawn.contains(&edit.name()), "{name} is not compared");
    }
    for known in Edit::known() {
        let name = known.split('=').next().unwrap();
        let swept = compared.iter().any(|edit| edit.split('=').next() == Some(name));
        assert!(swept || drawn.contains(&name), "{name} is not compared");
    }
}

/// Compares `edit` of each photo and the numbers drawn for the edits called `name`. Returns the number of pictures.
fn each_draw(name: &str, edit: impl Fn(&RgbImage, &[f32]) -> RgbImage) -> usize {
    let draws = String::from_utf8(read("draws.tsv")).unwrap();
    let rows = draws.lines().map(|row| row.split('\t').collect::<Vec<_>>());
    let mut count = 0;
    for row in rows.filter(|row| row[1].starts_with(name)) {
        let numbers: Vec<f32> = row[2..].iter().map(|number| number.parse().unwrap()).collect();
        let edited = edit(&picture(&format!("{}/input", row[0])), &numbers);
        let agreement = agreement(&edited, &picture(&format!("{}/{}", row[0], row[1])));
        assert!(agreement >= LEAST, "{}, {}: {agreement} of the pixels agree", row[0], row[1]);
        count += 1;
    }
    count
}

#[test]
fn perspective_matches_for_the_same_corners() {
    let compared = each_draw("perspective", |photo, corners| {
        warp::project(photo, std::array::from_fn(|i| (corners[2 * i], corners[2 * i + 1]))).unwrap()
    });
    assert_eq!(compared, 6);
}

#[test]
fn off_centre_crops_match_at_the_same_place() {
    let compared = each_draw("offcentre", |photo, drawn| {
        geometry::crop_at(photo, drawn[0], drawn[1] as u32, drawn[2] as u32)
    });
    assert_eq!(compared, 6);
}

/// Every place inside the image is drawn, the borders too.
#[test]
fn off_centre_crops_reach_every_place() {
    let photo = RgbImage::from_fn(4, 3, |x, y| image::Rgb([x as u8, y as u8, 0]));
    let corner = |seed| geometry::off_centre_crop(&photo, 0.25, seed)[(0, 0)].0;
    let corners: BTreeSet<[u8; 3]> = (0..200).map(corner).collect();
    assert_eq!(corners.len(), 3 * 3, "a crop of 2x1 pixels has 3x3 places: {corners:?}");
}

#[test]
fn emoji_match_at_the_same_place() {
    let compared = each_draw("emoji", |photo, drawn| {
        let [number, side, x, y] = [0, 1, 2, 3].map(|i| drawn[i] as u32);
        emoji::paste(photo, &emoji::Place { number, side, corner: (x, y) }).unwrap()
    });
    assert_eq!(compared, 6);
}

/// The letters are of another font and fill the banner a little less; the rest is the same.
#[test]
fn meme_has_the_same_layout() {
    let theirs = picture("meme");
    let photo = imageops::crop_imm(&theirs, 0, 45, 200, 150).to_image();
    let ours = Edit::Meme.apply(&photo, 0).unwrap();
    assert_eq!(ours.dimensions(), theirs.dimensions());
    assert_eq!(imageops::crop_imm(&ours, 0, 45, 200, 150).to_image(), photo);
    let [(left, top, right, bottom), (x, y, far_x, far_y)] = [&ours, &theirs].map(ink);
    for (ours, theirs) in [(left + right, x + far_x), (top + bottom, y + far_y)] {
        assert!(ours.abs_diff(theirs) <= 16, "twice the middle of the caption: {ours}, {theirs}");
    }
    let (height, their_height) = (bottom - top, far_y - y);
    assert!((0.7..1.5).contains(&(f64::from(height) / f64::from(their_height))), "{height}, {their_height}");
}

/// Returns left, top, right and bottom of the dark pixels in a banner of 45 rows.
fn ink(meme: &RgbImage) -> (u32, u32, u32, u32) {
    let dark = meme.enumerate_pixels().filter(|(_, y, pixel)| *y < 45 && pixel.0[0] < 128);
    dark.fold((u32::MAX, u32::MAX, 0, 0), |(left, top, right, bottom), (x, y, _)| {
        (left.min(x), top.min(y), right.max(x), bottom.max(y))
    })
}

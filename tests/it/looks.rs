//! Looks at edited samples: the geometry of each edit is recovered.

use evaluation::Edit;
use image::RgbImage;
use looks::{Frame, plan};

use crate::fixtures::root;

/// Looks that a search takes at most.
const LOOKS: usize = 8;

/// Returns the samples, at most 700 pixels a side.
fn samples() -> Vec<(String, RgbImage)> {
    let files = std::fs::read_dir(root().join("samples")).unwrap().map(|file| file.unwrap().path());
    let mut photos: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "jpg")).collect();
    photos.sort();
    assert_eq!(photos.len(), 20);
    let read = |path: std::path::PathBuf| {
        let photo = image::open(&path).unwrap().thumbnail(700, 700).into_rgb8();
        (path.file_stem().unwrap().to_string_lossy().into_owned(), photo)
    };
    photos.into_iter().map(read).collect()
}

/// Returns left, top, right and bottom of a frame in pixels.
fn bounds(frame: &Frame, edited: &RgbImage) -> [f32; 4] {
    let corners = frame.corners().map(|[x, y]| [x * edited.width() as f32, y * edited.height() as f32]);
    let by =
        |i: usize, fold: fn(f32, f32) -> f32| corners.iter().map(|corner| corner[i]).reduce(fold).unwrap();
    [by(0, f32::min), by(1, f32::min), by(0, f32::max), by(1, f32::max)]
}

/// Returns the samples of which none of the first `looks` looks shows the rectangle that `place` tells to `pixels`, with how
/// far the nearest is off.
fn missed(
    looks: usize,
    pixels: f32,
    edit: impl Fn(&RgbImage) -> RgbImage,
    place: impl Fn(&RgbImage) -> [f32; 4],
) -> Vec<(String, f32)> {
    let off = |(name, photo): (String, RgbImage)| {
        let (edited, place) = (edit(&photo), place(&photo));
        let distance = |bounds: [f32; 4]| (0..4).map(|i| (bounds[i] - place[i]).abs()).fold(0.0, f32::max);
        let shown = plan(&edited, looks).into_iter().map(|look| distance(bounds(&look.frame(), &edited)));
        (name, shown.fold(f32::INFINITY, f32::min))
    };
    samples().into_iter().map(off).filter(|(_, off)| *off > pixels).collect()
}

#[test]
fn the_photo_below_a_caption_is_found() {
    let banner = |photo: &RgbImage| (photo.height() as f32 * 0.3).round();
    let place =
        |photo: &RgbImage| [0.0, banner(photo), photo.width() as f32, photo.height() as f32 + banner(photo)];
    let missed = missed(4, 3.0, |photo| Edit::Meme.apply(photo, 0).unwrap(), place);
    // The white sky of the dandelions runs into the white banner.
    assert!(missed.iter().all(|(name, _)| name == "06_dandelions"), "{missed:?}");
}

#[test]
fn the_photo_in_a_screenshot_is_found() {
    let place = |photo: &RgbImage| {
        let (width, height) = (photo.width() as f32, photo.height() as f32);
        let factor = (780.0 / width).min(600.0 / height);
        let (width, height) = ((width * factor).floor(), (height * factor).floor());
        let (left, top) = (24.0 + ((780.0 - width) / 2.0).floor(), 516.0 + ((600.0 - height) / 2.0).floor());
        [left, top, left + width, top + height]
    };
    // On a screen of 828 x 1472; dark borders run into the black of the post.
    let missed = missed(4, 10.0, |photo| Edit::Screenshot.apply(photo, 0).unwrap(), place);
    assert!(missed.len() <= 1, "{missed:?}");
}

#[test]
fn the_photo_between_bars_is_found() {
    let square = |photo: &RgbImage| Edit::PadSquare.apply(photo, 0).unwrap();
    let place = |photo: &RgbImage| {
        let (width, height) = (photo.width() as f32, photo.height() as f32);
        let side = width.max(height);
        let (x, y) = ((side - width) / 2.0, (side - height) / 2.0);
        [x, y, x + width, y + height]
    };
    let missed = missed(3, 3.0, square, place);
    assert!(missed.is_empty(), "{missed:?}");
}

/// A sample turned by an angle has a look whose corners are the photo's, in its order.
#[test]
fn a_turned_photo_is_turned_back() {
    let mut missed = Vec::new();
    for (n, (name, photo)) in samples().into_iter().enumerate() {
        let degrees = [5.0, 15.0, 25.0, 45.0, -10.0, -33.0, 90.0, 120.0, -160.0][n % 9];
        let turned = Edit::Rotation { degrees }.apply(&photo, 0).unwrap();
        let (sin, cos) = f32::to_radians(-degrees).sin_cos();
        let [width, height] = [photo.width() as f32, photo.height() as f32];
        let corner = |x: f32, y: f32| {
            let (x, y) = ((x - 0.5) * width, (y - 0.5) * height);
            [
                turned.width() as f32 / 2.0 + cos * x - sin * y,
                turned.height() as f32 / 2.0 + sin * x + cos * y,
            ]
        };
        let corners = [corner(0.0, 0.0), corner(1.0, 0.0), corner(1.0, 1.0), corner(0.0, 1.0)];
        let off = |frame: Frame| {
            let ours = frame.corners().map(|[x, y]| [x * turned.width() as f32, y * turned.height() as f32]);
            (0..4).map(|i| (ours[i][0] - corners[i][0]).hypot(ours[i][1] - corners[i][1])).fold(0.0, f32::max)
        };
        let nearest = plan(&turned, LOOKS).iter().map(|look| off(look.frame())).fold(f32::INFINITY, f32::min);
        if nearest > 0.03 * width.max(height) {
            missed.push((name, degrees, nearest));
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}

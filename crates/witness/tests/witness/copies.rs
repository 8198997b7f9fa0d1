//! Edited copies are confirmed, and the fit says where they are. The maps are imageproc's, an implementation of its own.

use active_index_witness::{Fit, Kind, Query, Witness};
use image::{Rgb, RgbImage, imageops};
use imageproc::geometric_transformations::{Border, Interpolation, Projection, warp_into};

use crate::pictures::sample;

/// Largest error of a corner of what is seen, as a share of the longer side of the query: 4 pixels of the 256 that the
/// smallest copies have, which is the largest error of an inlier. imageproc's pixel centres are at whole coordinates, which
/// alone shifts a copy of half the size by a quarter pixel.
const TOLERANCE: f64 = 0.016;
/// Photographs with the edits; all kinds of scenes.
const PHOTOGRAPHS: [usize; 4] = [1, 9, 14, 17];

/// Copy of a picture, and the map that made it.
struct Copy {
    picture: RgbImage,
    map: Projection,
}

/// Draws `picture` through `map` on a canvas of the given size.
fn drawn(picture: &RgbImage, map: Projection, width: u32, height: u32) -> Copy {
    let mut canvas = RgbImage::new(width, height);
    warp_into(picture, map, Interpolation::Bilinear, Border::Constant(Rgb([0; 3])), &mut canvas);
    Copy { picture: canvas, map }
}

/// Turns around the centre, and scales.
fn turned(picture: &RgbImage, degrees: f32, scale: f32) -> Copy {
    let (w, h) = (picture.width() as f32, picture.height() as f32);
    let map = Projection::translate(scale * w / 2.0, scale * h / 2.0)
        * Projection::rotate(degrees.to_radians())
        * Projection::scale(scale, scale)
        * Projection::translate(-w / 2.0, -h / 2.0);
    drawn(picture, map, (scale * w) as u32, (scale * h) as u32)
}

/// Checks that the entry's corners are where the map takes them.
fn assert_found(entry: &RgbImage, copy: &Copy, fit: &Fit, tolerance: f64, what: &str) {
    let (w, h) = (entry.width() as f32, entry.height() as f32);
    let (width, height) = (f64::from(copy.picture.width()), f64::from(copy.picture.height()));
    // Far outside of what the query shows, a small error of the turn is large: the part that is seen counts.
    for corner in [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]] {
        let (x, y) = copy.map * (corner[0], corner[1]);
        let (x, y) = (x.clamp(0.0, width as f32), y.clamp(0.0, height as f32));
        let (ex, ey) = copy.map.invert() * (x, y);
        let relative = [f64::from(ex / w), f64::from(ey / h), 1.0];
        let [u, v] = [0, 1].map(|row| (0..3).map(|k| fit.matrix[row][k] * relative[k]).sum::<f64>());
        let error = (u * width - f64::from(x)).hypot(v * height - f64::from(y));
        assert!(error <= tolerance * width.max(height), "{what}: {error:.1} pixels at {corner:?}, {fit:?}");
    }
}

/// Compares a copy with its entry's witness of both kinds.
fn check(
    number: usize,
    entry: &RgbImage,
    copy: &Copy,
    least: usize,
    agreement: f32,
    tolerance: f64,
    what: &str,
) -> [Fit; 2] {
    [Kind::Keypoints, Kind::Thumbnails].map(|kind| {
        let witness = Witness::of(entry, kind).expect("a photograph");
        let comparison = Query::of(&copy.picture).compare(&witness);
        let what = format!("photograph {number}, {what}, {kind}: {} inliers", comparison.inliers);
        assert!(comparison.inliers >= least && !comparison.is_flat, "{what}");
        assert!(comparison.agreement >= Some(agreement), "{what}, {:?}", comparison.agreement);
        let fit = comparison.fit.expect("inliers are a fit's");
        assert_found(entry, copy, &fit, tolerance, &what);
        fit
    })
}

#[test]
fn turned_and_scaled_copies() {
    for number in PHOTOGRAPHS {
        let entry = sample(number);
        for (degrees, scale) in [(0.0, 1.0), (7.0, 0.8), (25.0, 1.0), (-45.0, 0.6), (90.0, 1.0), (180.0, 0.5)]
        {
            let copy = turned(&entry, degrees, scale);
            let fits = check(number, &entry, &copy, 30, 0.8, TOLERANCE, &format!("turned by {degrees}"));
            for fit in fits {
                let turn = (fit.degrees - degrees + 540.0).rem_euclid(360.0) - 180.0;
                assert!(
                    turn.abs() < 1.0 && (fit.scale / scale - 1.0).abs() < 0.02 && !fit.mirrored,
                    "{fit:?}"
                );
            }
        }
    }
}

#[test]
fn crops() {
    for number in PHOTOGRAPHS {
        let entry = sample(number);
        for (x, y, share) in [(0.25, 0.25, 0.5), (0.0, 0.0, 0.5), (0.35, 0.3, 0.63)] {
            let (w, h) = (entry.width() as f32, entry.height() as f32);
            let map = Projection::translate(-x * w, -y * h);
            let copy = drawn(&entry, map, (share * w) as u32, (share * h) as u32);
            // The smallest crop has 160 x 115 pixels, half of them sky: a dozen places, all in its lower part.
            let tolerance = if copy.picture.width() < 200 { 0.05 } else { TOLERANCE };
            let [fit, _] = check(number, &entry, &copy, 12, 0.8, tolerance, &format!("crop at {x}, {y}"));
            let expected = [[x, y], [x + share, y], [x + share, y + share], [x, y + share]];
            for (found, expected) in fit.part.as_flattened().iter().zip(expected.as_flattened()) {
                assert!((found - expected).abs() < (0.75 * tolerance as f32).max(0.02), "{fit:?}");
            }
        }
    }
}

#[test]
fn mirrored_copies() {
    for number in PHOTOGRAPHS {
        let entry = sample(number);
        let (w, h) = (entry.width(), entry.height());
        let flips = [
            (imageops::flip_horizontal(&entry), [-1.0, 0.0, w as f32, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0], 0.0),
            (imageops::flip_vertical(&entry), [1.0, 0.0, 0.0, 0.0, -1.0, h as f32, 0.0, 0.0, 1.0], 180.0),
        ];
        for (picture, matrix, degrees) in flips {
            let map = Projection::from_matrix(matrix).expect("it can be inverted");
            let copy = Copy { picture, map };
            for fit in check(number, &entry, &copy, 60, 0.95, TOLERANCE, "mirrored") {
                assert!(fit.mirrored && (fit.degrees.abs() - degrees).abs() < 1.0, "{fit:?}");
            }
        }
    }
}

#[test]
fn a_small_picture_on_a_page() {
    for number in PHOTOGRAPHS {
        let entry = sample(number);
        let (w, h) = (entry.width() as f32, entry.height() as f32);
        let map = Projection::translate(0.3 * w, 0.4 * h) * Projection::scale(0.4, 0.4);
        let copy = drawn(&entry, map, w as u32, h as u32);
        let [fit, _] = check(number, &entry, &copy, 20, 0.8, TOLERANCE, "on a page");
        let expected = [[0.3, 0.4], [0.7, 0.4], [0.7, 0.8], [0.3, 0.8]];
        for (found, expected) in fit.region.as_flattened().iter().zip(expected.as_flattened()) {
            assert!((found - expected).abs() < 0.02, "{fit:?}");
        }
    }
}

#[test]
fn stretched_and_tilted_copies() {
    for number in PHOTOGRAPHS {
        let entry = sample(number);
        let (w, h) = (entry.width() as f32, entry.height() as f32);
        let stretched = drawn(&entry, Projection::scale(1.0, 0.6), w as u32, (0.6 * h) as u32);
        check(number, &entry, &stretched, 20, 0.8, TOLERANCE, "stretched");
        let corners = [(0.0, 0.0), (w, 0.0), (w, h), (0.0, h)];
        let moved = [(0.04 * w, 0.02 * h), (0.95 * w, 0.06 * h), (w, 0.97 * h), (0.0, 0.94 * h)];
        let tilted = Projection::from_control_points(corners, moved).expect("a quadrilateral");
        // An affine map cannot follow the perspective to the corners, nor is the overlap laid exactly.
        check(number, &entry, &drawn(&entry, tilted, w as u32, h as u32), 20, 0.3, 0.05, "tilted");
    }
}

#[test]
fn faded_and_compressed_copies() {
    for number in PHOTOGRAPHS {
        let entry = sample(number);
        let mut faded = entry.clone();
        faded.pixels_mut().for_each(|pixel| pixel.0 = pixel.0.map(|v| 150 + v / 6));
        let map = Projection::scale(1.0, 1.0);
        check(number, &entry, &Copy { picture: faded, map }, 30, 0.8, TOLERANCE, "faded");
        let mut file = std::io::Cursor::new(Vec::new());
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 10)
            .encode_image(&entry)
            .expect("memory");
        let picture = image::load_from_memory(file.get_ref()).expect("what was encoded").into_rgb8();
        check(number, &entry, &Copy { picture, map }, 30, 0.8, TOLERANCE, "compressed");
    }
}

//! Edits and measures against the goldens of `golden/make_goldens.py`.

use std::path::PathBuf;

use eval::{Transform, quality};
use image::RgbImage;

fn golden(file: &str) -> RgbImage {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    image::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into_rgb8()
}

/// Share of the pixels whose channels are all within one level.
fn agreement(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let close =
        a.pixels().zip(b.pixels()).filter(|(a, b)| a.0.iter().zip(b.0).all(|(a, b)| a.abs_diff(b) <= 1));
    close.count() as f64 / f64::from(a.width() * a.height())
}

fn edited(name: &str) -> RgbImage {
    let edit: Transform = name.parse().expect(name);
    edit.apply(&golden("input.png"), 0).expect(name)
}

/// Within one level on at least this share of the pixels.
fn assert_agrees(name: &str, file: &str, least: f64) {
    let agreement = agreement(&edited(name), &golden(file));
    assert!(agreement >= least, "{name}: {agreement} of the pixels agree, expected {least}");
}

#[test]
fn deterministic_edits_match() {
    for name in [
        "contrast=0.5",
        "contrast=2",
        "brightness=0.5",
        "brightness=2",
        "saturation=2",
        "greyscale",
        "hue=0.2",
        "hue=-0.35",
        "blur=11",
        "rotation=25",
        "rotation=90",
        "rotation=-130",
        "crop=0.5",
        "resize=0.5",
    ] {
        assert_agrees(name, &format!("{name}.png"), 0.99);
    }
}

/// Both files go through the same decoder: `image` rounds chroma otherwise than libjpeg. At quality 50 a few
/// coefficients of so small a picture lie exactly between two quantisation steps, and each moves its whole
/// 8x8 block; on photographs of 512 pixels 99.4 % of the pixels agree.
#[test]
fn jpeg_matches() {
    assert_agrees("jpeg=90", "jpeg=90.jpg", 0.99);
    assert_agrees("jpeg=50", "jpeg=50.jpg", 0.93);
}

/// 1e-6 relative: both sides work in float64, in another order of summation.
#[test]
fn quality_matches_scikit_image() {
    let input = golden("input.png");
    let rows = include_str!("golden/quality.tsv");
    assert_eq!(rows.lines().count(), 10);
    for row in rows.lines() {
        let fields: Vec<&str> = row.split('\t').collect();
        let found = quality::measure(&input, &golden(&format!("{}.png", fields[0]))).expect(row);
        let number = |field: usize| fields[field].parse::<f64>().expect(row);
        assert!((found.psnr / number(1) - 1.0).abs() < 1e-6, "{row}: {found:?}");
        assert!((found.ssim / number(2) - 1.0).abs() < 1e-6, "{row}: {found:?}");
        assert_eq!(f64::from(found.linf), number(3), "{row}");
    }
}

//! Measures against the goldens of `golden/make_goldens.py`.

use std::path::PathBuf;

use image::RgbImage;
use release::quality;

fn golden(file: &str) -> RgbImage {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    image::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into_rgb8()
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

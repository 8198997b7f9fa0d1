//! Quality of pairs that scikit-image refuses or that have a known answer.

use active_index_release::{Error, quality};
use image::{Rgb, RgbImage};

fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(40 * x) as u8, (50 * y) as u8, (x + y) as u8]))
}

#[test]
fn identical_images_are_perfect() {
    for (width, height) in [(1, 1), (1, 9), (6, 2), (7, 7), (30, 20)] {
        let image = picture(width, height);
        let found = quality::measure(&image, &image).expect("measure");
        assert_eq!((found.psnr, found.linf), (f64::INFINITY, 0));
        assert!((found.ssim - 1.0).abs() < 1e-12, "{width}x{height}: {}", found.ssim);
    }
}

#[test]
fn a_single_pixel_compares_luminance() {
    let (a, b) = (RgbImage::from_pixel(1, 1, Rgb([100; 3])), RgbImage::from_pixel(1, 1, Rgb([50; 3])));
    let expected = (2.0 * 5000.0 + 6.5025) / (10000.0 + 2500.0 + 6.5025);
    assert!((quality::ssim(&a, &b).expect("ssim") - expected).abs() < 1e-12);
}

/// Result of scikit-image for `win_size=5` on the 6 x 5 picture and its negative.
const SMALL_NEGATIVE_SSIM: f64 = -0.5777871307550814;

#[test]
fn small_images_use_the_largest_window_that_fits() {
    let image = picture(6, 5);
    let mut other = image.clone();
    other.iter_mut().for_each(|level| *level = 255 - *level);
    let found = quality::ssim(&image, &other).expect("ssim");
    assert!((found - SMALL_NEGATIVE_SSIM).abs() < 1e-9, "{found}");
}

#[test]
fn sizes_must_agree_and_not_be_empty() {
    let (a, b) = (picture(4, 5), picture(5, 4));
    for error in [quality::psnr(&a, &b).err(), quality::ssim(&a, &b).err(), quality::linf(&a, &b).err()] {
        assert!(matches!(error, Some(Error::SizeMismatch { a: (4, 5), b: (5, 4) })));
    }
    let nothing = RgbImage::new(0, 3);
    assert!(matches!(quality::measure(&nothing, &nothing), Err(Error::EmptyImage { .. })));
}

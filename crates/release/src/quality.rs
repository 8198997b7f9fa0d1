//! Quality of an edited or released image: its difference to the original over all three channels.

use image::RgbImage;
use rayon::prelude::*;

use crate::error::{Error, Result};

/// Side of the windows that SSIM compares, in pixels.
const WINDOW: usize = 7;

/// Stabiliser (0.01 * 255)^2 of Wang et al. 2004, equation 13.
const C1: f64 = 6.5025;
/// Stabiliser (0.03 * 255)^2 of the same equation.
const C2: f64 = 58.5225;

/// The three measures of one pair of images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Peak signal to noise ratio in dB; infinite for identical images.
    pub psnr: f64,
    /// Structural similarity, 1 for identical images.
    pub ssim: f64,
    /// Largest difference, in 8-bit levels.
    pub linf: u8,
}

/// Returns all three measures.
///
/// # Errors
/// [`Error::SizeMismatch`] or [`Error::EmptyImage`].
///
/// ```
/// let photo = image::RgbImage::from_pixel(16, 16, image::Rgb([10, 20, 30]));
/// let brighter = image::RgbImage::from_pixel(16, 16, image::Rgb([12, 22, 32]));
/// let quality = active_index_release::quality::measure(&photo, &brighter)?;
/// assert_eq!(quality.linf, 2);
/// assert!((quality.psnr - 42.11).abs() < 0.01);
/// assert!(active_index_release::quality::psnr(&photo, &photo)?.is_infinite());
/// # Ok::<(), active_index_release::Error>(())
/// ```
pub fn measure(a: &RgbImage, b: &RgbImage) -> Result<Quality> {
    Ok(Quality { psnr: psnr(a, b)?, ssim: ssim(a, b)?, linf: linf(a, b)? })
}

/// Returns the peak signal to noise ratio in dB, of peak 255; infinite for identical images.
///
/// # Errors
/// [`Error::SizeMismatch`] or [`Error::EmptyImage`].
pub fn psnr(a: &RgbImage, b: &RgbImage) -> Result<f64> {
    check(a, b)?;
    Ok(imageproc::stats::peak_signal_to_noise_ratio(a, b))
}

/// Returns the largest difference of two values in the same place, in 8-bit levels.
///
/// # Errors
/// [`Error::SizeMismatch`] or [`Error::EmptyImage`].
pub fn linf(a: &RgbImage, b: &RgbImage) -> Result<u8> {
    check(a, b)?;
    Ok(a.iter().zip(b.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0))
}

/// Returns the structural similarity (Wang et al. 2004) with the defaults of scikit-image: 7x7 uniform windows inside the
/// image, sample covariance, mean over windows, then channels.
///
/// If a side is shorter than 7 pixels, which scikit-image refuses, the side of the windows is the largest odd number that
/// fits.
///
/// # Errors
/// [`Error::SizeMismatch`] or [`Error::EmptyImage`].
pub fn ssim(a: &RgbImage, b: &RgbImage) -> Result<f64> {
    check(a, b)?;
    let (stride, height) = (3 * a.width() as usize, a.height() as usize);
    let shorter = height.min(a.width() as usize);
    let window = WINDOW.min(shorter - (1 - shorter % 2));
    let strip = |y: usize| y * stride..(y + window) * stride;
    let rows = height - window + 1;
    let similarity =
        |y: usize| strip_similarity(&a.as_raw()[strip(y)], &b.as_raw()[strip(y)], stride, window);
    let sums: Vec<f64> = (0..rows).into_par_iter().map(similarity).collect();
    Ok(sums.iter().sum::<f64>() / (rows * (stride - 3 * (window - 1))) as f64)
}

fn check(a: &RgbImage, b: &RgbImage) -> Result<()> {
    let (width, height) = a.dimensions();
    if a.dimensions() != b.dimensions() {
        return Err(Error::SizeMismatch { a: a.dimensions(), b: b.dimensions() });
    }
    if width == 0 || height == 0 {
        return Err(Error::EmptyImage { width, height });
    }
    Ok(())
}

/// Sums the similarities of all windows and channels of a strip `[window, stride]`, channels interleaved. Integer sums are
/// exact: 49 * 255^2 < 2^22.
fn strip_similarity(a: &[u8], b: &[u8], stride: usize, window: usize) -> f64 {
    let mut columns: [Vec<u32>; 5] = std::array::from_fn(|_| vec![0; stride]);
    for (a, b) in a.chunks_exact(stride).zip(b.chunks_exact(stride)) {
        add_moments(&mut columns, a, b);
    }
    let sums = columns.map(|columns| slide(&columns, window));
    (0..sums[0].len()).map(|i| similarity(sums.each_ref().map(|sums| sums[i]), window)).sum()
}

/// Adds a, b, a^2, b^2 and ab of one row to the sums of its columns.
fn add_moments([sum_a, sum_b, sum_aa, sum_bb, sum_ab]: &mut [Vec<u32>; 5], a: &[u8], b: &[u8]) {
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let (a, b) = (u32::from(*a), u32::from(*b));
        sum_a[i] += a;
        sum_b[i] += b;
        sum_aa[i] += a * a;
        sum_bb[i] += b * b;
        sum_ab[i] += a * b;
    }
}

/// Returns the sums of `window` neighbouring pixels, three interleaved channels each.
fn slide(columns: &[u32], window: usize) -> Vec<u32> {
    let mut sums = vec![0; columns.len() - 3 * (window - 1)];
    for pixel in 0..window {
        sums.iter_mut().zip(&columns[3 * pixel..]).for_each(|(sum, value)| *sum += value);
    }
    sums
}

/// Evaluates Wang et al. 2004, equation 13, from the sums of a, b, a^2, b^2 and ab over one window.
fn similarity(sums: [u32; 5], window: usize) -> f64 {
    let [a, b, aa, bb, ab] = sums.map(f64::from);
    let n = (window * window) as f64;
    let freedom = (n - 1.0).max(1.0);
    let (mean_a, mean_b) = (a / n, b / n);
    let covariance = |product: f64, x: f64, y: f64| (product - x * y / n) / freedom;
    let (var_a, var_b, cov) = (covariance(aa, a, a), covariance(bb, b, b), covariance(ab, a, b));
    let same = (2.0 * mean_a * mean_b + C1) * (2.0 * cov + C2);
    same / ((mean_a * mean_a + mean_b * mean_b + C1) * (var_a + var_b + C2))
}

//! How far an edited or released image is from the original, over all three channels.

use image::RgbImage;
use rayon::prelude::*;

use crate::error::{Error, Result};

/// Side of the windows that SSIM compares, in pixels.
const WINDOW: usize = 7;

/// Stabilisers (0.01 * 255)^2 and (0.03 * 255)^2 of Wang et al. 2004, equation 13.
const C1: f64 = 6.5025;
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

/// All three measures.
///
/// # Errors
/// [`Error::SizeMismatch`] or [`Error::EmptyImage`].
///
/// ```
/// let photo = image::RgbImage::from_pixel(16, 16, image::Rgb([10, 20, 30]));
/// let brighter = image::RgbImage::from_pixel(16, 16, image::Rgb([12, 22, 32]));
/// let quality = eval::quality::measure(&photo, &brighter)?;
/// assert_eq!(quality.linf, 2);
/// assert!((quality.psnr - 42.11).abs() < 0.01);
/// assert!(eval::quality::psnr(&photo, &photo)?.is_infinite());
/// # Ok::<(), eval::Error>(())
/// ```
pub fn measure(a: &RgbImage, b: &RgbImage) -> Result<Quality> {
    Ok(Quality { psnr: psnr(a, b)?, ssim: ssim(a, b)?, linf: linf(a, b)? })
}

/// Peak signal to noise ratio in dB with peak 255; infinite for identical images.
///
/// # Errors
/// [`Error::SizeMismatch`] or [`Error::EmptyImage`].
pub fn psnr(a: &RgbImage, b: &RgbImage) -> Result<f64> {
    check(a, b)?;
    Ok(imageproc::stats::peak_signal_to_noise_ratio(a, b))
}

/// Largest difference between two values in the same place, in 8-bit levels.
///
/// # Errors
/// [`Error::SizeMismatch`] or [`Error::EmptyImage`].
pub fn linf(a: &RgbImage, b: &RgbImage) -> Result<u8> {
    check(a, b)?;
    Ok(a.iter().zip(b.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0))
}

/// Structural similarity (Wang et al. 2004) as scikit-image computes it by default: 7x7 uniform windows that
/// lie wholly inside the image, sample covariance, mean over windows, then channels.
///
/// Where a side is shorter than 7 pixels, which scikit-image refuses, the windows are as large as the largest
/// odd number that fits.
///
/// # Errors
/// [`Error::SizeMismatch`] or [`Error::EmptyImage`].
pub fn ssim(a: &RgbImage, b: &RgbImage) -> Result<f64> {
    check(a, b)?;
    let channels: Vec<f64> = (0..3).into_par_iter().map(|channel| channel_ssim(a, b, channel)).collect();
    Ok(channels.iter().sum::<f64>() / 3.0)
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

fn channel_ssim(a: &RgbImage, b: &RgbImage, channel: usize) -> f64 {
    let (width, height) = (a.width() as usize, a.height() as usize);
    let shorter = width.min(height);
    let window = WINDOW.min(shorter - (1 - shorter % 2));
    let sums = |value: fn(u32, u32) -> u32| {
        let pairs = a.pixels().zip(b.pixels());
        let plane: Vec<u32> = pairs.map(|(a, b)| value(a.0[channel].into(), b.0[channel].into())).collect();
        window_sums(&plane, width, window)
    };
    let (a, b) = (sums(|a, _| a), sums(|_, b| b));
    let (aa, bb, ab) = (sums(|a, _| a * a), sums(|_, b| b * b), sums(|a, b| a * b));
    let total: f64 = (0..a.len()).map(|i| similarity([a[i], b[i], aa[i], bb[i], ab[i]], window)).sum();
    total / a.len() as f64
}

/// Sums over all `window` x `window` squares inside the plane `[height, width]`. Exact in 32 bits:
/// 49 * 255^2 < 2^22.
fn window_sums(plane: &[u32], width: usize, window: usize) -> Vec<u32> {
    let (columns, rows) = (width - window + 1, plane.len() / width - window + 1);
    let mut sums = vec![0; columns * rows];
    sums.par_chunks_mut(columns).enumerate().for_each(|(y, sums)| {
        let mut columns = vec![0; width];
        plane[y * width..(y + window) * width].chunks_exact(width).for_each(|row| add(&mut columns, row));
        (0..window).for_each(|x| add(sums, &columns[x..]));
    });
    sums
}

fn add(sums: &mut [u32], values: &[u32]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

/// Wang et al. 2004, equation 13, from the sums of a, b, a^2, b^2 and ab over one window.
fn similarity(sums: [u32; 5], window: usize) -> f64 {
    let [a, b, aa, bb, ab] = sums.map(f64::from);
    let n = (window * window) as f64;
    let freedom = (n - 1.0).max(1.0);
    let (mean_a, mean_b) = (a / n, b / n);
    let covariance = |product: f64, x: f64, y: f64| (product - x * y / n) / freedom;
    let (var_a, var_b, cov) = (covariance(aa, a, a), covariance(bb, b, b), covariance(ab, a, b));
    let luminance = (2.0 * mean_a * mean_b + C1) / (mean_a * mean_a + mean_b * mean_b + C1);
    luminance * (2.0 * cov + C2) / (var_a + var_b + C2)
}

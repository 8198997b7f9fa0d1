//! Antialiased bilinear resize, exact and differentiable. The resizes used last are kept, because an optimisation asks
//! for the same ones at every step.

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{Device, Tensor};
use frozen_ops::{BandedMatrix, Resample};
use triangle_filter::taps;

/// Capacity of the cache in weights, zeros included: 128 MiB on a device, some thousandths of it on the CPU.
const CAPACITY: usize = 1 << 25;

static CACHE: Mutex<Cache> = Mutex::new(Cache { capacity: CAPACITY, recent: Vec::new() });

/// Antialiased bilinear resize, as torchvision's on tensors: a product with a banded matrix on either side.
///
/// # Shapes
/// `[n, c, h, w]` -> `[n, c, out[0], out[1]]`
///
/// # Panics
/// If a side is empty.
pub fn resize_antialiased(pixels: Tensor<4>, out: [usize; 2]) -> Tensor<4> {
    let [_, _, h, w] = pixels.dims();
    if [h, w] == out {
        return pixels;
    }
    cached([h, w], out, &pixels.device().inner()).forward(pixels)
}

/// The transpose of [`resize_antialiased`]: maps a gradient with respect to the resized image to one with respect to
/// the image of `from[0]` x `from[1]` pixels.
///
/// # Shapes
/// `[n, c, h, w]` -> `[n, c, from[0], from[1]]`
///
/// # Panics
/// If a side is empty.
pub fn resize_transposed(gradient: Tensor<4>, from: [usize; 2]) -> Tensor<4> {
    let [_, _, h, w] = gradient.dims();
    if [h, w] == from {
        return gradient;
    }
    cached(from, [h, w], &gradient.device().inner()).transposed(gradient)
}

/// The resize from one height and width to another on a device.
fn cached(from: [usize; 2], to: [usize; 2], device: &Device) -> Arc<Resample> {
    CACHE.lock().unwrap_or_else(PoisonError::into_inner).resize(from, to, device)
}

/// The resizes used last.
struct Cache {
    /// Largest number of weights that are kept.
    capacity: usize,
    /// In order of use, the last one at the end.
    recent: Vec<Arc<Resample>>,
}

impl Cache {
    fn resize(&mut self, from: [usize; 2], to: [usize; 2], device: &Device) -> Arc<Resample> {
        let is_wanted = |resize: &Arc<Resample>| resize.sizes() == [from, to] && resize.device() == device;
        let wanted = match self.recent.iter().position(is_wanted) {
            Some(place) => self.recent.remove(place),
            None => Arc::new(new_resize(from, to, device)),
        };
        self.recent.push(wanted.clone());
        // A resize larger than the capacity is kept alone.
        while self.recent.len() > 1 && self.weights() > self.capacity {
            self.recent.remove(0);
        }
        wanted
    }

    fn weights(&self) -> usize {
        self.recent.iter().map(|resize| weights(resize)).sum()
    }
}

fn new_resize(from: [usize; 2], to: [usize; 2], device: &Device) -> Resample {
    let [rows, columns] = [0, 1].map(|side| triangle_filter(from[side], to[side]));
    Resample::new(rows, columns, device)
}

fn weights(resize: &Resample) -> usize {
    let [from, to] = resize.sizes();
    (0..2).map(|side| from[side] * to[side]).sum()
}

/// Weights `[to, from]` of a triangle filter whose support grows with the reduction.
fn triangle_filter(from: usize, to: usize) -> BandedMatrix {
    BandedMatrix::new(from, taps(from, to).map(|taps| (taps.first, taps.weights)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_output_pixel_is_a_mean_of_the_input() {
        for (from, to) in [(1, 288), (7, 5), (288, 288), (1000, 288), (5000, 1)] {
            let dense = triangle_filter(from, to).dense();
            let sums: Vec<f32> = dense.chunks_exact(from).map(|row| row.iter().sum()).collect();
            assert!(sums.iter().all(|s| (s - 1.0).abs() < 1e-5), "{from} -> {to}");
        }
    }

    #[test]
    fn constant_images_stay_constant_at_any_aspect_ratio() {
        let device = Device::flex();
        for (h, w) in [(40, 300), (300, 40)] {
            let grey = Tensor::<4>::full([1, 3, h, w], 0.25, &device);
            let resized = resize_antialiased(grey, [288, 288]);
            assert!((resized - 0.25).abs().max().into_scalar::<f32>() < 1e-6);
        }
    }

    #[test]
    fn the_transpose_is_the_gradient() {
        let device = Device::flex();
        let gradient = Tensor::<4>::random([1, 3, 5, 8], burn::tensor::Distribution::Default, &device);
        let pixels = Tensor::<4>::zeros([1, 3, 12, 7], &device).autodiff().require_grad();
        let product = resize_antialiased(pixels.clone(), [5, 8]) * gradient.clone().autodiff();
        let expected = pixels.grad_remove(&mut product.sum().backward()).unwrap();
        let difference = resize_transposed(gradient, [12, 7]) - expected;
        assert!(difference.abs().max().into_scalar::<f32>() < 1e-6);
    }

    #[test]
    fn recent_resizes_are_reused_and_the_cache_is_bounded() {
        let (device, mut cache) = (Device::flex(), Cache { capacity: 5000, recent: Vec::new() });
        let first = cache.resize([70, 50], [7, 5], &device);
        assert!(Arc::ptr_eq(&first, &cache.resize([70, 50], [7, 5], &device)));
        assert!(!Arc::ptr_eq(&first, &cache.resize([50, 70], [7, 5], &device)));
        for side in 1..40 {
            cache.resize([70, 50], [7, side], &device);
            assert!(cache.weights() <= 5000, "{}", cache.weights());
        }
        assert!(!Arc::ptr_eq(&first, &cache.resize([70, 50], [7, 5], &device)));
        let large = cache.resize([100, 100], [50, 50], &device);
        assert!(Arc::ptr_eq(&large, &cache.resize([100, 100], [50, 50], &device)));
    }
}

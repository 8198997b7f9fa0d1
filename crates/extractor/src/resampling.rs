//! Resizes that were made already: a loop asks for the same ones at each of its steps.

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Device;
use frozen_ops::{BandedMatrix, Resample};

/// Values of all matrices that are kept, as if none of them were 0: 128 MiB on a device, some thousandths of it on the CPU.
const KEPT: usize = 1 << 25;

static LAST: Mutex<Last> = Mutex::new(Last { room: KEPT, made: Vec::new() });

/// The antialiased resize from one height and width to another on a device.
pub(crate) fn resampling(from: [usize; 2], to: [usize; 2], device: &Device) -> Arc<Resample> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).resampling(from, to, device)
}

/// The resizes that were used last.
struct Last {
    /// How many values are kept.
    room: usize,
    /// The last used at the end.
    made: Vec<Arc<Resample>>,
}

impl Last {
    fn resampling(&mut self, from: [usize; 2], to: [usize; 2], device: &Device) -> Arc<Resample> {
        let is_wanted = |one: &Arc<Resample>| one.sizes() == [from, to] && one.device() == device;
        let wanted = match self.made.iter().position(is_wanted) {
            Some(place) => self.made.remove(place),
            None => Arc::new(made(from, to, device)),
        };
        self.made.push(wanted.clone());
        // One that is larger than all that may be kept is kept alone.
        while self.made.len() > 1 && self.values() > self.room {
            self.made.remove(0);
        }
        wanted
    }

    fn values(&self) -> usize {
        self.made.iter().map(|one| values(one)).sum()
    }
}

fn made(from: [usize; 2], to: [usize; 2], device: &Device) -> Resample {
    let [rows, columns] = [0, 1].map(|side| triangle_filter(from[side], to[side]));
    Resample::new(rows, columns, device)
}

fn values(one: &Resample) -> usize {
    let [from, to] = one.sizes();
    (0..2).map(|side| from[side] * to[side]).sum()
}

/// Weights `[to, from]` of a triangle filter whose support grows with the reduction.
fn triangle_filter(from: usize, to: usize) -> BandedMatrix {
    assert!(from > 0 && to > 0, "cannot resize {from} pixels to {to}");
    BandedMatrix::new(from, (0..to).map(|i| triangle(from, i, from as f64 / to as f64)).collect())
}

/// First source pixel and weights of the source pixels for output pixel `i`, at `scale` source pixels an output
/// pixel.
fn triangle(from: usize, i: usize, scale: f64) -> (usize, Vec<f32>) {
    let support = scale.max(1.0);
    let centre = scale * (i as f64 + 0.5);
    let first = (centre - support + 0.5).max(0.0) as usize;
    let last = ((centre + support + 0.5) as usize).min(from);
    let weight = |j: usize| (1.0 - ((j as f64 + 0.5 - centre) / support).abs()).max(0.0);
    let total: f64 = (first..last).map(weight).sum();
    (first, (first..last).map(|j| (weight(j) / total) as f32).collect())
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
    fn what_is_used_again_is_not_made_again_and_what_is_kept_is_bounded() {
        let (device, mut last) = (Device::flex(), Last { room: 5000, made: Vec::new() });
        let first = last.resampling([70, 50], [7, 5], &device);
        assert!(Arc::ptr_eq(&first, &last.resampling([70, 50], [7, 5], &device)));
        assert!(!Arc::ptr_eq(&first, &last.resampling([50, 70], [7, 5], &device)));
        for side in 1..40 {
            last.resampling([70, 50], [7, side], &device);
            assert!(last.values() <= 5000, "{}", last.values());
        }
        assert!(!Arc::ptr_eq(&first, &last.resampling([70, 50], [7, 5], &device)));
        let large = last.resampling([100, 100], [50, 50], &device);
        assert!(Arc::ptr_eq(&large, &last.resampling([100, 100], [50, 50], &device)));
    }
}

//! Weights of an antialiased triangle filter: the bilinear resize of Pillow and of torchvision's tensors.
//!
//! A resize from `n` to `m` pixels maps the centre of output pixel `i` to `c = (i + 1/2) n / m` and weights the
//! source pixels around it by a triangle of half-width `s = max(n / m, 1)`:
//!
//! ```text
//! w_ij = max(1 - |j + 1/2 - c| / s, 0) / sum_k w_ik,    |j + 1/2 - c| < s.
//! ```
//!
//! The support grows with the reduction, so that a smaller image has no aliasing. The weights are computed in float64
//! and rounded to float32. The extractor's differentiable resize and the resize of image files share them.
//!
//! ```
//! let rows: Vec<_> = active_index_triangle_filter::taps(4, 2).collect();
//! assert_eq!((rows[0].first, rows[1].first), (0, 1));
//! assert_eq!(rows[0].weights, [0.42857143, 0.42857143, 0.14285715]);
//! ```

use std::ops::Range;

/// Source pixels of one output pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct Taps {
    /// First source pixel.
    pub first: usize,
    /// Weights of the source pixels from `first` on; they sum to 1.
    pub weights: Vec<f32>,
}

impl Taps {
    /// Source pixels that have a weight.
    pub fn range(&self) -> Range<usize> {
        self.first..self.first + self.weights.len()
    }
}

/// Returns the taps of every output pixel of a resize from `from` to `to` pixels.
///
/// # Panics
/// If either size is 0.
pub fn taps(from: usize, to: usize) -> impl ExactSizeIterator<Item = Taps> {
    assert!(from > 0 && to > 0, "cannot resize {from} pixels to {to}");
    let scale = from as f64 / to as f64;
    (0..to).map(move |i| taps_of_pixel(from, i, scale))
}

/// Returns the taps of output pixel `i`, at `scale` source pixels an output pixel.
fn taps_of_pixel(from: usize, i: usize, scale: f64) -> Taps {
    let support = scale.max(1.0);
    let centre = scale * (i as f64 + 0.5);
    let first = (centre - support + 0.5).max(0.0) as usize;
    let last = ((centre + support + 0.5) as usize).min(from);
    let weight = |j: usize| (1.0 - ((j as f64 + 0.5 - centre) / support).abs()).max(0.0);
    let total: f64 = (first..last).map(weight).sum();
    Taps { first, weights: (first..last).map(|j| (weight(j) / total) as f32).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_at_any_reduction() {
        for (from, to) in [(1, 288), (7, 5), (288, 288), (1000, 288), (5000, 1), (65536, 1)] {
            assert_eq!(taps(from, to).len(), to);
            for taps in taps(from, to) {
                assert!((taps.weights.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{from} -> {to}");
                assert!(taps.range().end <= from);
            }
        }
    }

    #[test]
    fn equal_sizes_change_nothing() {
        for (i, taps) in taps(9, 9).enumerate() {
            assert_eq!((taps.first, taps.weights[0]), (i, 1.0));
            assert!(taps.weights[1..].iter().all(|&weight| weight == 0.0));
        }
    }
}

//! Antialiased bilinear resampling of 8-bit samples. The same samples result on every machine: sums of float32 in a
//! fixed order, rounded half up.

use simd::Level;
use triangle_filter::{Taps, taps};

/// Resamples `[height, width, C]` samples `from` one size `to` another.
pub(crate) fn resampled<const C: usize>(samples: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    if from == to || samples.is_empty() {
        return samples.to_vec();
    }
    let columns: Vec<Taps> = taps(from[1], to[1]).collect();
    let mut out = vec![0; C * to[0] * to[1]];
    let mut sum = vec![0.0; C * from[1]];
    for (row, out) in taps(from[0], to[0]).zip(out.chunks_exact_mut(C * to[1])) {
        sum_rows(samples, &row, &mut sum);
        for (taps, out) in columns.iter().zip(out.as_chunks_mut::<C>().0) {
            let pixels = sum.as_chunks::<C>().0[taps.range()].iter().zip(&taps.weights);
            *out = pixels.fold([0.5; C], add_weighted).map(|level| level as u8);
        }
    }
    out
}

fn add_weighted<const C: usize>(mut sum: [f32; C], (pixel, weight): (&[f32; C], &f32)) -> [f32; C] {
    sum.iter_mut().zip(pixel).for_each(|(sum, level)| *sum += weight * level);
    sum
}

/// Sums weighted rows.
fn sum_rows(samples: &[u8], row: &Taps, sum: &mut [f32]) {
    Level::detected().run(
        #[inline(always)]
        || {
            sum.fill(0.0);
            for (&weight, j) in row.weights.iter().zip(row.range()) {
                let samples = &samples[j * sum.len()..][..sum.len()];
                sum.iter_mut().zip(samples).for_each(|(sum, &sample)| *sum += weight * f32::from(sample));
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_samples_stay() {
        for (from, to) in [([7, 9], [3, 4]), ([30, 5], [2, 5]), ([5, 5], [9, 11])] {
            let out = resampled::<3>(&vec![200; 3 * from[0] * from[1]], from, to);
            assert_eq!(out, vec![200; 3 * to[0] * to[1]]);
        }
    }

    #[test]
    fn halving_weights_neighbours_by_a_triangle() {
        // An output pixel has the weights (1, 3, 3, 1) / 8.
        let out = resampled::<1>(&[0, 0, 0, 80, 0, 0, 0, 0], [1, 8], [1, 4]);
        assert_eq!(out, [0, 30, 10, 0]);
    }
}

//! Random rotations, which spread a vector's variance over all dimensions.

use super::{
    linear::Linear,
    orthonormal::{random, to_rows},
};
use crate::{
    error::{Error, Result},
    quantise::random_streams::{TRANSFORM_STREAM, seeded},
};

/// Draws a map from `d_in` to `d_out` dimensions with orthonormal rows, or orthonormal columns if
/// `d_out > d_in`. The values differ from faiss's for the same seed.
///
/// # Errors
/// A dimension is 0.
pub(crate) fn random_rotation(d_in: usize, d_out: usize, seed: u64) -> Result<Linear> {
    if d_in == 0 || d_out == 0 {
        return Err(Error::argument("dimensions of the rotation", "at least 1", d_in.min(d_out)));
    }
    Linear::new(d_in, to_rows(&random(d_out, d_in, &mut seeded(seed, TRANSFORM_STREAM))), vec![])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn rotations_are_orthonormal_in_single_precision_and_reversible() {
        let device = Device::flex();
        for (d_in, d_out) in [(1, 1), (64, 64), (64, 100)] {
            let rotation = random_rotation(d_in, d_out, 5).expect("has dimensions");
            assert!(rotation.is_orthonormal());
            let rows: Vec<f32> = (0..40 * d_in).map(|i| (i as f32 * 0.37).sin()).collect();
            let back = rotation.reverse(&rotation.apply(&rows, &device).expect("applies"), &device);
            let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
            assert!(rows.iter().zip(&back.expect("orthonormal")).all(close));
        }
        assert!(random_rotation(64, 20, 5).expect("has dimensions").is_orthonormal());
        assert!(random_rotation(0, 4, 5).is_err() && random_rotation(4, 0, 5).is_err());
    }
}

//! Cosines of queries and stored descriptors.

use half::{f16, slice::HalfFloatSliceExt};

/// Lanes of the sums, which the compiler turns into vector instructions.
const LANES: usize = 16;

/// Query that is compared with descriptors of its dimension.
pub struct Query<'a> {
    values: &'a [f32],
    /// Inverse of the query's length; 0 for a query of length 0, whose cosines are 0.
    scale: f32,
    /// Descriptor in float32.
    stored: Vec<f32>,
}

impl<'a> Query<'a> {
    /// Prepares a query of any length.
    pub fn new(values: &'a [f32]) -> Self {
        let scale = inverse(dot(values, values));
        Self { values, scale, stored: vec![0.0; values.len()] }
    }

    /// Cosine of the query and a descriptor, in -1..=1 but for rounding; 0 if either has length 0.
    pub fn cosine(&mut self, descriptor: &[f16]) -> f32 {
        descriptor.convert_to_f32_slice(&mut self.stored);
        let length = inverse(dot(&self.stored, &self.stored));
        dot(self.values, &self.stored) * self.scale * length
    }
}

fn inverse(squared: f32) -> f32 {
    if squared > 0.0 { squared.sqrt().recip() } else { 0.0 }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_are_those_of_float64() {
        for d in [1, 7, 16, 100, 512] {
            let values = |salt: usize| (0..d).map(move |i| ((i * 37 + salt * 11) % 23) as f32 / 11.0 - 0.97);
            let (query, stored): (Vec<f32>, Vec<f16>) =
                (values(1).collect(), values(5).map(f16::from_f32).collect());
            let pairs = || query.iter().zip(&stored).map(|(q, s)| (f64::from(*q), s.to_f64()));
            let sum = |term: fn((f64, f64)) -> f64| pairs().map(term).sum::<f64>();
            let expected = sum(|(q, s)| q * s) / (sum(|(q, _)| q * q) * sum(|(_, s)| s * s)).sqrt();
            let found = f64::from(Query::new(&query).cosine(&stored));
            assert!((found - expected).abs() < 1e-6, "{d}: {found} for {expected}");
        }
    }

    #[test]
    fn a_descriptor_of_length_0_has_cosine_0() {
        assert_eq!(Query::new(&[1.0, 0.0]).cosine(&[f16::ZERO; 2]), 0.0);
        assert_eq!(Query::new(&[0.0, 0.0]).cosine(&[f16::ONE; 2]), 0.0);
    }
}

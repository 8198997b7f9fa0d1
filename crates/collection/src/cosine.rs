//! Cosines of queries and stored descriptors.

use half::f16;
use simd::Level;

/// Lanes of the sums, which the compiler turns into vector instructions.
const LANES: usize = 32;

/// Query that is compared with descriptors of its dimension.
pub struct Query<'a> {
    values: &'a [f32],
    /// Inverse of the query's length; 0 for a query of length 0, whose cosines are 0.
    scale: f32,
    level: Level,
}

impl<'a> Query<'a> {
    /// Prepares a query of any length.
    pub fn new(values: &'a [f32]) -> Self {
        let squared: f32 = values.iter().map(|value| value * value).sum();
        Self { values, scale: inverse(squared), level: Level::detected() }
    }

    /// Cosine of the query and a descriptor, in -1..=1 but for rounding; 0 if either has length 0. Values of the descriptor
    /// are finite.
    pub fn cosine(&self, descriptor: &[f16]) -> f32 {
        let values = self.values;
        let Sums { product, squared } = self.level.run(
            #[inline(always)]
            || sums(values, descriptor),
        );
        product * self.scale * inverse(squared)
    }
}

fn inverse(squared: f32) -> f32 {
    if squared > 0.0 { squared.sqrt().recip() } else { 0.0 }
}

/// Sums over the dimensions of a query and a descriptor.
struct Sums {
    /// Products of both.
    product: f32,
    /// Squares of the descriptor.
    squared: f32,
}

#[inline(always)]
fn sums(query: &[f32], descriptor: &[f16]) -> Sums {
    let (mut products, mut squares) = ([0.0f32; LANES], [0.0f32; LANES]);
    let ((query, query_rest), (stored, stored_rest)) =
        (query.as_chunks::<LANES>(), descriptor.as_chunks::<LANES>());
    for (query, stored) in query.iter().zip(stored) {
        for lane in 0..LANES {
            let value = widened(stored[lane]);
            products[lane] += query[lane] * value;
            squares[lane] += value * value;
        }
    }
    for (lane, (query, stored)) in query_rest.iter().zip(stored_rest).enumerate() {
        let value = widened(*stored);
        products[lane] += query * value;
        squares[lane] += value * value;
    }
    Sums { product: total(products), squared: total(squares) }
}

/// Sum of all lanes, in halves: a sum one by one would wait for each addition.
#[inline(always)]
fn total(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        let (low, high) = lanes.split_at_mut(width);
        low.iter_mut().zip(high).for_each(|(low, high)| *low += *high);
        width /= 2;
    }
    lanes[0]
}

/// Value of a finite float16, exactly and without branches: sign, exponent and fraction go to their places in a float32, and
/// a product makes up for the difference of the biases, 127 - 15.
#[inline(always)]
fn widened(value: f16) -> f32 {
    const BIAS: f32 = f32::from_bits((127 + 127 - 15) << 23);
    const PLACES: u32 = 1 << 31 | 0x7fff << 13;
    // Extended by its sign, which the shift leaves in the highest bit.
    let bits = i32::from(value.to_bits().cast_signed());
    f32::from_bits((bits << 13).cast_unsigned() & PLACES) * BIAS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widened_values_are_those_of_every_finite_float16() {
        for value in (0..=u16::MAX).map(f16::from_bits).filter(|value| value.is_finite()) {
            assert_eq!(widened(value).to_bits(), value.to_f32().to_bits(), "{value}");
        }
    }

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

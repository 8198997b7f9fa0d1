//! Comparison of a query with codes of signs.

use super::{RaBitQuantiser, factors};
use crate::metric::{Metric, squared_norm};

/// A query's residual from the centre, rounded to `qb` bits, and what is precomputed from it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SignQuery {
    metric: Metric,
    /// Rounded components, `[d]`: whole numbers unless `qb` is 0.
    components: Vec<f32>,
    /// Factors of the sum of the components whose bit is set and of the number of those bits, and a constant:
    /// they make the estimate of the cosine of a code and the residual.
    scale: f32,
    per_bit: f32,
    constant: f32,
    /// `|q - c|^2`.
    residual_norm: f32,
}

impl RaBitQuantiser {
    /// Prepares a query `[d]` around the centre.
    pub fn query(&self, query: &[f32]) -> SignQuery {
        match self.centre.is_empty() {
            true => self.residual_query(query),
            false => {
                self.residual_query(&query.iter().zip(&self.centre).map(|(q, c)| q - c).collect::<Vec<_>>())
            }
        }
    }

    /// Prepares the residual `[d]` of a query from a centre.
    fn residual_query(&self, residual: &[f32]) -> SignQuery {
        let inverse = 1.0 / (self.d as f32).sqrt();
        let residual_norm = squared_norm(residual) as f32;
        let common = |components, scale, per_bit, constant| SignQuery {
            metric: self.metric,
            components,
            scale,
            per_bit,
            constant,
            residual_norm,
        };
        if self.qb == 0 {
            let sum: f32 = residual.iter().sum();
            return common(residual.to_vec(), 2.0 * inverse, 0.0, sum * inverse);
        }
        let least = residual.iter().copied().fold(f32::INFINITY, f32::min);
        let most = residual.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let last = ((1u32 << self.qb) - 1) as f32;
        let step = (most - least) / last;
        let inverse_step = 1.0 / step;
        let round = |x: &f32| ((x - least) * inverse_step).round().clamp(0.0, last);
        // Equal components have no step; NaN then counts as 0.
        let components: Vec<f32> =
            residual.iter().map(round).map(|x| if x.is_nan() { 0.0 } else { x }).collect();
        let sum: f32 = components.iter().sum();
        let constant = inverse * (step * sum + self.d as f32 * least);
        common(components, 2.0 * step * inverse, 2.0 * least * inverse, constant)
    }
}

impl SignQuery {
    /// Writes the estimated squared distances to codes `[out.len(), code_size]` to `out`, or for the inner product
    /// the estimated products minus half the query's squared norm.
    pub fn distances(&self, codes: &[u8], out: &mut [f32]) {
        let size = super::code_size(self.components.len());
        for (code, out) in codes.chunks_exact(size).zip(out) {
            let (base, factor) = factors(code);
            let (sum, count) = self.sum_of_set_bits(code);
            let cosine = self.scale * sum + self.per_bit * count - self.constant;
            let distance = base + self.residual_norm - 2.0 * factor * cosine;
            *out = match self.metric {
                Metric::L2 => distance.max(0.0),
                Metric::InnerProduct => -0.5 * distance,
            };
        }
    }

    /// Sum and number of the components whose bit is set.
    fn sum_of_set_bits(&self, code: &[u8]) -> (f32, f32) {
        let mut sums = [0.0f32; 8];
        let mut count = 0;
        for (components, &byte) in self.components.chunks(8).zip(code) {
            let within = byte & (u16::MAX >> (16 - components.len())) as u8;
            count += within.count_ones();
            for (j, (sum, x)) in sums.iter_mut().zip(components).enumerate() {
                *sum += if byte >> j & 1 == 1 { *x } else { 0.0 };
            }
        }
        (sums.iter().sum(), count as f32)
    }
}

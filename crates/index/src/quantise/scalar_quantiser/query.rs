//! Comparison of a query with codes of whole steps.

use std::borrow::Cow;

use simd::Level;

use super::{ScalarQuantiser, packed_steps::unpack};
use crate::{
    factory::ScalarType,
    kernels::sq8::{Tables, distances},
    metric::Metric,
};

/// Tables of a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StepQuery {
    /// The query minus the middle of every dimension's first step, and the widths of the steps; both `[d]`.
    L2 { shifted: Vec<f32>, steps: Vec<f32> },
    /// The constant part of the inner product, and the factors of the steps, `[d]`.
    InnerProduct { bias: f32, weights: Vec<f32> },
}

impl ScalarQuantiser {
    /// Prepares a query of `d` dimensions for [`StepQuery::distances`]; `None` if codes have no steps, or if the
    /// sums of steps lose digits.
    pub fn query(&self, metric: Metric, query: &[f32]) -> Option<StepQuery> {
        let (bases, steps) = self.first_steps()?;
        let pairs = query.iter().zip(bases);
        Some(match metric {
            Metric::L2 => {
                let shifted = pairs.map(|(&q, base)| (f64::from(q) - base) as f32).collect();
                StepQuery::L2 { shifted, steps }
            }
            Metric::InnerProduct => {
                let bias = pairs.map(|(&q, base)| f64::from(q) * base).sum::<f64>() as f32;
                let weights = query.iter().zip(steps).map(|(q, step)| q * step).collect();
                StepQuery::InnerProduct { bias, weights }
            }
        })
    }

    /// Middle of the first step and width of the steps of each dimension, both `[d]`; `None` if codes have no
    /// steps, or if the first one is far from the others' sums.
    fn first_steps(&self) -> Option<(Vec<f64>, Vec<f32>)> {
        let count = f32::from(self.steps());
        let step = |(vmin, vdiff): (f32, f32)| {
            (f64::from(vmin) + 0.5 * f64::from(vdiff) / f64::from(count), vdiff / count)
        };
        match self.kind {
            ScalarType::Fp16 | ScalarType::Bf16 | ScalarType::DirectSigned8 => None,
            ScalarType::Direct8 => Some((vec![0.0; self.d], vec![1.0; self.d])),
            _ => Some(self.ranges().map(step).unzip()),
        }
    }

    /// Steps of codes `[n, code_size]`, one byte each: `[n, d]`.
    pub fn step_bytes<'a>(&self, codes: &'a [u8]) -> Cow<'a, [u8]> {
        let bits = self.kind.bits();
        if bits == 8 {
            return Cow::Borrowed(codes);
        }
        let codes = codes.chunks_exact(self.code_size());
        let mut steps = Vec::with_capacity(codes.len() * self.d);
        codes.for_each(|code| steps.extend(unpack(bits, code).take(self.d)));
        Cow::Owned(steps)
    }
}

impl StepQuery {
    /// Writes the squared distances to codes of the steps `[out.len(), d]`, or inner products with them, to
    /// `out`.
    pub fn distances(&self, level: Level, steps_of_codes: &[u8], out: &mut [f32]) {
        let tables = match self {
            Self::L2 { shifted, steps } => Tables::L2 { shifted, steps },
            Self::InnerProduct { bias, weights } => Tables::InnerProduct { bias: *bias, weights },
        };
        distances(level, tables, steps_of_codes, out);
    }
}

//! E-values and what they promise.

use ::find::binomial::clopper_pearson;
use serde::Serialize;

use super::lookup::Lookup;
use crate::{
    bootstrap::Bootstrap,
    error::{Error, Result},
};

/// E-values of a calibration plot, decades and their thirds.
pub const THRESHOLDS: [f64; 13] = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];

/// Share of unrelated lookups with a result up to an E-value, beside the share that it promises.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Kept {
    /// The E-value.
    pub e_value: f64,
    /// Share of lookups expected to have a result by chance: results are rare and independent, so their number has
    /// Poisson's law, and the share is 1 - exp(-E) (Karlin and Altschul 1990).
    pub promised: f64,
    /// Share of lookups that have one.
    pub seen: f64,
    /// Number of lookups that have one.
    pub count: usize,
    /// Bounds of the share at 95 %, after Clopper and Pearson, as if lookups were independent.
    pub interval: [f64; 2],
    /// Bounds of 95 % of the resamples of photographs, each with all its edits.
    pub interval_of_photographs: [f64; 2],
}

impl Kept {
    /// Compares unrelated lookups with the promise of `e_value`. Without lookups the seen share is 0.
    ///
    /// # Errors
    /// [`Error::NoResamples`].
    pub fn new(e_value: f64, unrelated: &[&Lookup], bootstrap: &Bootstrap) -> Result<Self> {
        let has_result = |lookup: &Lookup| lookup.wrong().any(|found| found.e_value <= e_value);
        let count = unrelated.iter().filter(|lookup| has_result(lookup)).count();
        let exact = clopper_pearson(count, unrelated.len());
        let photographs = unrelated.iter().map(|lookup| lookup.photograph).max().map_or(0, |last| last + 1);
        let (mut counts, mut totals) = (vec![0.0; photographs], vec![0.0; photographs]);
        for lookup in unrelated {
            counts[lookup.photograph] += f64::from(u8::from(has_result(lookup)));
            totals[lookup.photograph] += 1.0;
        }
        Ok(Self {
            e_value,
            promised: -(-e_value).exp_m1(),
            seen: count as f64 / unrelated.len().max(1) as f64,
            count,
            interval: [exact.low, exact.high],
            interval_of_photographs: resampled(&counts, &totals, bootstrap)?,
        })
    }

    /// Returns whether the promise is within the interval of either kind.
    pub fn is_within(&self) -> bool {
        let holds = |[low, high]: [f64; 2]| (low..=high).contains(&self.promised);
        holds(self.interval) || holds(self.interval_of_photographs)
    }
}

/// Returns the interval of the sum of `counts` over that of `totals`. Photographs without lookups are not drawn.
fn resampled(counts: &[f64], totals: &[f64], bootstrap: &Bootstrap) -> Result<[f64; 2]> {
    let pairs: Vec<(f64, f64)> =
        counts.iter().copied().zip(totals.iter().copied()).filter(|(_, total)| *total > 0.0).collect();
    let share = |drawn: &[u32]| {
        let sum = |of: fn(&(f64, f64)) -> f64| -> f64 {
            pairs.iter().zip(drawn).map(|(pair, times)| of(pair) * f64::from(*times)).sum()
        };
        vec![sum(|pair| pair.0) / sum(|pair| pair.1)]
    };
    match bootstrap.intervals(pairs.len(), share) {
        Ok(intervals) => Ok([intervals[0].low, intervals[0].high]),
        Err(Error::NoQueries) => Ok([0.0, 1.0]),
        Err(error) => Err(error),
    }
}

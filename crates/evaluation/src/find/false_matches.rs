//! False matches, and recall at a rate of them.

use ::find::binomial::clopper_pearson;
use serde::Serialize;

use super::lookup::Lookup;

/// Share of the lookups whose best wrong scores make the tail that is extrapolated.
const TAIL: f64 = 0.1;
/// Least number of scores in a tail.
const LEAST: usize = 20;

/// Lookups that have a false match.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FalseMatches {
    /// Number of lookups.
    pub lookups: usize,
    /// Number of those with a wrong entry whose verdict is `match`.
    pub count: usize,
    /// Bounds of the share at 95 %, after Clopper and Pearson.
    pub interval: [f64; 2],
}

/// Recall at a threshold that lets through one false match in a number of lookups.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RecallAtRate {
    /// Share of unrelated lookups that have a false match.
    pub rate: f64,
    /// E-value below which a result counts.
    pub e_value: f64,
    /// Share of the copies whose right entry counts.
    pub recall: f64,
    /// Basis of the threshold.
    pub basis: Basis,
}

/// Basis of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Counted among the unrelated lookups.
    Seen,
    /// Extrapolated from the tail of the unrelated lookups.
    Extrapolated,
    /// The promise of E-values, because there are too few unrelated lookups.
    Promised,
}

impl FalseMatches {
    /// Counts lookups.
    pub fn of<'a>(lookups: impl Iterator<Item = &'a Lookup>) -> Self {
        let is_false = |lookup: &Lookup| lookup.wrong().any(|found| found.is_match);
        let (mut n, mut count) = (0, 0);
        for lookup in lookups {
            n += 1;
            count += usize::from(is_false(lookup));
        }
        let interval = clopper_pearson(count, n);
        Self { lookups: n, count, interval: [interval.low, interval.high] }
    }
}

impl RecallAtRate {
    /// Measures the recall of copies at a rate of false matches among unrelated lookups. Both are given by scores: of the right
    /// entry of each copy and of the best wrong entry of each unrelated lookup, minus infinity where none was found.
    pub fn new(rate: f64, copies: &[f64], unrelated: &[f64]) -> Self {
        let (threshold, basis) = threshold(rate, unrelated);
        let above = copies.iter().filter(|score| **score > threshold).count();
        let recall = above as f64 / copies.len().max(1) as f64;
        Self { rate, e_value: 10_f64.powf(-threshold), recall, basis }
    }
}

/// Returns the score that a share `rate` of lookups exceed by a wrong entry.
///
/// As far as lookups were made, it is counted. Beyond them, excesses over a high score are taken as exponential: the
/// generalised Pareto law of shape 0 (Pickands 1975; Coles 2001, *An Introduction to Statistical Modeling of Extreme Values*,
/// section 4.2), which E-values have by their definition.
fn threshold(rate: f64, unrelated: &[f64]) -> (f64, Basis) {
    let n = unrelated.len();
    let mut falling = unrelated.to_vec();
    falling.sort_by(|a, b| b.total_cmp(a));
    let allowed = (rate * n as f64) as usize;
    if (1..n).contains(&allowed) {
        return (falling[allowed], Basis::Seen);
    }
    let finite = falling.iter().filter(|score| score.is_finite()).count();
    let tail = ((TAIL * n as f64) as usize).max(LEAST).min(finite.saturating_sub(1));
    if tail < LEAST {
        return (-(-rate).ln_1p().abs().log10(), Basis::Promised);
    }
    let edge = falling[tail];
    let excess = falling[..tail].iter().map(|score| score - edge).sum::<f64>() / tail as f64;
    let share = tail as f64 / n as f64;
    (edge + excess * (share / rate).ln(), Basis::Extrapolated)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores of unrelated lookups whose E-values keep their promise: a share of 10^-s exceeds s.
    fn promised(n: usize) -> Vec<f64> {
        (0..n).map(|i| -((i as f64 + 0.5) / n as f64).log10()).collect()
    }

    #[test]
    fn a_rate_that_was_seen_is_counted() {
        let unrelated: Vec<f64> = (0..1000).map(f64::from).collect();
        let copies = [998.5, 999.0, 997.0, f64::NEG_INFINITY];
        let at = RecallAtRate::new(1e-3, &copies, &unrelated);
        assert_eq!((at.recall, at.basis), (0.5, Basis::Seen), "one unrelated score, 999, is above 998");
        let at = RecallAtRate::new(2e-3, &copies, &unrelated);
        assert_eq!(at.recall, 0.5, "two are above 997, which a copy must exceed");
    }

    #[test]
    fn kept_promises_are_extrapolated_to_the_same_e_value() {
        for rate in [1e-5, 1e-6, 1e-9] {
            let at = RecallAtRate::new(rate, &[], &promised(10_000));
            assert_eq!(at.basis, Basis::Extrapolated);
            // The mean of 1,000 excesses is right to some 3 %.
            assert!((at.e_value.log10() / rate.log10() - 1.0).abs() < 0.03, "{at:?}");
        }
    }

    #[test]
    fn few_lookups_leave_the_promise() {
        for unrelated in [vec![], vec![1.0; 3], vec![f64::NEG_INFINITY; 200]] {
            let at = RecallAtRate::new(1e-6, &[5.9, 6.1], &unrelated);
            assert_eq!((at.basis, at.recall), (Basis::Promised, 0.5));
            assert!((at.e_value / 1e-6 - 1.0).abs() < 1e-5);
        }
    }
}

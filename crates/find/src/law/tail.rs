//! Tail of a law beyond a threshold (peaks over threshold, Coles 2001, chapter 4), and the part of the values it is fitted to.

use serde::{Deserialize, Serialize};

use super::{grouped::Grouped, pareto::Pareto};

/// Expected number of unrelated values beyond which a value is no longer taken for one of them.
const UNEXPECTED: f64 = 1e-3;
/// Share of the excesses that are taken for unrelated ones to begin with.
const FIRST: f64 = 0.9;
/// Most steps of a search for the end of the unrelated values.
const MOST_STEPS: usize = 100;

/// Tail of a law: `P(X >= x) = share * P(Y > x - threshold)` for `x >= threshold`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// Value from which the tail begins.
    pub threshold: f64,
    /// Probability of a value in the tail.
    pub share: f64,
    /// Law of the excesses over the threshold.
    #[serde(flatten)]
    pub excess: Pareto,
}

impl Tail {
    /// Probability of a value of at least `value`, which is no less than the threshold.
    pub fn probability(&self, value: f64) -> f64 {
        self.share * self.excess.survival((value - self.threshold).max(0.0))
    }

    /// Returns true if the numbers are those of a tail.
    pub(crate) fn is_valid(&self) -> bool {
        self.threshold.is_finite() && self.share > 0.0 && self.share <= 1.0 && self.excess.is_valid()
    }
}

/// Tail that was fitted, and the values it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FittedTail {
    pub tail: Tail,
    /// Value beyond which values were taken for those of relatives.
    pub end: f64,
    /// Number of values beyond.
    pub refused: u64,
}

/// Fits the tail beyond `threshold` to `excesses` over it, of `total` values that are given as unrelated; `None` if fewer than
/// `least` remain.
///
/// Excesses that no tail explains are refused, and the law is that of excesses which are known below their end alone (right
/// truncation).
pub fn fit(excesses: &Grouped, threshold: f64, total: u64, least: u64) -> Option<FittedTail> {
    let end = end_of_unrelated(excesses)?;
    let excess = Pareto::fit(excesses, end)?;
    let taken = excesses.count_within(end);
    let share = (unrelated(&excess, taken, end) / total as f64).min(1.0);
    let fitted = FittedTail {
        tail: Tail { threshold, share, excess },
        end: threshold + end,
        refused: excesses.total() - taken,
    };
    (taken >= least).then_some(fitted)
}

/// Number of unrelated values, of which `taken` are below `end`.
fn unrelated(law: &Pareto, taken: u64, end: f64) -> f64 {
    taken as f64 / (1.0 - law.survival(end))
}

/// End of the unrelated excesses, by a forward search (Atkinson & Riani 2000): from the smaller ones on, those are taken in
/// that the law of the ones taken already does not exclude.
fn end_of_unrelated(excesses: &Grouped) -> Option<f64> {
    let mut end = excesses.quantile(FIRST)?;
    for _ in 0..MOST_STEPS {
        let law = Pareto::fit_exponential(excesses, end)?;
        let taken = excesses.count_within(end);
        let next = law.excess_of(UNEXPECTED / unrelated(&law, taken, end)).max(end);
        let is_last = excesses.count_within(next) == taken;
        end = next;
        if is_last {
            break;
        }
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAW: Pareto = Pareto { scale: 0.02, shape: 0.0 };

    fn quantiles(n: usize) -> Grouped {
        Grouped::of((0..n).map(|i| LAW.excess_of((i as f64 + 0.5) / n as f64)), 1e-4)
    }

    #[test]
    fn given_values_are_all_taken_but_for_those_that_no_tail_explains() {
        let mut excesses = quantiles(5000);
        let fitted = fit(&excesses, 0.12, 500_000, 20).unwrap();
        assert_eq!(fitted.refused, 0);
        assert!((fitted.tail.share / 0.01 - 1.0).abs() < 0.01, "{fitted:?}");
        excesses.add(0.6, 2);
        let with_copies = fit(&excesses, 0.12, 500_000, 20).unwrap();
        assert_eq!(with_copies.refused, 2);
        let scales = with_copies.tail.excess.scale / fitted.tail.excess.scale;
        assert!((scales - 1.0).abs() < 1e-6, "{with_copies:?} {fitted:?}");
        let beyond = fitted.tail.probability(0.12 + 0.02 * 1000f64.ln());
        assert!((beyond / 1e-5 - 1.0).abs() < 0.1, "{beyond}");
    }

    #[test]
    fn too_few_excesses_are_no_tail() {
        assert_eq!(fit(&quantiles(19), 0.12, 1000, 20), None);
        assert_eq!(fit(&Grouped::new(1e-4), 0.12, 1000, 20), None);
    }
}

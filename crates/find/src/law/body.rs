//! Body of a law: probabilities of values below its tail, by interpolation.

use serde::{Deserialize, Serialize};

/// Values, ascending, each with the probability of a value of at least that much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Body(Vec<[f64; 2]>);

/// Largest number of points, checked in texts from elsewhere.
const MOST_POINTS: usize = 1024;

impl Body {
    /// Body of points `[value, probability]`, sorted by value. Points that do not rise in value are left out.
    pub fn new(points: impl IntoIterator<Item = [f64; 2]>) -> Self {
        let mut kept: Vec<[f64; 2]> = Vec::new();
        for [value, probability] in points {
            let before = kept.last().map_or([f64::NEG_INFINITY, 1.0], |last| *last);
            if value > before[0] {
                kept.push([value, probability.min(before[1])]);
            }
        }
        Self(kept)
    }

    /// Smallest value of the body and its probability.
    pub fn first(&self) -> Option<[f64; 2]> {
        self.0.first().copied()
    }

    /// Probability of a value of at least `value`, straight between the points in its logarithm; that of the first or the
    /// last point outside, 1 without points.
    pub fn probability(&self, value: f64) -> f64 {
        let after = self.0.partition_point(|[at, _]| *at <= value);
        match (after.checked_sub(1).map(|i| self.0[i]), self.0.get(after)) {
            (Some([low, p]), Some(&[high, q])) => {
                let share = (value - low) / (high - low);
                (p.ln() * (1.0 - share) + q.ln() * share).exp()
            }
            (Some([_, p]), None) => p,
            (None, Some(&[_, q])) => q,
            (None, None) => 1.0,
        }
    }

    /// Returns true if values rise and probabilities fall.
    pub(crate) fn is_valid(&self) -> bool {
        let ordered = |pair: &[[f64; 2]]| pair[0][0] < pair[1][0] && pair[0][1] >= pair[1][1];
        let proper = |[value, p]: &[f64; 2]| value.is_finite() && *p > 0.0 && *p <= 1.0;
        self.0.len() <= MOST_POINTS && self.0.iter().all(proper) && self.0.windows(2).all(ordered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_those_of_the_points_and_between_them() {
        let body = Body::new([[0.0, 0.5], [0.1, 0.05], [0.1, 0.01], [0.2, 0.005]]);
        assert!(body.is_valid());
        for (value, expected) in [(-1.0, 0.5), (0.0, 0.5), (0.1, 0.05), (0.2, 0.005), (0.9, 0.005)] {
            assert!((body.probability(value) - expected).abs() < 1e-12, "{value}");
        }
        assert!((body.probability(0.05) - (0.5f64 * 0.05).sqrt()).abs() < 1e-12);
        assert_eq!(Body::new([]).probability(0.3), 1.0);
    }
}

//! Law of the inliers of an unrelated pair.

use serde::{Deserialize, Serialize};
use witness::Comparison;

use super::{
    grouped::Grouped,
    pareto::Pareto,
    tail::{self, Tail},
};

/// Largest share of unrelated pairs from whose inliers on the tail is fitted.
const SHARE: f64 = 0.02;
/// Least number of pairs in the tail.
const LEAST_EXCESSES: u64 = 20;
/// Probability below which the law is not trusted: no measurement reaches as far.
const FLOOR: f64 = 1e-12;

/// Correlation of the overlap that unrelated pairs with a fit did not reach: 0 of 860.
const AGREEING: f32 = 0.6;
/// Correlation of the overlap below which a fit is an accident, such as that of two fields of stars (.08) or of two ridges (.49). Of
/// 113 copies by eight edits the least was .78.
const DIFFERING: f32 = 0.55;
/// Inliers, in thresholds of the law, from which a fit stands although the overlap differs: compositions cover much of a picture.
/// Two galaxies among stars had 18 inliers, three thresholds.
const STRONG: f64 = 4.0;
/// Factor of the probability where the overlap agrees. At most .0035 of unrelated pairs do (95 %), so that a tenth leaves the
/// probability what it says, within a thirtieth.
const AGREEING_SHARE: f64 = 0.1;

/// Probability that the comparison of an unrelated pair shows at least as many inliers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InlierLaw(Tail);

impl InlierLaw {
    /// Law of photographs, for collections that have not measured their own.
    ///
    /// 14,399 pairs of 300 photographs and 48 others: .0085 have 6 inliers or more, and every 2.9 further ones are a tenth as
    /// frequent; thumbnails show the same. Entries near to a query by their descriptors share more with it than those pairs
    /// do, so that a hundredth and 4 inliers a decade are taken.
    pub fn standard() -> Self {
        let excess = Pareto::exponential(4.0 / std::f64::consts::LN_10);
        Self(Tail { threshold: 6.0, share: 0.01, excess })
    }

    /// Fits the law to the inliers of unrelated pairs; `None` if too few of them have any.
    pub fn fit(inliers: &[usize]) -> Option<Self> {
        let beyond = |least: usize| inliers.iter().filter(|n| **n >= least).count();
        let most = (SHARE * inliers.len() as f64) as usize;
        let threshold = (1..).find(|least| beyond(*least) <= most)?;
        let mut excesses = Grouped::new(1.0);
        let tail = inliers.iter().filter(|n| **n >= threshold);
        tail.for_each(|n| excesses.add((n - threshold) as f64, 1));
        let total = inliers.len() as u64;
        let fitted = tail::fit(&excesses, threshold as f64, total, LEAST_EXCESSES)?;
        Some(Self(fitted.tail))
    }

    /// Share of unrelated pairs whose inliers count as evidence at all.
    pub fn share(&self) -> f64 {
        self.0.share
    }

    /// Probability that an unrelated pair agrees at least as well; 1 for flat pictures, of which nothing is known.
    pub fn probability(&self, comparison: &Comparison) -> f64 {
        let inliers = comparison.inliers as f64;
        let is_weak = inliers < STRONG * self.0.threshold;
        let differs = is_weak && comparison.agreement.is_some_and(|agreement| agreement < DIFFERING);
        if comparison.is_flat || inliers < self.0.threshold || differs {
            return 1.0;
        }
        let agrees = comparison.agreement.is_some_and(|agreement| agreement >= AGREEING);
        let further = if agrees { AGREEING_SHARE } else { 1.0 };
        (self.0.probability(inliers) * further).max(FLOOR)
    }

    /// Returns true if pictures that can be compared agree no better than unrelated ones.
    pub fn contradicts(&self, comparison: &Comparison) -> bool {
        !comparison.is_flat && self.probability(comparison) >= 1.0
    }

    /// Returns true if the numbers are those of a law.
    pub(crate) fn is_valid(&self) -> bool {
        self.0.is_valid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(inliers: usize) -> Comparison {
        Comparison { inliers, matched: 100, is_flat: false, agreement: None, fit: None }
    }

    /// Inliers of which each further one is half as frequent: 2^12 pairs.
    fn halving() -> Vec<usize> {
        let counts = (0..12).flat_map(|n| std::iter::repeat_n(n, 1 << (11 - n)));
        counts.chain([12]).collect()
    }

    #[test]
    fn the_probability_is_that_of_the_pairs_and_goes_on_beyond_them() {
        let law = InlierLaw::fit(&halving()).unwrap();
        for inliers in [6usize, 8, 12, 20] {
            let expected = 0.5f64.powi(inliers as i32);
            let found = law.probability(&comparison(inliers));
            assert!((0.6..1.7).contains(&(found / expected)), "{found} for {expected} at {inliers}");
        }
        assert_eq!(law.probability(&comparison(2)), 1.0);
        assert_eq!(law.probability(&comparison(5000)), FLOOR);
    }

    #[test]
    fn a_copy_among_the_pairs_does_not_hide_others() {
        let mut inliers = halving();
        let without = InlierLaw::fit(&inliers).unwrap().probability(&comparison(20));
        inliers.extend([180, 250]);
        let with = InlierLaw::fit(&inliers).unwrap().probability(&comparison(20));
        assert!(with < 3.0 * without, "{with} {without}");
    }

    #[test]
    fn flat_pictures_give_no_evidence() {
        let flat = Comparison { is_flat: true, ..comparison(40) };
        assert_eq!(InlierLaw::standard().probability(&flat), 1.0);
        assert!(!InlierLaw::standard().contradicts(&Comparison { inliers: 0, ..flat }));
    }

    #[test]
    fn an_overlap_that_agrees_is_further_evidence() {
        let law = InlierLaw::standard();
        let of = |agreement| law.probability(&Comparison { agreement, ..comparison(10) });
        assert!((of(None) / 1e-3 - 1.0).abs() < 1e-9, "a hundredth at 6, a decade each 4: {}", of(None));
        assert_eq!(of(Some(0.58)), of(None));
        assert_eq!(of(Some(0.5)), 1.0, "a fit by accident");
        assert!(law.contradicts(&comparison(5)) && !law.contradicts(&comparison(6)));
        assert!((of(Some(0.9)) / of(None) - 0.1).abs() < 1e-9);
    }

    #[test]
    fn pairs_without_inliers_are_no_law() {
        assert!(InlierLaw::fit(&[0; 1000]).is_none());
        assert!(InlierLaw::fit(&[]).is_none());
    }
}

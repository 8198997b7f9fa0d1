//! Law of the best cosine that a query without a match finds.

use serde::{Deserialize, Serialize};

use super::{body::Body, golden_section::maximum, pareto::Pareto};

/// Share of the best cosines that the tail is fitted to.
const SHARE: f64 = 0.4;
/// Least number of best cosines in the tail.
const LEAST_EXCESSES: usize = 20;
/// Points of the body.
const POINTS: usize = 32;
/// Interval of the scale, in mean excesses.
const SCALES: (f64, f64) = (0.05, 20.0);

/// Expected number of unrelated entries of at least a cosine among those that a search compares.
///
/// Their number beyond `s` is a Poisson variable of mean `E(s)`, so that the best cosine M has `P(M >= s) = 1 - exp(-E(s))`
/// (Coles 2001, chapter 7). Beyond the threshold `E(s) = rate * P(Y > s - threshold)` with a Pareto law of the excess `Y`,
/// the generalised extreme value law of M; below it E follows from the best cosines as they were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestLaw {
    pub body: Body,
    /// Cosine from which the tail begins.
    pub threshold: f64,
    /// `E(threshold)`.
    pub rate: f64,
    /// Law of excesses over the threshold.
    #[serde(flatten)]
    pub excess: Pareto,
}

impl BestLaw {
    /// Least shape of the tail. That of 9,138 photographs of one public set against 795 of another is .046 (likelihood ratio
    /// 8.5 against 0): some queries resemble more entries than others do. With 0, E-values of .001 are too small by a factor of
    /// 1.9 there, on average over fits to 400 of the queries, and right with .05.
    pub const LEAST_SHAPE: f64 = 0.05;

    /// Fits the law to the best cosine of each query; `None` stands for a query that found nothing. Cosines of `end` and more,
    /// those of relatives, must have been left out before the best were taken. The shape is given, because
    /// a few hundred queries do not show it; see [`Self::LEAST_SHAPE`].
    ///
    /// Returns `None` if there are too few.
    pub fn fit(best: &[Option<f32>], shape: f64, end: f64) -> Option<Self> {
        let mut found: Vec<f64> = best.iter().flatten().map(|best| f64::from(*best)).collect();
        found.sort_by(f64::total_cmp);
        let (n, k) = (best.len(), (SHARE * best.len() as f64) as usize);
        let k = k.min(found.len().checked_sub(1)?);
        if k < LEAST_EXCESSES {
            return None;
        }
        let (below, above) = found.split_at(found.len() - k);
        let threshold = *below.last()?;
        let excesses: Vec<f64> = above.iter().map(|value| value - threshold).collect();
        let (rate, excess) = most_likely(&excesses, n, shape, end - threshold);
        let body = body(&found, n).collect::<Vec<_>>();
        let body = Body::new(body.into_iter().filter(|[value, _]| *value <= threshold));
        Some(Self { body, threshold, rate, excess })
    }

    /// Expected number of unrelated entries of at least a cosine.
    pub fn expected(&self, cosine: f64) -> f64 {
        if cosine > self.threshold {
            return self.rate * self.excess.survival(cosine - self.threshold);
        }
        // Fewer were seen below the body, and none of them tells how many: the number rises further.
        let below = self.body.first().map_or(0.0, |[first, _]| (first - cosine).max(0.0));
        let seen = -(-self.body.probability(cosine)).ln_1p();
        (seen + below / self.excess.scale).max(self.rate)
    }

    /// Returns true if the numbers are those of a law.
    pub(crate) fn is_valid(&self) -> bool {
        let below_1 = self.body.first().is_none_or(|[_, p]| p < 1.0);
        let proper = self.threshold.is_finite() && self.rate.is_finite() && self.rate > 0.0;
        proper && below_1 && self.body.is_valid() && self.excess.is_valid()
    }
}

/// Points `[value, probability]` of the best cosines of `n` queries, ascending: of `i` at least as large ones the probability
/// is `i / (n + 1)` (Weibull's plotting position).
fn body(found: &[f64], n: usize) -> impl Iterator<Item = [f64; 2]> {
    let last = found.len() - 1;
    (0..=POINTS).map(move |point| {
        let i = point * last / POINTS;
        [found[i], (found.len() - i) as f64 / (n + 1) as f64]
    })
}

/// Rate and law of the excesses of `n` best cosines most likely to give those above the threshold.
///
/// With `f` and `S` the density and survival of the law and `w` the end, a best cosine at or below the threshold has the
/// probability `exp(-rate (1 - S(w)))`, and one of excess `y` the density `rate f(y) exp(-rate (S(y) - S(w)))`. For a given
/// law the likelihood is largest at `rate = k / A`, where `A` is the sum of what stands in the exponents.
fn most_likely(excesses: &[f64], n: usize, shape: f64, end: f64) -> (f64, Pareto) {
    let k = excesses.len() as f64;
    let mean = (excesses.iter().sum::<f64>() / k).max(1e-6);
    let law = |ln_scale: f64| Pareto { scale: ln_scale.exp(), shape };
    let rate = |law: &Pareto| {
        let beyond = law.survival(end);
        let above: f64 = excesses.iter().map(|y| law.survival(*y) - beyond).sum();
        k / ((n as f64 - k) * (1.0 - beyond) + above)
    };
    let likelihood =
        |law: Pareto| k * rate(&law).ln() + excesses.iter().map(|y| law.ln_density(*y)).sum::<f64>();
    let (low, high) = ((SCALES.0 * mean).ln(), (SCALES.1 * mean).ln());
    let best = law(maximum(low, high, |ln_scale| likelihood(law(ln_scale))).0);
    (rate(&best), best)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Best cosines at the middle quantiles of `P(M >= s) = 1 - exp(-rate exp(-(s - .2) / .02))`.
    fn gumbel(n: usize, rate: f64) -> Vec<Option<f32>> {
        let value = |i: usize| {
            let expected = -((i as f64 + 0.5) / n as f64).ln();
            Some((0.2 - 0.02 * (expected / rate).ln()) as f32)
        };
        (0..n).map(value).collect()
    }

    fn expected(cosine: f64, rate: f64) -> f64 {
        rate * (-(cosine - 0.2) / 0.02).exp()
    }

    #[test]
    fn the_expected_numbers_are_those_of_the_law_that_gave_the_best() {
        let law = BestLaw::fit(&gumbel(600, 1.0), 0.0, f64::INFINITY).unwrap();
        assert!((law.excess.scale / 0.02 - 1.0).abs() < 0.04, "{law:?}");
        for cosine in [0.19, 0.2, 0.22, 0.25, 0.3] {
            let ratio = law.expected(cosine) / expected(cosine, 1.0);
            assert!((0.8..1.25).contains(&ratio), "{ratio} at {cosine}");
        }
    }

    #[test]
    fn best_cosines_of_some_queries_alone_count_for_all() {
        let mut best = gumbel(600, 1.0);
        best.extend(std::iter::repeat_n(None, 600));
        let law = BestLaw::fit(&best, 0.0, f64::INFINITY).unwrap();
        // Half of the queries find anything at all.
        let share = |cosine: f64| 0.5 * (1.0 - (-expected(cosine, 1.0)).exp());
        for cosine in [0.2, 0.25] {
            let ratio = (1.0 - (-law.expected(cosine)).exp()) / share(cosine);
            assert!((0.85..1.2).contains(&ratio), "{ratio} at {cosine}");
        }
        assert!(law.expected(-1.0) > law.expected(0.1), "it rises below the body");
    }

    #[test]
    fn what_was_cut_off_is_made_up_for() {
        // Each query's best of those below the end, of a process with the rate 5: nothing beyond is seen.
        let end = 0.24;
        let below = |i: usize| {
            let u = (i as f64 + 0.5) / 600.0;
            let expected_there = expected(end, 5.0) - u.ln();
            Some((0.2 - 0.02 * (expected_there / 5.0).ln()) as f32)
        };
        let best: Vec<Option<f32>> = (0..600).map(below).collect();
        let law = BestLaw::fit(&best, 0.0, end).unwrap();
        for cosine in [0.235, 0.3] {
            let ratio = law.expected(cosine) / expected(cosine, 5.0);
            assert!((0.5..2.0).contains(&ratio), "{ratio} at {cosine}");
        }
    }

    #[test]
    fn too_few_best_are_no_law() {
        assert_eq!(BestLaw::fit(&gumbel(40, 1.0), 0.0, f64::INFINITY), None);
        assert_eq!(BestLaw::fit(&[None; 500], 0.0, f64::INFINITY), None);
        assert_eq!(BestLaw::fit(&[], 0.0, f64::INFINITY), None);
    }
}

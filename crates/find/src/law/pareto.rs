//! Law of excesses over a threshold: the generalised Pareto distribution, and its fit by maximum likelihood.

use serde::{Deserialize, Serialize};

use super::{golden_section::maximum, grouped::Grouped};

/// Largest shape: the law of cosines is not heavier than any that has a variance.
pub const MAX_SHAPE: f64 = 0.5;
/// Deviance above which a shape other than 0 is taken: the 95 % point of chi-squared with one degree of freedom (Coles
/// 2001, section 2.6.6).
const DEVIANCE: f64 = 3.841;

/// Generalised Pareto distribution of an excess `y >= 0` (Coles 2001, eq. 4.2):
/// `P(Y > y) = (1 + shape y / scale)^(-1 / shape)`, and `exp(-y / scale)` for shape 0.
///
/// Shapes below 0, laws with an end, are not among them: no cosine is impossible.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pareto {
    /// Scale, above 0.
    pub scale: f64,
    /// Shape in 0..=0.5; 0 is the exponential law.
    pub shape: f64,
}

impl Pareto {
    /// Exponential law of a mean excess.
    pub fn exponential(scale: f64) -> Self {
        Self { scale, shape: 0.0 }
    }

    /// Probability of an excess above `y`.
    pub fn survival(&self, y: f64) -> f64 {
        (-self.cumulative_hazard(y)).exp()
    }

    /// Logarithm of the density at `y`.
    pub fn ln_density(&self, y: f64) -> f64 {
        -self.scale.ln() - (self.shape * y / self.scale).ln_1p() - self.cumulative_hazard(y)
    }

    /// Excess that is passed with a probability.
    pub fn excess_of(&self, probability: f64) -> f64 {
        let hazard = -probability.max(f64::MIN_POSITIVE).ln();
        match self.shape {
            0.0 => self.scale * hazard,
            shape => self.scale * (shape * hazard).exp_m1() / shape,
        }
    }

    /// `-ln P(Y > y)`.
    fn cumulative_hazard(&self, y: f64) -> f64 {
        match self.shape {
            0.0 => y / self.scale,
            shape => (shape * y / self.scale).ln_1p() / shape,
        }
    }

    /// Returns true if the parameters are those of a law.
    pub(crate) fn is_valid(&self) -> bool {
        self.scale.is_finite() && self.scale > 0.0 && (0.0..=MAX_SHAPE).contains(&self.shape)
    }

    /// Exponential law most likely to give the excesses below `end`, those beyond being unknown (right truncation); `None`
    /// without excesses.
    pub fn fit_exponential(excesses: &Grouped, end: f64) -> Option<Self> {
        let (law, _) = most_likely(excesses, end, 0.0)?;
        Some(law)
    }

    /// Law most likely to give the excesses below `end`, those beyond being unknown; exponential unless another shape is
    /// significantly more likely. `None` without excesses.
    pub fn fit(excesses: &Grouped, end: f64) -> Option<Self> {
        let (exponential, likelihood) = most_likely(excesses, end, 0.0)?;
        let of_shape = |shape: f64| most_likely(excesses, end, shape).map_or(f64::NEG_INFINITY, |(_, l)| l);
        let (shape, best) = maximum(0.0, MAX_SHAPE, of_shape);
        match 2.0 * (best - likelihood) > DEVIANCE {
            true => most_likely(excesses, end, shape).map(|(law, _)| law),
            false => Some(exponential),
        }
    }
}

/// Law of a shape most likely to give the excesses below `end`, and its log-likelihood.
fn most_likely(excesses: &Grouped, end: f64, shape: f64) -> Option<(Pareto, f64)> {
    let last = excesses.last_within(end)?;
    let range = ((excesses.width() / 10.0).ln(), (10.0 * last).ln());
    let law = |ln_scale: f64| Pareto { scale: ln_scale.exp(), shape };
    let (ln_scale, likelihood) = maximum(range.0, range.1, |ln| likelihood(&law(ln), excesses, end));
    Some((law(ln_scale), likelihood))
}

/// Log-likelihood of grouped excesses that are known below `end` alone: a group `[a, b)` has the probability
/// `(S(a) - S(b)) / (1 - S(end))`.
fn likelihood(law: &Pareto, excesses: &Grouped, end: f64) -> f64 {
    let mut n = 0;
    let mut sum = 0.0;
    for (from, to, count) in excesses.within(end) {
        let probability = law.survival(from) - law.survival(to);
        sum += count as f64 * probability.max(f64::MIN_POSITIVE).ln();
        n += count;
    }
    sum - n as f64 * (-law.survival(end)).ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Excesses at the middle quantiles of a law, grouped.
    fn quantiles(law: Pareto, n: usize, width: f64) -> Grouped {
        let values = (0..n).map(|i| law.excess_of((i as f64 + 0.5) / n as f64));
        Grouped::of(values, width)
    }

    #[test]
    fn the_excess_of_a_probability_is_the_inverse_of_the_survival() {
        for shape in [0.0, 0.1, 0.4] {
            let law = Pareto { scale: 0.02, shape };
            for probability in [0.9, 0.1, 1e-6] {
                assert!((law.survival(law.excess_of(probability)) / probability - 1.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_density_is_the_slope_of_the_survival() {
        for shape in [0.0, 0.3] {
            let law = Pareto { scale: 0.7, shape };
            for y in [0.1, 1.0, 3.0] {
                let slope = (law.survival(y - 1e-5) - law.survival(y + 1e-5)) / 2e-5;
                assert!((law.ln_density(y).exp() / slope - 1.0).abs() < 1e-6, "{shape} {y}");
            }
        }
    }

    #[test]
    fn the_laws_that_gave_the_excesses_are_found() {
        for shape in [0.0, 0.2, 0.4] {
            let law = Pareto { scale: 0.02, shape };
            let excesses = quantiles(law, 5000, 1e-4);
            let found = Pareto::fit(&excesses, f64::INFINITY).unwrap();
            assert!((found.scale / law.scale - 1.0).abs() < 0.03, "{found:?} for {law:?}");
            assert!((found.shape - law.shape).abs() < 0.03, "{found:?} for {law:?}");
        }
    }

    #[test]
    fn excesses_beyond_the_end_do_not_matter() {
        let law = Pareto::exponential(0.02);
        let mut excesses = quantiles(law, 5000, 1e-4);
        excesses.add(0.5, 400);
        let found = Pareto::fit_exponential(&excesses, 0.06).unwrap();
        assert!((found.scale / law.scale - 1.0).abs() < 0.02, "{found:?}");
    }

    #[test]
    fn whole_numbers_are_groups_of_width_1() {
        // Geometric: each further inlier is half as frequent, so that the scale is 1 / ln 2.
        let mut excesses = Grouped::new(1.0);
        (0..12u32).for_each(|n| excesses.add(f64::from(n), 1 << (11 - n)));
        let found = Pareto::fit_exponential(&excesses, f64::INFINITY).unwrap();
        assert!((found.scale * 2f64.ln() - 1.0).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn nothing_fits_no_excesses() {
        assert_eq!(Pareto::fit(&Grouped::new(0.1), f64::INFINITY), None);
    }
}

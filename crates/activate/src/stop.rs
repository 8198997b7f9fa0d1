//! Conditions that end an image's optimisation early.

use std::fmt;

use crate::objective::Step;

/// Condition that ends an image's optimisation before [`crate::Settings::iterations`]. It ends no image whose
/// objective `L` is above its initial value, so a released image is never worse than its original.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Stop {
    /// No early end.
    #[default]
    Never,
    /// The descriptor `x` is safe in its cell `c`: `min |x - o| - |x - c| >= margin` over all other centroids `o`,
    /// see [`index::Index::cell_margins`]. The descriptor is that of the pixels before rounding. An original that is
    /// safe is released unchanged. The index must have cells.
    Safe {
        /// Least margin, in distances between descriptors of unit norm.
        margin: f64,
    },
    /// The objective hardly improves: after step `i`, `L_(i-2) - L_i <= share * (L_0 - L_i)`.
    Settled {
        /// Improvement of the last two steps that counts as settled, as a share of the whole improvement.
        share: f64,
    },
}

/// Reason for the end of an image's optimisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All steps were taken.
    Iterations,
    /// The condition [`Stop::Safe`] was met.
    Safe,
    /// The condition [`Stop::Settled`] was met.
    Settled,
}

impl End {
    /// Name in reports: `iterations`, `safe` or `settled`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Iterations => "iterations",
            Self::Safe => "safe",
            Self::Settled => "settled",
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Number of steps over which the objective has to improve; a single step of Adam may raise it.
const WINDOW: usize = 2;

impl Stop {
    /// Name and value of the condition's number, which must be finite and at least 0.
    pub(crate) fn amount(self) -> (&'static str, f64) {
        match self {
            Self::Never => ("stop", 0.0),
            Self::Safe { margin } => ("margin", margin),
            Self::Settled { share } => ("share", share),
        }
    }

    /// End of an image with these objectives, from the original's to the current one, and this margin; `None` if the
    /// condition is not met.
    pub(crate) fn reached(self, steps: &[Step], margin: Option<f32>) -> Option<End> {
        let (first, last) = (steps.first()?.loss, steps.last()?.loss);
        let is_done = match self {
            Self::Never => false,
            Self::Safe { margin: least } => margin.is_some_and(|margin| f64::from(margin) >= least),
            Self::Settled { share } => {
                let earlier = steps.len().checked_sub(WINDOW + 1).map(|i| steps[i].loss);
                earlier.is_some_and(|earlier| earlier - last <= share * (first - last))
            }
        };
        let end = if matches!(self, Self::Safe { .. }) { End::Safe } else { End::Settled };
        (is_done && last <= first).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(losses: &[f64]) -> Vec<Step> {
        let step = |(iteration, &loss)| Step { iteration, loss, loss_f: loss, loss_i: 0.0, psnr: 0.0 };
        losses.iter().enumerate().map(step).collect()
    }

    #[test]
    fn settled_is_what_hardly_improved_over_the_window() {
        let reached = |losses: &[f64]| Stop::Settled { share: 0.1 }.reached(&steps(losses), None).is_some();
        assert!(!reached(&[1.0, 1.0]), "less than a window");
        assert!(reached(&[1.0, 1.0, 1.0]), "nothing improves");
        assert!(!reached(&[1.0, 0.5, 0.4]));
        assert!(!reached(&[1.0, 0.1, 0.0, -0.1]), "18 % of all");
        assert!(reached(&[1.0, 0.1, 0.05, 0.02]), "8 % of all");
        assert!(reached(&[1.0, 0.1, 0.3, 0.2]), "it got worse");
        assert!(!reached(&[1.0, 1.5, 1.2, 1.1]), "above its start");
    }

    #[test]
    fn safe_is_a_margin_without_loss() {
        let reached = |losses: &[f64], margin| Stop::Safe { margin: 0.1 }.reached(&steps(losses), margin);
        assert_eq!(reached(&[1.0], Some(0.1)), Some(End::Safe));
        assert_eq!(reached(&[1.0, 0.5], Some(0.09)), None);
        assert_eq!(reached(&[1.0, 1.5], Some(0.2)), None, "above its start");
        assert_eq!(reached(&[1.0, 0.5], None), None);
    }
}

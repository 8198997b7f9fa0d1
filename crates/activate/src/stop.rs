use std::fmt;

use crate::objective::Step;

/// When an image's optimisation ends before [`crate::Settings::iterations`]. It never ends where the objective `L` is above
/// its start, so that what is released is no worse than the image was.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Stop {
    /// Not before.
    #[default]
    Never,
    /// As soon as the descriptor `x` is safe in its cell `c`: `min |x - o| - |x - c| >= margin` over all other centroids
    /// `o`, see [`index::Index::cell_margins`]. For indexes with cells alone. An image that is safe as it is stays as it
    /// is. The descriptor is that of the pixels before they are rounded.
    Safe {
        /// In distances of descriptors of unit norm.
        margin: f64,
    },
    /// As soon as the objective hardly improves: after step `i`, where `L_(i-2) - L_i <= share * (L_0 - L_i)`.
    Settled {
        /// What the last two steps have to exceed, as a share of all improvement.
        share: f64,
    },
}

/// Why an image's optimisation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All steps were taken.
    Iterations,
    /// [`Stop::Safe`].
    Safe,
    /// [`Stop::Settled`].
    Settled,
}

impl End {
    /// `iterations`, `safe` or `settled`.
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

/// Steps over which the objective has to improve: Adam's single steps may go up.
const WINDOW: usize = 2;

impl Stop {
    /// Name and value of what has to be finite and at least 0.
    pub(crate) fn amount(self) -> (&'static str, f64) {
        match self {
            Self::Never => ("stop", 0.0),
            Self::Safe { margin } => ("margin", margin),
            Self::Settled { share } => ("share", share),
        }
    }

    /// Whether an image with these objectives, the last one after its last step, and this margin is done.
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

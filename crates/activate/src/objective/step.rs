//! Values of the objective at one step.

/// Objective of one image before one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Number of steps taken before.
    pub iteration: usize,
    /// Whole objective, `lambda_f * loss_f + lambda_i * loss_i`.
    pub loss: f64,
    /// Descriptor term, see [`crate::Objective`].
    pub loss_f: f64,
    /// Image term: the mean squared change in the network's normalised space.
    pub loss_i: f64,
    /// Peak signal-to-noise ratio of the changed image, neither rounded nor clamped, in dB.
    pub psnr: f64,
}

impl Step {
    /// Objective from the descriptor term and the mean squared change of each channel, in pixels of [0, 1]. `std` are
    /// the network's deviations, the unit of normalised space.
    pub(crate) fn new(
        iteration: usize,
        [lambda_f, lambda_i]: [f64; 2],
        std: [f32; 3],
        loss_f: f64,
        mean_squares: [f64; 3],
    ) -> Self {
        let normalised = mean_squares.iter().zip(std).map(|(s, std)| s / f64::from(std * std));
        let loss_i = normalised.sum::<f64>() / 3.0;
        let psnr = -10.0 * (mean_squares.iter().sum::<f64>() / 3.0).log10();
        Self { iteration, loss: lambda_f * loss_f + lambda_i * loss_i, loss_f, loss_i, psnr }
    }
}

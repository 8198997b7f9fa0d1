//! Transfers of an activation step, and the share of the step in which the host waits for the device.

use activate::{Objective, Settings};
use anyhow::Result;
use device_math::transfer::{Traffic, counted};

use crate::work::Side;

pub const HEADING: &str = "\
| a step | ms | of it the host waits | tensors sent | bytes sent | tensors read | bytes read |
|---|---|---|---|---|---|---|";

/// The paper's method, and the default's method on the image alone and on views of it.
pub fn settings(iterations: usize) -> [(&'static str, Settings); 3] {
    let robust = Settings { iterations, ..Settings::default() };
    let margin = Settings { objective: Objective::CellMargin, ..robust };
    [("paper", Settings { iterations, ..Settings::paper() }), ("cell margin", margin), ("views", robust)]
}

impl Side {
    /// Last columns of the table. The cost of a step is the difference between runs of more and of fewer
    /// steps, so work done once per image is not counted. A device that the host waits for during a step
    /// always had work.
    pub fn trace(&self, settings: Settings, batch: usize, side: usize) -> Result<String> {
        let long = Settings { iterations: 2 * settings.iterations, ..settings };
        // The first run chooses and compiles kernels.
        self.activate(long, batch, side)?;
        let run = |settings| {
            let (taken, traffic) = counted(|| self.activate(settings, batch, side));
            taken.map(|taken| (taken, traffic))
        };
        let ((first, less), (second, more)) = (run(settings)?, run(long)?);
        let steps = settings.iterations as f64;
        let per_step = |of: fn(&Traffic) -> usize| (of(&more) as f64 - of(&less) as f64) / steps;
        let taken = second.saturating_sub(first).as_secs_f64();
        let waited = more.waited.saturating_sub(less.waited).as_secs_f64();
        Ok(format!(
            "{:.2} | {:.0} % | {:.1} | {:.0} | {:.1} | {:.0}",
            1e3 * taken / steps,
            100.0 * waited / taken.max(f64::MIN_POSITIVE),
            per_step(|traffic| traffic.uploads),
            per_step(|traffic| traffic.sent),
            per_step(|traffic| traffic.downloads),
            per_step(|traffic| traffic.read),
        ))
    }
}

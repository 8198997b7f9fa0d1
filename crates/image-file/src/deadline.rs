//! The time limit of decoding one image.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// Time by which an image must be decoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    /// `None` if the limit exceeds the range of the clock.
    at: Option<Instant>,
    seconds: f64,
}

impl Deadline {
    /// A deadline `seconds` from now.
    pub(crate) fn starting_now(seconds: f64) -> Self {
        let limit = Duration::try_from_secs_f64(seconds.max(0.0)).ok();
        Self { at: limit.and_then(|limit| Instant::now().checked_add(limit)), seconds }
    }

    /// Returns true if the deadline has passed.
    pub(crate) fn has_passed(&self) -> bool {
        self.at.is_some_and(|at| Instant::now() >= at)
    }

    /// # Errors
    /// [`Error::TooSlow`] if the deadline has passed.
    pub(crate) fn check(&self) -> Result<()> {
        if self.has_passed() { Err(Error::TooSlow { limit: self.seconds }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_beyond_all_clocks_never_passes() {
        assert!(Deadline::starting_now(f64::INFINITY).check().is_ok());
        assert!(Deadline::starting_now(0.0).check().is_err());
    }
}

//! Outcome of a verb, and its exit code.

use std::process::ExitCode;

use super::interrupt;

/// Outcome of a verb that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All inputs were processed.
    Done,
    /// Some inputs failed, each reported with its reason.
    SomeFailed,
    /// The user ended the run, which finished what was begun.
    Interrupted,
}

impl Outcome {
    /// Returns [`Self::SomeFailed`] if any input failed.
    pub fn of(any_failed: bool) -> Self {
        if any_failed { Self::SomeFailed } else { Self::Done }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::SomeFailed => Self::from(1),
            Outcome::Interrupted => Self::from(interrupt::EXIT_CODE),
        }
    }
}

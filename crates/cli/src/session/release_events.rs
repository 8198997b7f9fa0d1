//! Events of a release on the terminal: a progress bar, notes, failures, interrupts.

use indicatif::ProgressBar;
use release::{Events, ReleasedImage};

use super::{
    Session,
    interrupt::{self, Watch},
    progress,
};

/// Events shown on the terminal; Ctrl-C may cancel the release, and waits for the writes of a batch.
pub struct ReleaseEvents<'a> {
    session: &'a Session,
    bar: ProgressBar,
    watch: Option<Watch>,
}

impl<'a> ReleaseEvents<'a> {
    /// Creates events of a release that Ctrl-C ends with the program.
    pub fn new(session: &'a Session) -> Self {
        Self { session, bar: progress::bar(0, "activating"), watch: None }
    }

    /// Creates events of a release that the first Ctrl-C cancels.
    pub fn watching(session: &'a Session) -> Self {
        Self { watch: Some(Watch::start()), ..Self::new(session) }
    }
}

impl Events for ReleaseEvents<'_> {
    fn begin(&self, steps: usize) {
        self.bar.set_length(steps as u64);
    }

    fn advance(&self, steps: usize) {
        self.bar.inc(steps as u64);
    }

    fn finished(&self, image: &ReleasedImage) {
        self.bar.suspend(|| {
            self.session.notes(&image.input, &image.notes);
            image.error.iter().for_each(|reason| self.session.failure(&image.input, reason));
        });
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn is_cancelled(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::is_requested)
    }

    fn uninterrupted(&self, write: &mut dyn FnMut()) {
        let _held = interrupt::hold_off();
        write();
    }
}

//! Events of a release on the terminal: a progress bar, notes, failures, interrupts.

use indicatif::ProgressBar;
use release::{Events, ReleasedImage};

use super::{
    Session,
    interrupt::{self, Watch},
    progress,
    shard_run::{Done, ShardRun},
};

/// Events shown on the terminal, and counted in the record of a shard; Ctrl-C may cancel the release, and waits for the writes of a
/// batch.
pub struct ReleaseEvents<'a> {
    session: &'a Session,
    bar: ProgressBar,
    watch: Option<Watch>,
    run: Option<&'a ShardRun<'a>>,
}

impl<'a> ReleaseEvents<'a> {
    /// Creates events of a release that Ctrl-C ends with the program.
    pub fn new(session: &'a Session) -> Self {
        Self { session, bar: progress::bar(0, "activating"), watch: None, run: None }
    }

    /// Adds the record of the shard that is released.
    pub fn recorded_in(self, run: Option<&'a ShardRun<'a>>) -> Self {
        Self { run, ..self }
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
            self.run.iter().for_each(|run| run.count(done(image)));
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

fn done(image: &ReleasedImage) -> Done {
    if image.failed() {
        Done::Failed
    } else if image.is_released() {
        Done::Stored
    } else {
        Done::Already
    }
}

//! Events of an evaluation on the terminal: progress bars, failures, interrupts.

use std::{cell::RefCell, io, path::Path};

use evaluation::{Error, Events, Task};
use image_file::path_text;
use indicatif::ProgressBar;

use super::{
    Session,
    interrupt::{self, Watch},
    output::one_line,
    progress,
};

/// Events shown on the terminal; Ctrl-C may cancel the evaluation.
pub struct TerminalEvents<'a> {
    session: &'a Session,
    bar: RefCell<Option<ProgressBar>>,
    watch: Option<Watch>,
}

impl<'a> TerminalEvents<'a> {
    /// Creates events of an evaluation that Ctrl-C ends with the program.
    pub fn new(session: &'a Session) -> Self {
        Self { session, bar: RefCell::new(None), watch: None }
    }

    /// Creates events of an evaluation that the first Ctrl-C cancels.
    pub fn watching(session: &'a Session) -> Self {
        Self { watch: Some(Watch::start()), ..Self::new(session) }
    }
}

impl Events for TerminalEvents<'_> {
    fn begin(&self, task: Task, steps: usize) {
        let name = match task {
            Task::Describing => "describing",
            Task::Searching => "editing and searching",
            Task::Adding => "adding",
        };
        self.bar.replace(Some(progress::bar(steps, name)));
    }

    fn advance(&self, steps: usize) {
        self.bar.borrow().iter().for_each(|bar| bar.inc(steps as u64));
    }

    fn end(&self) {
        self.bar.take().iter().for_each(ProgressBar::finish_and_clear);
    }

    fn failed(&self, image: &str, error: Error) {
        let report = || self.session.failure(image, &one_line(&error.into()));
        match &*self.bar.borrow() {
            Some(bar) => bar.suspend(report),
            None => report(),
        }
    }

    fn resumed(&self, file: &Path, descriptors: usize) {
        self.session.detail(|| format!("{}: reusing {descriptors} descriptors", path_text(file)));
    }

    fn is_cancelled(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::is_requested)
    }

    fn uninterrupted(&self, write: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        let _held = interrupt::hold_off();
        write()
    }
}

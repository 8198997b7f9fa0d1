//! Events of an evaluation on the terminal: progress bars, failures, interrupts.

use std::{cell::RefCell, io, path::Path};

use evaluation::{Error, Events, Task};
use indicatif::ProgressBar;

use crate::{
    interrupt::{self, Watch},
    output::{Output, one_line},
    progress,
};

/// Shows events, and cancels by Ctrl-C if it watches for it.
pub struct Terminal<'a> {
    output: &'a Output,
    bar: RefCell<Option<ProgressBar>>,
    watch: Option<Watch>,
}

impl<'a> Terminal<'a> {
    /// Creates a terminal that Ctrl-C ends with the program.
    pub fn new(output: &'a Output) -> Self {
        Self { output, bar: RefCell::new(None), watch: None }
    }

    /// Creates a terminal whose first Ctrl-C cancels the evaluation.
    pub fn watching(output: &'a Output) -> Self {
        Self { watch: Some(Watch::start()), ..Self::new(output) }
    }
}

impl Events for Terminal<'_> {
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
        let say = || self.output.failure(image, &one_line(&error.into()));
        match &*self.bar.borrow() {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    fn resumed(&self, file: &Path, descriptors: usize) {
        self.output.detail(|| format!("{}: {descriptors} descriptors are known", file.display()));
    }

    fn is_cancelled(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::is_requested)
    }

    fn uninterrupted(&self, write: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        let _held = interrupt::hold_off();
        write()
    }
}

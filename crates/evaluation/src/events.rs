//! Events of an evaluation, as a trait that its caller implements.

use std::{io, path::Path};

use crate::error::Error;

/// Task with progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Describing originals; a step is an image.
    Describing,
    /// Editing images, describing the copies and searching them; a step is a copy.
    Searching,
    /// Adding entries to the index; a step is an entry.
    Adding,
}

/// Receiver of the events of an evaluation, called on its thread. Every method has a default that does nothing.
pub trait Events {
    /// A task of `steps` steps begins.
    fn begin(&self, task: Task, steps: usize) {
        let _ = (task, steps);
    }

    /// The current task has made `steps` further steps.
    fn advance(&self, steps: usize) {
        let _ = steps;
    }

    /// The current task has ended, finished or not.
    fn end(&self) {}

    /// An image failed and is left out.
    fn failed(&self, image: &str, error: Error) {
        let _ = (image, error);
    }

    /// A file of an earlier run was opened, with this number of known descriptors.
    fn resumed(&self, file: &Path, descriptors: usize) {
        let _ = (file, descriptors);
    }

    /// Returns whether the caller wants the evaluation to end. It then ends with the images that are finished.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// Runs a write that must not be cut short, such as by an interrupt.
    ///
    /// # Errors
    /// Those of `write`.
    fn uninterrupted(&self, write: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        write()
    }
}

/// Receiver that ignores all events.
#[derive(Clone, Copy, Debug)]
pub struct Ignored;

impl Events for Ignored {}

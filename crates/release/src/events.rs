//! Events of a release, as a trait that its caller implements.

use crate::released_image::ReleasedImage;

/// Receiver of the events of a release, called on its thread but for [`Self::uninterrupted`]. Every method has a default that
/// does nothing.
pub trait Events: Sync {
    /// The release begins, with at most this number of optimisation steps.
    fn begin(&self, steps: usize) {
        let _ = steps;
    }

    /// Further steps were made, or are not needed: those of images that fail or are known.
    fn advance(&self, steps: usize) {
        let _ = steps;
    }

    /// A job is done: released, known, skipped or failed. Called in the order of the jobs.
    fn finished(&self, image: &ReleasedImage) {
        let _ = image;
    }

    /// The release has ended, finished or not.
    fn end(&self) {}

    /// Returns whether the caller wants the release to end. It then finishes the images that it has begun, and begins no
    /// other.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// Runs the write of a batch, which must not be cut short, such as by an interrupt. Called from the thread that writes.
    fn uninterrupted(&self, write: &mut dyn FnMut()) {
        write();
    }
}

/// Receiver that ignores all events.
#[derive(Debug, Clone, Copy)]
pub struct Ignored;

impl Events for Ignored {}

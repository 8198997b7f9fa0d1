//! Values that a forward pass saves for its gradient.

use std::sync::{Arc, OnceLock};

/// Value that the backend which computes a forward pass saves for the gradient.
#[derive(Debug, Clone)]
pub struct Saved<T>(Arc<OnceLock<T>>);

impl<T> Default for Saved<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Saved<T> {
    /// Saves a value; one that was saved before stays.
    pub(crate) fn save(&self, value: T) {
        self.0.get_or_init(|| value);
    }

    /// Returns the saved value.
    ///
    /// # Panics
    /// Without a forward pass before.
    pub(crate) fn get(&self) -> &T {
        self.0.get().expect("a gradient is computed after its forward pass")
    }
}

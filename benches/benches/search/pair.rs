//! Numbers of both sides for the same work.

/// One number per side.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    pub ours: f64,
    pub faiss: f64,
}

impl Pair {
    /// Ratio of the sides, above 1 if ours is smaller.
    pub fn ratio(self) -> f64 {
        self.faiss / self.ours
    }
}

//! A lookup: one picture that was looked up in a collection, and what was found.

/// Score of an E-value too small for float64; the smallest one has a score of 323.
const HIGHEST: f64 = 400.0;

/// A picture that was looked up, and the entries found.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    /// Number of the photograph that it shows, from 0.
    pub photograph: usize,
    /// Number of its edit.
    pub edit: usize,
    /// Entries that it is a copy of; empty for an unrelated picture.
    pub right: Vec<i64>,
    /// Entries found, in the order of the answer.
    pub found: Vec<FoundEntry>,
    /// Number of views that were described.
    pub looks: usize,
    /// Number of cells that were visited by all views.
    pub cells: usize,
    /// Number of entries whose pictures were compared.
    pub comparisons: usize,
    /// Duration: describing, searching and comparing; a batch's is shared among its pictures. `None` where descriptors were
    /// known from an earlier run.
    pub seconds: Option<f64>,
}

/// An entry of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundEntry {
    /// Id of the entry.
    pub id: i64,
    /// True if the verdict is `match`.
    pub is_match: bool,
    /// Number of unrelated entries expected to look at least this much alike.
    pub e_value: f64,
    /// Cosine of the descriptors.
    pub cosine: f32,
    /// View of the picture with the largest cosine.
    pub look: String,
    /// Keypoints that agree with the fit, if the pictures were compared.
    pub inliers: Option<usize>,
    /// True if the entry shows a relative of the picture, and is neither right nor wrong.
    pub is_related: bool,
}

impl FoundEntry {
    /// Returns the score by which rows are ranked: minus the decimal logarithm of the E-value.
    pub fn score(&self) -> f64 {
        if self.e_value > 0.0 { -self.e_value.log10() } else { HIGHEST }
    }
}

impl Lookup {
    /// Returns whether the picture is a copy of an entry.
    pub fn is_copy(&self) -> bool {
        !self.right.is_empty()
    }

    /// Returns the right entry that was found, the best if there are several.
    pub fn found_right(&self) -> Option<&FoundEntry> {
        self.found.iter().find(|found| self.right.contains(&found.id))
    }

    /// Returns whether the right entry comes with the verdict `match`.
    pub fn is_verified(&self) -> bool {
        self.found.iter().any(|found| found.is_match && self.right.contains(&found.id))
    }

    /// Returns whether the right entry comes first.
    pub fn is_first(&self) -> bool {
        self.found.first().is_some_and(|found| self.right.contains(&found.id))
    }

    /// Returns the entries found that are neither right nor related.
    pub fn wrong(&self) -> impl Iterator<Item = &FoundEntry> {
        self.found.iter().filter(|found| !found.is_related && !self.right.contains(&found.id))
    }

    /// Returns the score of the best wrong entry; minus infinity if none was found.
    pub fn best_wrong(&self) -> f64 {
        self.wrong().map(FoundEntry::score).fold(f64::NEG_INFINITY, f64::max)
    }
}

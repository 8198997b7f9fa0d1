//! Findings of a retrieval evaluation.

use super::{
    answers::{Answer, Answers},
    summary::{Ranks, Summary},
    variant::Variant,
};
use crate::{
    bootstrap::Bootstrap,
    edits::Edit,
    error::{Error, Result},
    pipeline::End,
};

/// Answers of the index, and the circumstances of its search.
#[derive(Debug)]
pub struct Findings {
    /// Images whose copies were all searched, in order.
    pub answers: Vec<Answers>,
    /// Variants, one for each of [`Answer::hits`].
    pub variants: Vec<Variant>,
    /// Number of entries that are none of the originals.
    pub distractors: usize,
    /// Number of originals that were added for the evaluation.
    pub added: usize,
    /// End of the search.
    pub end: End,
}

/// Side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Copies of originals.
    Passive,
    /// Copies of released versions.
    Released,
}

impl Answers {
    /// Returns the answers of one side, `[edits]`.
    pub fn side(&self, side: Side) -> Option<&[Answer]> {
        match side {
            Side::Passive => Some(&self.passive),
            Side::Released => self.released.as_deref(),
        }
    }
}

impl Findings {
    /// Returns whether released versions are compared.
    pub fn compares(&self) -> bool {
        self.answers.iter().all(|answers| answers.released.is_some())
    }

    /// Returns whether the evaluation was interrupted.
    pub fn is_partial(&self) -> bool {
        self.end == End::Interrupted
    }

    /// Returns the ranks `[edits][images]` of one variant and side; `None` if an image lacks the side.
    pub fn ranks(&self, variant: usize, side: Side) -> Option<Vec<Vec<Option<usize>>>> {
        let sides: Vec<&[Answer]> =
            self.answers.iter().map(|answers| answers.side(side)).collect::<Option<_>>()?;
        let edits = sides.first().map_or(0, |side| side.len());
        let rank = |edit: usize| sides.iter().map(|side| side[edit].hits[variant].rank).collect();
        Some((0..edits).map(rank).collect())
    }

    /// Returns the share of the copies by an edit that are in a cell of the right entry; `None` without cells, or if an
    /// image lacks the side.
    pub fn same_cell(&self, variant: usize, edit: usize, side: Side) -> Option<f64> {
        let is_same = |answers: &Answers| answers.side(side)?.get(edit)?.hits[variant].same_cell;
        let same: Vec<bool> = self.answers.iter().map(is_same).collect::<Option<_>>()?;
        Some(same.iter().filter(|is| **is).count() as f64 / same.len() as f64)
    }

    /// Measures each variant, with intervals. Edits that [`Edit::averaged`] leaves out do not count in the means.
    ///
    /// # Errors
    /// [`Error::Interrupted`] or [`Error::NothingEvaluated`] without answers; [`Error::NoResamples`].
    pub fn summaries(&self, edits: &[Edit], bootstrap: &Bootstrap) -> Result<Vec<Summary>> {
        if self.answers.is_empty() {
            return Err(if self.is_partial() { Error::Interrupted } else { Error::NothingEvaluated });
        }
        let averaged = Edit::averaged(edits);
        let summary = |variant: usize| {
            let passive = self.ranks(variant, Side::Passive).unwrap_or_default();
            let released = self.ranks(variant, Side::Released);
            Ranks { passive: &passive, released: released.as_deref(), averaged: &averaged }.summary(bootstrap)
        };
        (0..self.variants.len()).map(summary).collect()
    }
}

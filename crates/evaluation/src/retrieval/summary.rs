//! Measures of all edits and their means, with intervals.

use crate::{
    bootstrap::{Bootstrap, Interval},
    error::{Error, Result},
    retrieval::measures::Measures,
};

/// Number of figures of a query, see [`Measures`].
const FIGURES: usize = 4;

/// Ranks of the right id of all copies, see [`crate::retrieval::rank`].
#[derive(Clone, Debug, PartialEq)]
pub struct Ranks<'a> {
    /// Ranks of copies of originals, `[edits][photographs]`.
    pub passive: &'a [Vec<Option<usize>>],
    /// Ranks of copies of released versions, `[edits][photographs]`.
    pub released: Option<&'a [Vec<Option<usize>>]>,
    /// Edits that count in the mean, `[edits]`, see [`crate::Edit::averaged`].
    pub averaged: &'a [bool],
}

/// Measures with their 95 % intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The measures.
    pub measures: Measures,
    /// Intervals of R@1, R@10, R@100 and mAP.
    pub intervals: [Interval; FIGURES],
}

/// Estimates of originals and released versions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// Copies of originals.
    pub passive: Estimate,
    /// Copies of released versions, if they are compared.
    pub released: Option<Estimate>,
    /// Intervals of the gain, released minus passive, paired by photograph: of R@1, R@10, R@100 and mAP.
    pub gain: Option<[Interval; FIGURES]>,
}

/// Estimates of all edits.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// One for each edit.
    pub edits: Vec<Compared>,
    /// Mean over the edits that count in it.
    pub mean: Compared,
}

/// Four figures, `[photographs]` values each.
type Columns = [Vec<f64>; FIGURES];

impl Ranks<'_> {
    /// Estimates each edit and the mean. Photographs are resampled, each with all its edits.
    ///
    /// # Errors
    /// [`Error::NoQueries`] without photographs or edits that count, [`Error::ColumnLength`] if lists differ in length,
    /// [`Error::NoResamples`].
    ///
    /// ```
    /// use active_index_evaluation::{bootstrap::Bootstrap, retrieval::Ranks};
    ///
    /// let (passive, released) = ([vec![Some(1), None]], [vec![Some(1), Some(2)]]);
    /// let ranks = Ranks { passive: &passive, released: Some(&released), averaged: &[true] };
    /// let summary = ranks.summary(&Bootstrap::default())?;
    /// assert_eq!(summary.mean.released.map(|estimate| estimate.measures.r10), Some(1.0));
    /// # Ok::<(), active_index_evaluation::Error>(())
    /// ```
    pub fn summary(&self, bootstrap: &Bootstrap) -> Result<Summary> {
        self.check()?;
        let passive = self.with_mean(self.passive);
        let released = self.released.map(|ranks| self.with_mean(ranks));
        let gains = released.as_ref().map(|released| {
            released
                .iter()
                .zip(&passive)
                .map(|(released, passive)| gain(released, passive))
                .collect::<Vec<_>>()
        });
        let sides = [Some(&passive), released.as_ref(), gains.as_ref()];
        let flat: Vec<&[f64]> = sides.into_iter().flatten().flatten().flatten().map(Vec::as_slice).collect();
        let intervals = bootstrap.means(&flat)?;
        let intervals: Vec<[Interval; FIGURES]> =
            intervals.chunks_exact(FIGURES).map(|four| std::array::from_fn(|i| four[i])).collect();
        let count = passive.len();
        let compared = |i: usize| Compared {
            passive: estimate(&passive[i], intervals[i], self.queries(i)),
            released: released
                .as_ref()
                .map(|columns| estimate(&columns[i], intervals[count + i], self.queries(i))),
            gain: released.as_ref().map(|_| intervals[2 * count + i]),
        };
        Ok(Summary { edits: (0..count - 1).map(compared).collect(), mean: compared(count - 1) })
    }

    fn check(&self) -> Result<()> {
        let expected = self.passive.len();
        let sides = [Some(self.passive), self.released];
        let lists = sides.into_iter().flatten().map(<[_]>::len).chain([self.averaged.len()]);
        equal(expected, lists)?;
        let photographs = self.passive.first().map_or(0, Vec::len);
        equal(photographs, sides.into_iter().flatten().flatten().map(Vec::len))?;
        if photographs == 0 || !self.averaged.contains(&true) { Err(Error::NoQueries) } else { Ok(()) }
    }

    /// Returns the columns of each edit, then those of the mean.
    fn with_mean(&self, ranks: &[Vec<Option<usize>>]) -> Vec<Columns> {
        let mut all: Vec<Columns> = ranks.iter().map(|ranks| columns(ranks)).collect();
        let averaged: Vec<&Columns> = all
            .iter()
            .zip(self.averaged)
            .filter(|(_, counts)| **counts)
            .map(|(columns, _)| columns)
            .collect();
        let photographs = all[0][0].len();
        let mean = |figure: usize, i: usize| {
            averaged.iter().map(|columns| columns[figure][i]).sum::<f64>() / averaged.len() as f64
        };
        let mean = std::array::from_fn(|figure| (0..photographs).map(|i| mean(figure, i)).collect());
        all.push(mean);
        all
    }

    /// Returns the number of queries of an edit, or of the mean for the number behind the last edit.
    fn queries(&self, edit: usize) -> usize {
        let photographs = self.passive[0].len();
        let counted = self.averaged.iter().filter(|counts| **counts).count();
        if edit < self.passive.len() { photographs } else { photographs * counted }
    }
}

fn equal(expected: usize, mut lengths: impl Iterator<Item = usize>) -> Result<()> {
    match lengths.find(|found| *found != expected) {
        Some(found) => Err(Error::ColumnLength { expected, found }),
        None => Ok(()),
    }
}

fn columns(ranks: &[Option<usize>]) -> Columns {
    let figures: Vec<_> = ranks.iter().map(|rank| Measures::of_rank(*rank)).collect();
    std::array::from_fn(|figure| figures.iter().map(|of_query| of_query[figure]).collect())
}

fn gain(released: &Columns, passive: &Columns) -> Columns {
    let difference = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect();
    std::array::from_fn(|figure| difference(&released[figure], &passive[figure]))
}

fn estimate(columns: &Columns, intervals: [Interval; FIGURES], queries: usize) -> Estimate {
    let mean = |figure: usize| columns[figure].iter().sum::<f64>() / columns[figure].len() as f64;
    let measures = Measures { r1: mean(0), r10: mean(1), r100: mean(2), map: mean(3), queries };
    Estimate { measures, intervals }
}

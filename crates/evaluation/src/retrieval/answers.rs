//! Answers of the index to edited copies.

use std::{num::NonZeroUsize, ops::Range};

use device_math::transfer::upload_rows;
use index::Neighbours;
use release::quality::Quality;

use super::{
    filled_index::{Entry, FilledIndex},
    measures::{DEPTH, rank},
};
use crate::{
    error::Result,
    pipeline::{CopyDescriptors, ImageDescriptors},
};

/// Answers to all copies of one image.
#[derive(Debug)]
pub struct Answers {
    /// Number of the subject.
    pub number: usize,
    /// Answers to copies of the original, `[edits]`.
    pub passive: Vec<Answer>,
    /// Answers to copies of the released version, `[edits]`.
    pub released: Option<Vec<Answer>>,
    /// Quality of the released version.
    pub quality: Option<Quality>,
}

/// Answer to one copy.
#[derive(Debug)]
pub struct Answer {
    /// One for each variant.
    pub hits: Vec<Hit>,
    /// Squared L2 distance of the whole copy to the reconstruction of the right entry in its nearest cell.
    pub distance: Option<f32>,
    /// Cell nearest to the whole copy, if the index has cells.
    pub cell: Option<i64>,
}

/// Result of one variant.
#[derive(Debug)]
pub struct Hit {
    /// Rank of the right entry, see [`super::rank`].
    pub rank: Option<usize>,
    /// True if one of the views of the copy is in a cell of the right entry; `None` without cells.
    pub same_cell: Option<bool>,
}

impl Answer {
    /// Returns whether the right entry comes first in the first variant.
    pub fn is_first(&self) -> bool {
        self.hits.first().is_some_and(|hit| hit.rank == Some(1))
    }
}

/// Searches copies of originals that have entries.
pub(super) struct Searcher<'a> {
    /// One for each number of cells that originals are stored in; at least one.
    pub filled: &'a [FilledIndex],
    /// Indexes that store released versions in place of originals, if copies of released versions are searched there.
    pub by_released: Option<&'a [FilledIndex]>,
    /// Largest numbers of views of a copy.
    pub looks: &'a [NonZeroUsize],
    pub nprobes: &'a [NonZeroUsize],
}

impl Searcher<'_> {
    pub fn answers(&self, image: ImageDescriptors) -> Result<Answers> {
        let ImageDescriptors { number, passive, released, quality, .. } = image;
        let passive = self.search(self.filled, number, &passive)?;
        let stored = self.by_released.unwrap_or(self.filled);
        let released = released.map(|copies| self.search(stored, number, &copies)).transpose()?;
        Ok(Answers { number, passive, released, quality })
    }

    fn search(
        &self,
        filled: &[FilledIndex],
        number: usize,
        copies: &[CopyDescriptors],
    ) -> Result<Vec<Answer>> {
        let first = &filled[0];
        let views = places(copies);
        let queries = upload_rows(copies.iter().flatten(), &first.index.device());
        let cells = first.index.cells(queries.clone())?;
        let point = first.entry(number).point.as_ref();
        let answer = |(copy, views): (&CopyDescriptors, &Range<usize>)| Answer {
            hits: Vec::with_capacity(filled.len() * self.looks.len() * self.nprobes.len()),
            distance: point.map(|point| squared_distance(&copy[0], point)),
            cell: cells.as_ref().map(|cells| cells[views.start]),
        };
        let mut answers: Vec<Answer> = copies.iter().zip(&views).map(answer).collect();
        for filled in filled {
            let found = |nprobe: &NonZeroUsize| filled.index.search(queries.clone(), DEPTH, nprobe.get());
            let found = self.nprobes.iter().map(found).collect::<Result<Vec<Neighbours>, _>>()?;
            let entry = filled.entry(number);
            for looks in self.looks {
                let seen: Vec<Range<usize>> =
                    views.iter().map(|views| views.start..views.end.min(views.start + looks.get())).collect();
                for found in &found {
                    let merged = found.grouped(&seen, filled.index.metric());
                    enter(&mut answers, entry, &merged, &seen, cells.as_deref());
                }
            }
        }
        Ok(answers)
    }
}

/// Returns the places of the views of each copy among those of all.
fn places(copies: &[CopyDescriptors]) -> Vec<Range<usize>> {
    let place = |end: &mut usize, copy: &CopyDescriptors| {
        let start = *end;
        *end += copy.len();
        Some(start..*end)
    };
    copies.iter().scan(0, place).collect()
}

/// Enters the hits of one variant, given by the neighbours of each copy, the places of its views, and the cells of all views.
fn enter(
    answers: &mut [Answer],
    entry: &Entry,
    found: &Neighbours,
    views: &[Range<usize>],
    cells: Option<&[i64]>,
) {
    let holds = |cell: &i64| entry.cells.as_ref().map(|own| own.iter().any(|&own| own as i64 == *cell));
    for (i, (answer, views)) in answers.iter_mut().zip(views).enumerate() {
        let held: Option<Vec<bool>> =
            cells.and_then(|cells| cells[views.clone()].iter().map(holds).collect());
        let same_cell = held.map(|held| held.contains(&true));
        answer.hits.push(Hit { rank: rank(found.ids_of(i), entry.id), same_cell });
    }
}

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

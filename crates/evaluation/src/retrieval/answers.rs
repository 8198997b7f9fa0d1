//! Answers of the index to edited copies.

use std::num::NonZeroUsize;

use burn::tensor::Tensor;
use device_math::transfer::upload_rows;

use super::{
    filled_index::{Entry, FilledIndex},
    measures::ranks,
};
use crate::{error::Result, pipeline::ImageDescriptors, quality::Quality};

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
    /// Squared L2 distance to the reconstruction of the right entry in its nearest cell.
    pub distance: Option<f32>,
    /// Nearest cell, if the index has cells.
    pub cell: Option<i64>,
}

/// Result of one variant.
#[derive(Debug)]
pub struct Hit {
    /// Rank of the right entry, see [`super::rank`].
    pub rank: Option<usize>,
    /// True if the copy is in a cell of the right entry; `None` without cells.
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
    pub nprobes: &'a [NonZeroUsize],
}

impl Searcher<'_> {
    pub fn answers(&self, image: ImageDescriptors) -> Result<Answers> {
        let ImageDescriptors { number, passive, released, quality, .. } = image;
        let passive = self.search(self.filled, number, &passive)?;
        let stored = self.by_released.unwrap_or(self.filled);
        let released = released.map(|rows| self.search(stored, number, &rows)).transpose()?;
        Ok(Answers { number, passive, released, quality })
    }

    fn search(&self, filled: &[FilledIndex], number: usize, rows: &[Vec<f32>]) -> Result<Vec<Answer>> {
        let first = &filled[0];
        let queries = upload_rows(rows, &first.index.device());
        let cells = first.index.cells(queries.clone())?;
        let point = first.entry(number).point.as_ref();
        let answer = |(i, row): (usize, &Vec<f32>)| Answer {
            hits: Vec::with_capacity(filled.len() * self.nprobes.len()),
            distance: point.map(|point| squared_distance(row, point)),
            cell: cells.as_ref().map(|cells| cells[i]),
        };
        let mut answers: Vec<Answer> = rows.iter().enumerate().map(answer).collect();
        for filled in filled {
            for nprobe in self.nprobes {
                enter(&mut answers, filled, filled.entry(number), queries.clone(), nprobe.get())?;
            }
        }
        Ok(answers)
    }
}

/// Searches one variant for copies of one original, and enters the hits.
fn enter(
    answers: &mut [Answer],
    filled: &FilledIndex,
    entry: &Entry,
    queries: Tensor<2>,
    nprobe: usize,
) -> Result<()> {
    let ranks = ranks(&filled.index, queries, &vec![entry.id; answers.len()], nprobe)?;
    for (answer, rank) in answers.iter_mut().zip(ranks) {
        let holds = |cell| entry.cells.as_ref().map(|cells| cells.iter().any(|&own| own as i64 == cell));
        answer.hits.push(Hit { rank, same_cell: answer.cell.and_then(holds) });
    }
    Ok(())
}

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

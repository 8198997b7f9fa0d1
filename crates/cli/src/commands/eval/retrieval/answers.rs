//! What the index answers.

use std::num::NonZeroUsize;

use anyhow::{Context, Result};
use burn::tensor::Tensor;
use evaluation::{quality::Quality, retrieval};

use super::super::{
    pipeline::Described,
    stored::{Entry, Filled, matrix},
};

/// The answers to all edits of one image.
pub struct Answers {
    /// The image's place among the subjects.
    pub number: usize,
    /// `[edits]`.
    pub passive: Vec<Answer>,
    /// The same of the released image.
    pub released: Option<Vec<Answer>>,
    pub quality: Option<Quality>,
}

/// The answer to one query.
pub struct Answer {
    /// What was found, for each variant.
    pub hits: Vec<Hit>,
    /// Squared L2 distance to what the right entry's code in its nearest cell stands for.
    pub distance: Option<f32>,
    /// The nearest cell, where there are cells.
    pub cell: Option<i64>,
}

/// What one variant found.
pub struct Hit {
    /// Rank of the right entry.
    pub rank: Option<usize>,
    /// Whether the query is in a cell of the right entry, where there are cells.
    pub same_cell: Option<bool>,
}

impl Answer {
    /// Whether the first variant finds the right entry first.
    pub fn is_first(&self) -> bool {
        self.hits.first().is_some_and(|hit| hit.rank == Some(1))
    }
}

/// Searches edits of originals whose entries are known.
pub struct Judge<'a> {
    /// One for each number of cells that originals are stored in.
    pub filled: &'a [Filled],
    /// The same with released images in place of originals, where copies of them are searched there.
    pub by_released: Option<&'a [Filled]>,
    pub nprobes: &'a [NonZeroUsize],
}

impl Judge<'_> {
    pub fn answers(&self, described: Described) -> Result<Answers> {
        let Described { number, passive, released, quality, .. } = described;
        let passive = self.search(self.filled, number, &passive)?;
        let stored = self.by_released.unwrap_or(self.filled);
        let released = released.map(|rows| self.search(stored, number, &rows)).transpose()?;
        Ok(Answers { number, passive, released, quality })
    }

    fn search(&self, filled: &[Filled], number: usize, rows: &[Vec<f32>]) -> Result<Vec<Answer>> {
        let first = filled.first().context("no index to search")?;
        let queries = matrix(rows.iter().map(Vec::as_slice), &first.index.device());
        let cells = first.index.cells(queries.clone())?;
        let point = entry(first, number)?.point.as_ref();
        let answer = |(i, row): (usize, &Vec<f32>)| Answer {
            hits: Vec::with_capacity(filled.len() * self.nprobes.len()),
            distance: point.map(|point| squared_distance(row, point)),
            cell: cells.as_ref().map(|cells| cells[i]),
        };
        let mut answers: Vec<Answer> = rows.iter().enumerate().map(answer).collect();
        for filled in filled {
            for nprobe in self.nprobes {
                enter(&mut answers, filled, entry(filled, number)?, queries.clone(), nprobe.get())?;
            }
        }
        Ok(answers)
    }
}

fn entry(filled: &Filled, number: usize) -> Result<&Entry> {
    filled.of.get(&number).context("an image without an entry")
}

/// Searches one variant for queries of one original, and enters what it found.
fn enter(
    answers: &mut [Answer],
    filled: &Filled,
    entry: &Entry,
    queries: Tensor<2>,
    nprobe: usize,
) -> Result<()> {
    let ranks = retrieval::ranks(&filled.index, queries, &vec![entry.id; answers.len()], nprobe)?;
    for (answer, rank) in answers.iter_mut().zip(ranks) {
        let holds = |cell| entry.cells.as_ref().map(|cells| cells.iter().any(|&own| own as i64 == cell));
        answer.hits.push(Hit { rank, same_cell: answer.cell.and_then(holds) });
    }
    Ok(())
}

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Ranks `[edits][images]` of one variant, of the side that `of` takes; empty where an image lacks it.
pub fn ranks(
    all: &[Answers],
    variant: usize,
    of: impl Fn(&Answers) -> Option<&Vec<Answer>>,
) -> Vec<Vec<Option<usize>>> {
    let sides: Option<Vec<&Vec<Answer>>> = all.iter().map(of).collect();
    let Some(sides) = sides else { return Vec::new() };
    let edits = sides.first().map_or(0, |side| side.len());
    (0..edits).map(|edit| sides.iter().map(|side| side[edit].hits[variant].rank).collect()).collect()
}

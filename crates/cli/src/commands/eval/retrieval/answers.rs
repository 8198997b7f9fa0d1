//! What the index answers.

use std::num::NonZeroUsize;

use anyhow::{Context, Result};
use eval::{quality::Quality, retrieval};
use index::Index;

use super::super::{
    pipeline::Described,
    stored::{Entries, Entry, matrix},
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
    /// Rank of the right entry, for each nprobe.
    pub ranks: Vec<Option<usize>>,
    /// Squared L2 distance to what the right entry's code stands for.
    pub distance: Option<f32>,
    /// The nearest cell, where there are cells, and whether it is the right entry's.
    pub cell: Option<(i64, bool)>,
}

/// Searches edits of originals whose entries are known.
pub struct Judge<'a> {
    pub index: &'a Index,
    pub nprobes: &'a [NonZeroUsize],
    pub entries: &'a Entries,
}

impl Judge<'_> {
    pub fn answers(&self, described: Described) -> Result<Answers> {
        let Described { number, passive, released, quality, .. } = described;
        let entry = self.entries.of.get(&number).context("an image without an entry")?;
        let passive = self.search(entry, &passive)?;
        let released = released.map(|rows| self.search(entry, &rows)).transpose()?;
        Ok(Answers { number, passive, released, quality })
    }

    fn search(&self, entry: &Entry, rows: &[Vec<f32>]) -> Result<Vec<Answer>> {
        let queries = matrix(rows.iter().map(Vec::as_slice), &self.index.device());
        let truth = vec![entry.id; rows.len()];
        let ranks =
            |nprobe: &NonZeroUsize| Ok(retrieval::ranks(self.index, queries.clone(), &truth, nprobe.get())?);
        let ranks: Vec<_> = self.nprobes.iter().map(ranks).collect::<Result<_>>()?;
        let cells = self.index.cells(queries)?;
        let answer = |(i, row): (usize, &Vec<f32>)| Answer {
            ranks: ranks.iter().map(|ranks| ranks[i]).collect(),
            distance: entry.point.as_ref().map(|point| squared_distance(row, point)),
            cell: cells.as_ref().map(|cells| (cells[i], entry.cell == Some(cells[i]))),
        };
        Ok(rows.iter().enumerate().map(answer).collect())
    }
}

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Ranks `[edits][images]` for one nprobe, of the side that `of` takes; empty where an image lacks it.
pub fn ranks(
    all: &[Answers],
    nprobe: usize,
    of: impl Fn(&Answers) -> Option<&Vec<Answer>>,
) -> Vec<Vec<Option<usize>>> {
    let sides: Option<Vec<&Vec<Answer>>> = all.iter().map(of).collect();
    let Some(sides) = sides else { return Vec::new() };
    let edits = sides.first().map_or(0, |side| side.len());
    (0..edits).map(|edit| sides.iter().map(|side| side[edit].ranks[nprobe]).collect()).collect()
}

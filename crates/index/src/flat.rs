//! The flat index: every vector as it is, searched exhaustively.

use std::ops::Range;

use burn::tensor::{Device, Tensor};
use rayon::prelude::*;

use crate::codebook::Codebook;
use crate::search::{Candidate, Neighbours, TopK, write_row};
use crate::vectors::{Vectors, read_floats};
use crate::{Error, Metric, Result};

/// Stored vectors scored at once against all queries of a block.
const BASE_BLOCK: usize = 8192;

/// Candidates kept beyond `k`: the matrix product's rounding can misplace near-equal ones, the exact distances
/// computed afterwards put them right.
const SLACK: usize = 16;

/// Vectors stored as they are; the id of a vector is its position.
#[derive(Clone)]
pub struct Flat {
    pub(crate) metric: Metric,
    pub(crate) d: usize,
    /// Row-major `[ntotal, d]`.
    pub(crate) vectors: Vec<f32>,
    pub(crate) device: Device,
}

impl Flat {
    pub(crate) fn new(metric: Metric, d: usize, vectors: Vec<f32>, device: &Device) -> Self {
        Self { metric, d, vectors, device: device.clone() }
    }

    pub(crate) fn ntotal(&self) -> usize {
        self.vectors.len() / self.d
    }

    pub(crate) fn add(&mut self, vectors: &Vectors) -> Range<i64> {
        let start = self.ntotal() as i64;
        self.vectors.extend_from_slice(&vectors.host);
        start..self.ntotal() as i64
    }

    /// The file format keeps no ids for a flat index: only those that [`Self::add`] would give are taken.
    pub(crate) fn add_with_ids(&mut self, vectors: &Vectors, ids: &[i64]) -> Result<()> {
        let next = self.ntotal() as i64..;
        if let Some((id, expected)) = ids.iter().zip(next).find(|&(&id, expected)| id != expected) {
            return Err(Error::argument("id in a flat index", format!("its position {expected}"), id));
        }
        self.add(vectors);
        Ok(())
    }

    pub(crate) fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        let row = usize::try_from(id).ok().filter(|&row| row < self.ntotal());
        row.map(|row| self.row(row).to_vec()).ok_or(Error::UnknownId(id))
    }

    pub(crate) fn search(&self, queries: &Vectors, k: usize) -> Result<Neighbours> {
        let mut found = Neighbours::missing(queries.n, k, self.metric)?;
        let keep = k.saturating_add(SLACK).min(self.ntotal());
        let mut heaps: Vec<TopK> = (0..queries.n).map(|_| TopK::new(keep)).collect();
        for (number, base) in self.vectors.chunks(BASE_BLOCK * self.d).enumerate() {
            let codebook = Codebook::new(self.metric, base, self.d, &self.device);
            let start = (number * BASE_BLOCK) as i64;
            self.scan(&codebook, start, &queries.tensor, &mut heaps)?;
        }
        let rows = found.distances.par_chunks_mut(k).zip(found.ids.par_chunks_mut(k));
        heaps.into_par_iter().zip(queries.host.par_chunks_exact(self.d)).zip(rows).for_each(
            |((heap, query), (distances, ids))| {
                let exact = self.exact(query, heap.into_sorted());
                write_row(self.metric, &exact, distances, ids);
            },
        );
        Ok(found)
    }

    /// Offers one block of stored vectors, whose ids begin at `start`, to every query's heap.
    fn scan(&self, base: &Codebook, start: i64, queries: &Tensor<2>, heaps: &mut [TopK]) -> Result<()> {
        for block in base.blocks(heaps.len()) {
            let heaps = &mut heaps[block.clone()];
            let scores = read_floats(base.scores(queries.clone().slice([block])))?;
            let width = scores.len() / heaps.len();
            heaps.par_iter_mut().zip(scores.par_chunks_exact(width)).for_each(|(heap, scores)| {
                scores.iter().zip(start..).for_each(|(&score, id)| heap.push(score, id));
            });
        }
        Ok(())
    }

    /// Replaces scores of the matrix product by distances computed directly.
    fn exact(&self, query: &[f32], mut candidates: Vec<Candidate>) -> Vec<Candidate> {
        for candidate in &mut candidates {
            let distance = self.metric.distance(query, self.row(candidate.id as usize));
            candidate.key = self.metric.key(distance);
        }
        candidates.sort_unstable();
        candidates
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.vectors[row * self.d..(row + 1) * self.d]
    }
}

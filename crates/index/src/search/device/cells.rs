//! Coarse quantiser and extents of the inverted lists on the device.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use device_math::{exact_products::matmul, transfer::upload_matrix};

use super::{
    entries::{CellEntries, Entries},
    selection::least,
};
use crate::metric::{Metric, squared_norm};

/// Centroids, and the range of entries of each cell.
pub(super) struct Cells {
    /// `-2 c` or `-c`, `[d, nlist]`.
    weights: Tensor<2>,
    /// `|c|^2`, `[1, nlist]`, for L2 only.
    norms: Option<Tensor<2>>,
    /// Position of each cell's first entry, `[nlist]`.
    starts: Tensor<1, Int>,
    /// Number of each cell's entries, `[nlist]`.
    lengths: Tensor<1, Int>,
    nlist: usize,
    /// The largest of `lengths`.
    longest: usize,
    /// True if coarse scores are part of the keys.
    has_scores: bool,
    device: Device,
}

/// The cells that a block of queries visits.
pub(super) struct Probes {
    /// `[n, nprobe]`.
    cells: Tensor<2, Int>,
    /// `[n, nprobe]`: `|c|^2 - 2 q.c` or `-q.c`.
    scores: Tensor<2>,
}

/// A window of some of each query's lists.
pub(super) struct Piece {
    /// `[n, lists, span]`.
    pub positions: Tensor<3, Int>,
    /// `[n, lists, span]`: true past the end of a list; the position is then arbitrary.
    pub outside: Tensor<3, Bool>,
    /// Coarse scores `[n, lists]`, if they are part of the keys.
    pub scores: Option<Tensor<2>>,
}

impl Cells {
    /// Uploads the cells; `None` if a graph finds them.
    pub fn new(entries: &Entries, cells: &CellEntries, device: &Device) -> Option<Self> {
        let coarse = cells.coarse;
        if coarse.graph.is_some() {
            return None;
        }
        let (metric, d, nlist) = (coarse.metric, coarse.d, coarse.nlist);
        let centroids = coarse.centroids();
        let norms = || centroids.chunks_exact(d).map(|row| squared_norm(row) as f32).collect();
        let (factor, norms) = match metric {
            Metric::L2 => (-2.0, Some(upload_matrix(norms(), nlist, device))),
            Metric::InnerProduct => (-1.0, None),
        };
        let weights =
            upload_matrix(centroids.iter().map(|value| factor * value).collect(), d, device).transpose();
        let lengths: Vec<i64> = entries.lengths().map(|length| length as i64).collect();
        let longest = lengths.iter().max().map_or(0, |&longest| longest as usize);
        let starts = lengths.iter().scan(0, |end, length| {
            *end += length;
            Some(*end - length)
        });
        Some(Self {
            weights,
            norms,
            starts: integers(starts.collect(), device),
            lengths: integers(lengths, device),
            nlist,
            longest,
            has_scores: entries.has_scores(),
            device: device.clone(),
        })
    }

    pub fn nlist(&self) -> usize {
        self.nlist
    }

    /// The `nprobe` nearest cells of each of `queries` `[n, d]`, in any order if these are all cells.
    pub fn probes(&self, queries: Tensor<2>, nprobe: usize) -> Probes {
        let [n, _] = queries.dims();
        let products = matmul(queries, self.weights.clone());
        let scores = match &self.norms {
            Some(norms) => products + norms.clone(),
            None => products,
        };
        if nprobe >= self.nlist {
            let cells = Tensor::<1, Int>::arange(0..self.nlist as i64, &self.device);
            return Probes { cells: cells.unsqueeze::<2>().expand([n, self.nlist]), scores };
        }
        let (scores, cells) = least(scores, nprobe);
        Probes { cells, scores }
    }

    /// All entries of the cells, in pieces of at most `entries` per query.
    pub fn pieces<'a>(&'a self, probes: &'a Probes, entries: usize) -> impl Iterator<Item = Piece> + 'a {
        let [_, nprobe] = probes.cells.dims();
        let span = entries.clamp(1, self.longest);
        let lists = (entries / span).clamp(1, nprobe);
        let firsts = (0..nprobe).step_by(lists);
        let windows = move |first: usize| {
            let starts = (0..self.longest).step_by(span);
            starts.map(move |start| {
                (first..(first + lists).min(nprobe), start..(start + span).min(self.longest))
            })
        };
        firsts.flat_map(windows).map(|(lists, window)| self.piece(probes, lists, window))
    }

    fn piece(&self, probes: &Probes, lists: std::ops::Range<usize>, window: std::ops::Range<usize>) -> Piece {
        let [n, _] = probes.cells.dims();
        let shape = [n, lists.len(), window.len()];
        let cells = probes.cells.clone().slice([0..n, lists.clone()]).reshape([n * lists.len()]);
        let of_lists = |values: &Tensor<1, Int>| {
            values.clone().select(0, cells.clone()).reshape([n, lists.len(), 1]).expand(shape)
        };
        let offsets = Tensor::<1, Int>::arange(window.start as i64..window.end as i64, &self.device);
        let offsets = offsets.reshape([1, 1, window.len()]).expand(shape);
        let outside = offsets.clone().greater_equal(of_lists(&self.lengths));
        let positions = (of_lists(&self.starts) + offsets).mask_fill(outside.clone(), 0);
        let scores = self.has_scores.then(|| probes.scores.clone().slice([0..n, lists]));
        Piece { positions, outside, scores }
    }
}

fn integers(values: Vec<i64>, device: &Device) -> Tensor<1, Int> {
    let n = values.len();
    Tensor::from_data(TensorData::new(values, [n]), device)
}

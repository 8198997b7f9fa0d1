//! Coarse quantiser, which assigns vectors to `nlist` cells.

use burn::tensor::Device;
use rayon::prelude::*;

use crate::{
    error::{Error, Result},
    factory::CoarseKind,
    metric::Metric,
    quantise::{coarse_scan::Probe, codebook::Codebook, hnsw::Hnsw},
    vectors::Vectors,
};

/// Least number of residuals per thread.
const ROWS_TOGETHER: usize = 64;

/// `nlist` centroids of dimension `d`; a vector belongs to the nearest one under the index's metric.
#[derive(Clone)]
pub(crate) struct Coarse {
    pub metric: Metric,
    pub d: usize,
    pub nlist: usize,
    codebook: Codebook,
    /// HNSW graph over the centroids; if present, vectors and queries are assigned by walking it.
    pub graph: Option<Hnsw>,
}

impl Coarse {
    /// Creates a quantiser of finite `centroids`, row-major `[nlist, d]`.
    ///
    /// # Errors
    /// No centroid.
    pub fn new(metric: Metric, centroids: Vec<f32>, d: usize, device: &Device) -> Result<Self> {
        let nlist = centroids.len() / d;
        Ok(Self { metric, d, nlist, codebook: Codebook::new(metric, centroids, d, device)?, graph: None })
    }

    /// Centroids, row-major `[nlist, d]`.
    pub fn centroids(&self) -> &[f32] {
        self.codebook.centroids()
    }

    pub fn kind(&self) -> CoarseKind {
        CoarseKind { nlist: self.nlist, hnsw: self.graph.as_ref().map(Hnsw::links) }
    }

    /// Centroid of a cell, `d` floats.
    pub fn centroid(&self, cell: usize) -> &[f32] {
        &self.centroids()[cell * self.d..(cell + 1) * self.d]
    }

    /// Nearest cell of every vector: `[n]`, in `0..nlist`.
    pub fn cells(&self, vectors: &Vectors) -> Result<Vec<i64>> {
        if self.graph.is_some() {
            return Ok(self.probes(vectors, 1)?.iter().map(|probe| probe.cell as i64).collect());
        }
        Ok(self.codebook.nearest(vectors)?.centroids)
    }

    /// Margins by which each vector is nearer to the centroid of its cell in `cells` `[n]` than to any other:
    /// `[n]`, as [`crate::Index::cell_margins`] defines them.
    ///
    /// # Errors
    /// A number of cells other than `n`; a cell outside `0..nlist`.
    pub fn margins(&self, vectors: &Vectors, cells: &[i64]) -> Result<Vec<f32>> {
        let n = vectors.host.len() / self.d;
        if cells.len() != n {
            return Err(Error::argument("cells", format!("{n}, one per vector"), cells.len()));
        }
        let visited = self.visited(2)?;
        let probes = self.probes(vectors, visited)?;
        let rows = vectors.host.chunks_exact(self.d).zip(cells).zip(probes.chunks_exact(visited));
        rows.map(|((vector, &cell), nearest)| self.margin(vector, cell, nearest)).collect()
    }

    fn margin(&self, vector: &[f32], cell: i64, nearest: &[Probe]) -> Result<f32> {
        let exists = usize::try_from(cell).ok().filter(|&cell| cell < self.nlist);
        let own = exists.ok_or_else(|| Error::argument("cell", format!("below {}", self.nlist), cell))?;
        let away = |cell: usize| match self.metric {
            Metric::L2 => self.metric.distance(vector, self.centroid(cell)).sqrt(),
            Metric::InnerProduct => -self.metric.distance(vector, self.centroid(cell)),
        };
        let other = nearest.iter().find(|probe| probe.cell != own && probe.cell < self.nlist);
        Ok(other.map_or(f32::INFINITY, |other| away(other.cell) - away(own)))
    }

    /// Centroids of the given cells, row-major `[cells.len(), d]`.
    pub fn gather(&self, cells: &[i64]) -> Vec<f32> {
        let mut rows = Vec::with_capacity(cells.len() * self.d);
        cells.iter().for_each(|&cell| rows.extend_from_slice(self.centroid(cell as usize)));
        rows
    }

    /// Residuals: vectors minus the centroids of their cells, `[n, d]`.
    ///
    /// # Errors
    /// A difference too large for float32.
    pub fn residuals(&self, vectors: &Vectors, cells: &[i64]) -> Result<Vectors<'static>> {
        let mut residuals = vec![0.0; vectors.host.len()];
        let rows = residuals.par_chunks_exact_mut(self.d).zip(vectors.host.par_chunks_exact(self.d));
        rows.zip(cells).with_min_len(ROWS_TOGETHER).for_each(|((residual, vector), &cell)| {
            for ((residual, x), c) in residual.iter_mut().zip(vector).zip(self.centroid(cell as usize)) {
                *residual = x - c;
            }
        });
        Vectors::from_host("residuals", residuals, self.d)
    }

    /// Number of cells a search visits: `nprobe`, at most `nlist`.
    ///
    /// # Errors
    /// `nprobe` is 0.
    pub fn visited(&self, nprobe: usize) -> Result<usize> {
        match nprobe {
            0 => Err(Error::argument("nprobe", "at least 1", nprobe)),
            _ => Ok(nprobe.min(self.nlist)),
        }
    }

    /// Validates the number of lists that each vector is stored in.
    ///
    /// # Errors
    /// `lists` is not in `1..=nlist`.
    pub fn stored(&self, lists: usize) -> Result<usize> {
        match (1..=self.nlist).contains(&lists) {
            true => Ok(lists),
            false => Err(Error::argument("lists of an entry", format!("1 to {}", self.nlist), lists)),
        }
    }

    /// The `nprobe <= nlist` nearest cells of every query, nearest first: `[n, nprobe]`.
    pub fn probes(&self, queries: &Vectors, nprobe: usize) -> Result<Vec<Probe>> {
        let Some(graph) = &self.graph else {
            return self.codebook.probes(queries, nprobe);
        };
        let walk = |query: &[f32]| self.walk(graph, query, nprobe);
        let rows: Vec<Vec<Probe>> = queries.host.par_chunks_exact(self.d).map(walk).collect::<Result<_>>()?;
        Ok(rows.concat())
    }

    /// The `count <= nlist` nearest cells of the vectors by rank, nearest first: for each rank, the vectors
    /// that have a cell of that rank, and the cells. A graph may reach fewer than `count`.
    pub fn nearest_cells(&self, vectors: &Vectors, count: usize) -> Result<Vec<(Vec<usize>, Vec<i64>)>> {
        if count == 1 {
            return Ok(vec![((0..vectors.n).collect(), self.cells(vectors)?)]);
        }
        let probes = self.probes(vectors, count)?;
        let of_rank = |rank: usize| {
            let rows = probes.chunks_exact(count).map(|probes| probes[rank]).enumerate();
            rows.filter(|(_, probe)| *probe != Probe::NONE)
                .map(|(row, probe)| (row, probe.cell as i64))
                .unzip()
        };
        Ok((0..count).map(of_rank).collect())
    }

    /// The cells found by walking the graph, padded to `nprobe` with [`Probe::NONE`] if it reaches fewer.
    fn walk(&self, graph: &Hnsw, query: &[f32], nprobe: usize) -> Result<Vec<Probe>> {
        let found = graph.search(self.centroids(), self.metric, query, nprobe)?;
        let probe = |(cell, distance)| Probe { cell, score: self.metric.key(distance) };
        let mut probes: Vec<Probe> = found.into_iter().map(probe).collect();
        probes.resize(nprobe, Probe::NONE);
        Ok(probes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: usize = 5;

    fn rows(n: usize, salt: usize) -> Vec<f32> {
        (0..n * D).map(|i| ((i * 7919 + salt * 613) % 199) as f32 / 99.0 - 1.0).collect()
    }

    /// Margin computed from all centroids.
    fn expected(coarse: &Coarse, vector: &[f32], own: usize) -> f64 {
        let away = |centroid: &[f32]| {
            let pairs = vector.iter().zip(centroid).map(|(x, c)| (f64::from(*x), f64::from(*c)));
            match coarse.metric {
                Metric::L2 => pairs.map(|(x, c)| (x - c).powi(2)).sum::<f64>().sqrt(),
                Metric::InnerProduct => -pairs.map(|(x, c)| x * c).sum::<f64>(),
            }
        };
        let others = (0..coarse.nlist).filter(|&cell| cell != own).map(|cell| away(coarse.centroid(cell)));
        others.fold(f64::INFINITY, f64::min) - away(coarse.centroid(own))
    }

    #[test]
    fn margins_are_those_of_all_centroids() {
        let vectors = Vectors::from_host("vectors", rows(40, 1), D).unwrap();
        for (metric, nlist) in [(Metric::L2, 9), (Metric::L2, 2), (Metric::InnerProduct, 9)] {
            let coarse = Coarse::new(metric, rows(nlist, 2), D, &Device::flex()).unwrap();
            let nearest = coarse.cells(&vectors).unwrap();
            let any: Vec<i64> = (0..40).map(|i| i % nlist as i64).collect();
            for cells in [&nearest, &any] {
                let margins = coarse.margins(&vectors, cells).unwrap();
                for ((vector, &cell), margin) in vectors.host.chunks_exact(D).zip(cells).zip(margins) {
                    let expected = expected(&coarse, vector, cell as usize);
                    assert!((f64::from(margin) - expected).abs() < 1e-5, "{margin} for {expected}");
                }
            }
            let least = coarse.margins(&vectors, &nearest).unwrap().into_iter().fold(f32::INFINITY, f32::min);
            // The two nearest centroids may differ by no more than rounding.
            assert!(least >= -1e-6, "{metric:?} {nlist}: {least}");
        }
    }

    #[test]
    fn the_only_cell_is_never_left_and_others_do_not_exist() {
        let vectors = Vectors::from_host("vectors", rows(2, 1), D).unwrap();
        let coarse = Coarse::new(Metric::L2, rows(1, 2), D, &Device::flex()).unwrap();
        assert_eq!(coarse.margins(&vectors, &[0, 0]).unwrap(), [f32::INFINITY; 2]);
        for cells in [&[0, 1][..], &[0, -1], &[0]] {
            assert!(coarse.margins(&vectors, cells).is_err());
        }
    }
}

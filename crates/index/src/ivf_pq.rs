//! `IVF{nlist},PQ{m}`: product-quantised residuals in inverted lists, searched by asymmetric distance.

use crate::coarse::Probe;
use crate::inverted_lists::InvertedList;
use crate::ivf::Ivf;
use crate::pq::{KSUB, ProductQuantizer, look_up};
use crate::search::{Neighbours, TopK};
use crate::vectors::Vectors;
use crate::{Metric, Result};

/// An inverted file whose codes are product-quantised.
#[derive(Clone)]
pub struct IvfPq {
    /// Codes are `m` bytes.
    pub(crate) ivf: Ivf,
    pub(crate) pq: ProductQuantizer,
    /// Whether a code stands for the vector less its cell's centroid, rather than for the vector.
    pub(crate) by_residual: bool,
}

impl IvfPq {
    /// Codes `[n, m]` of vectors that fell into `cells` `[n]`.
    pub(crate) fn encode(&self, vectors: &Vectors, cells: &[i64]) -> Result<Vec<u8>> {
        if self.by_residual {
            self.pq.encode(&self.ivf.coarse.residuals(vectors, cells)?)
        } else {
            self.pq.encode(vectors)
        }
    }

    /// Vectors, row-major `[n, d]`, that codes `[n, m]` in `cells` `[n]` stand for.
    pub(crate) fn decode(&self, codes: &[u8], cells: &[i64]) -> Vec<f32> {
        let d = self.pq.d;
        let mut vectors =
            if self.by_residual { self.ivf.coarse.gather(cells) } else { vec![0.0; cells.len() * d] };
        for (code, vector) in codes.chunks_exact(self.pq.m).zip(vectors.chunks_exact_mut(d)) {
            self.pq.add_decoded(code, vector);
        }
        vectors
    }

    pub(crate) fn reconstruct(&self, id: i64) -> Result<Vec<f32>> {
        let position = self.ivf.find(id)?;
        Ok(self.decode(self.ivf.lists.code_at(position), &[position.cell as i64]))
    }

    pub(crate) fn search(&self, queries: &Vectors, k: usize, nprobe: usize) -> Result<Neighbours> {
        self.ivf.search(queries, k, nprobe, |query| {
            let mut scanner = Scanner::new(self, query);
            move |probe: Probe, list: &InvertedList, top: &mut TopK| scanner.scan(probe, list, top)
        })
    }
}

/// One query's look-up table (Jégou et al. 2011, equation 13).
///
/// For L2 on residuals the table holds `|r_j - c_j|^2` with `r` the query less the cell's centroid, so it is
/// filled anew for each cell. In all other cases one table serves every cell: for the inner product,
/// `q.(c + r) = q.c + q.r`, and `q.c` is known from the coarse quantiser.
struct Scanner<'a> {
    index: &'a IvfPq,
    query: &'a [f32],
    /// `[m]` rows.
    table: Vec<[f32; KSUB]>,
    /// Room for `d` floats.
    residual: Vec<f32>,
}

impl<'a> Scanner<'a> {
    fn new(index: &'a IvfPq, query: &'a [f32]) -> Self {
        let mut table = vec![[0.0; KSUB]; index.pq.m];
        match index.ivf.coarse.metric {
            Metric::L2 if index.by_residual => {}
            Metric::L2 => index.pq.squared_l2_table(query, &mut table),
            Metric::InnerProduct => index.pq.inner_product_table(query, &mut table),
        }
        Self { index, query, table, residual: vec![0.0; query.len()] }
    }

    fn scan(&mut self, probe: Probe, list: &InvertedList, top: &mut TopK) {
        if list.ids.is_empty() {
            return;
        }
        let metric = self.index.ivf.coarse.metric;
        let offset = self.enter(probe);
        for (code, &id) in list.codes.chunks_exact(self.index.pq.m).zip(&list.ids) {
            top.push(metric.key(offset + look_up(&self.table, code)), id);
        }
    }

    /// Readies the table for a cell and returns what its sums lack there.
    fn enter(&mut self, probe: Probe) -> f32 {
        match self.index.ivf.coarse.metric {
            _ if !self.index.by_residual => 0.0,
            Metric::InnerProduct => -probe.score,
            Metric::L2 => {
                let centroid = self.index.ivf.coarse.centroid(probe.cell);
                for ((residual, value), centroid) in self.residual.iter_mut().zip(self.query).zip(centroid) {
                    *residual = value - centroid;
                }
                self.index.pq.squared_l2_table(&self.residual, &mut self.table);
                0.0
            }
        }
    }
}

//! One query's walk over the lists of its cells.

use std::sync::Arc;

use rayon::prelude::*;

use super::Ivf;
use crate::Metric;
use crate::codec::{Codec, Scanner};
use crate::nearest::Probe;
use crate::raw::{Level, table_add};
use crate::search::{Gather, scan};

/// Bytes that the tables of all cells may take, as in faiss; beyond, each visit computes its own.
const MAX_TABLE_BYTES: usize = 2 << 30;

/// How the codes of a cell are compared with the query.
enum Comparison {
    /// Codes stand for vectors: the scanner is aimed once.
    Whole,
    /// For the inner product, `q.(c + r) = q.c + q.r`: one table, and `q.c` is known from the coarse quantiser.
    Sum,
    /// `|q - c - r|^2 = |q - c|^2 + (|r|^2 + 2 c.r) - 2 q.r`: the middle term comes from a table of the cell that
    /// no query changes, `[nlist, m, ksub]`, the last from one of the query's that serves all cells.
    Tables(Arc<Vec<f32>>),
    /// The scanner is aimed at the query's residual in every cell.
    Residual,
}

/// Buffers of one thread's visits.
pub(super) struct Visit<'a> {
    ivf: &'a Ivf,
    comparison: Comparison,
    scanner: Scanner<'a>,
    /// The query, `d` floats.
    query: Vec<f32>,
    /// `-2 q.r`, `[m, ksub]`, for [`Comparison::Tables`] alone.
    products: Vec<f32>,
}

impl<'a> Visit<'a> {
    pub fn new(ivf: &'a Ivf) -> Self {
        let metric = ivf.coarse.metric;
        let tables = || ivf.tables.get_or_init(|| tables(ivf)).clone();
        let comparison = match metric {
            _ if !ivf.by_residual => Comparison::Whole,
            Metric::InnerProduct => Comparison::Sum,
            Metric::L2 => tables().map_or(Comparison::Residual, Comparison::Tables),
        };
        let scanner = Scanner::new(&ivf.codec, metric);
        let products = vec![0.0; scanner.table.len()];
        Self { ivf, comparison, scanner, query: Vec::new(), products }
    }

    /// Begins a query, `d` floats.
    pub fn start(&mut self, query: &[f32]) {
        self.query.clear();
        self.query.extend_from_slice(query);
        match (&self.comparison, &self.ivf.codec) {
            (Comparison::Tables(_), Codec::Pq(pq)) => pq.inner_product_table(query, -2.0, &mut self.products),
            (Comparison::Whole | Comparison::Sum, _) => self.scanner.aim(query),
            _ => {}
        }
    }

    /// Hands the entries of a cell that are near enough to `found`.
    pub fn enter(&mut self, probe: Probe, found: &mut impl Gather) {
        let Some(list) = self.ivf.lists.lists.get(probe.cell).filter(|list| !list.is_empty()) else {
            return; // nothing there, or no cell at all
        };
        match &self.comparison {
            Comparison::Whole => {}
            Comparison::Sum => self.scanner.offset = probe.score,
            Comparison::Residual => {
                self.scanner.aim_at_residual(&self.query, self.ivf.coarse.centroid(probe.cell));
            }
            Comparison::Tables(tables) => {
                let size = self.products.len();
                let cell = &tables[probe.cell * size..(probe.cell + 1) * size];
                table_add(Level::detected(), cell, 1.0, &self.products, &mut self.scanner.table);
                self.scanner.offset = probe.score;
            }
        }
        scan(&self.scanner, &list.codes, self.ivf.lists.code_size, |entry| list.id(entry), found);
    }
}

/// `|r|^2 + 2 c.r` of every centroid and codeword, `[nlist, m, ksub]`; `None` where codes are not product-quantised
/// or the tables would be too large.
fn tables(ivf: &Ivf) -> Option<Arc<Vec<f32>>> {
    let Codec::Pq(pq) = &ivf.codec else { return None };
    let size = pq.m * pq.ksub;
    let fits =
        ivf.coarse.nlist.checked_mul(size * size_of::<f32>()).is_some_and(|all| all <= MAX_TABLE_BYTES);
    if !fits {
        return None;
    }
    let norms: Vec<f32> = pq.norms().collect();
    let mut tables = vec![0.0; ivf.coarse.nlist * size];
    let centroids = ivf.coarse.centroids().par_chunks_exact(ivf.coarse.d);
    tables.par_chunks_exact_mut(size).zip(centroids).for_each(|(table, centroid)| {
        pq.inner_product_table(centroid, 2.0, table);
        table.iter_mut().zip(&norms).for_each(|(out, norm)| *out += norm);
    });
    Some(Arc::new(tables))
}

//! Look-up tables of residual codes, common to all queries.

use rayon::prelude::*;

use crate::{
    metric::Metric,
    quantise::{coarse::Coarse, codec::Codec},
};

/// Limit on the tables of all cells, as in faiss; above it, each visit computes its own.
const MAX_TABLE_BYTES: usize = 2 << 30;

/// Centroids whose tables are computed together, a register tile of the kernel.
const TOGETHER: usize = 12;

/// `|r|^2 + 2 c.r` of every centroid and codeword, `[nlist, m, ksub]`; `None` unless codes are PQ residuals
/// under L2, or if the tables exceed the limit.
pub(super) fn residual_tables(coarse: &Coarse, codec: &Codec, by_residual: bool) -> Option<Vec<f32>> {
    let Codec::Pq(pq) = codec else { return None };
    if coarse.metric != Metric::L2 || !by_residual {
        return None;
    }
    let size = pq.m * pq.ksub;
    let fits = coarse.nlist.checked_mul(size * size_of::<f32>()).is_some_and(|all| all <= MAX_TABLE_BYTES);
    if !fits {
        return None;
    }
    let norms: Vec<f32> = pq.norms().collect();
    let mut tables = vec![0.0; coarse.nlist * size];
    let centroids = coarse.centroids().par_chunks(TOGETHER * coarse.d);
    let blocks = tables.par_chunks_mut(TOGETHER * size).zip(centroids);
    blocks.for_each_init(Vec::new, |products, (tables, centroids)| {
        pq.inner_product_tables(centroids, 2.0, products);
        let terms = products.chunks_exact(size).flat_map(|products| products.iter().zip(&norms));
        tables.iter_mut().zip(terms).for_each(|(out, (product, norm))| *out = product + norm);
    });
    Some(tables)
}

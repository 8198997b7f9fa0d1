//! Random streams of one seed: their assignment to draws, their generators, and samples of rows.

use rand::{SeedableRng, seq::index::sample};
use rand_chacha::ChaCha8Rng;

/// Coarse k-means.
pub(super) const COARSE_STREAM: u64 = 0;

/// Vectors whose residuals train the codes.
pub(super) const SAMPLE_STREAM: u64 = 1;

/// Sub-quantiser 0 of the product quantiser; sub-quantiser `j` uses the `j`-th stream after it.
pub(super) const SUBQUANTISER_STREAM: u64 = 2;

/// Transforms, far from the streams of the quantisers.
pub(super) const TRANSFORM_STREAM: u64 = 1 << 32;

/// Levels and order of insertion of the vertices of an HNSW graph.
pub(super) const GRAPH_STREAM: u64 = (1 << 32) + 1;

/// Random number generator of a stream for a seed.
pub(crate) fn seeded(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// Draws `most` distinct rows of `n`, ascending; `None` if `n <= most`.
pub(crate) fn sample_rows(n: usize, most: usize, rng: &mut ChaCha8Rng) -> Option<Vec<usize>> {
    (n > most).then(|| {
        let mut rows = sample(rng, n, most).into_vec();
        rows.sort_unstable();
        rows
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_distinct_rows_in_order() {
        assert_eq!(sample_rows(10, 10, &mut seeded(0, 0)), None);
        let rows = sample_rows(100, 10, &mut seeded(0, 0)).expect("too many");
        assert!(rows.len() == 10 && rows.is_sorted_by(|a, b| a < b));
    }
}

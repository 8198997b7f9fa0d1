//! Product quantiser of 4-bit codewords: encoding, decoding and float look-up tables.

use rayon::prelude::*;
use simd::Level;

use crate::{
    error::{Error, Result},
    kernels::{
        fast_scan::KSUB,
        packing::{code_size, join_nibbles},
    },
};

/// Vectors that one thread encodes at a time.
const VECTORS_TOGETHER: usize = 64;

/// Distances of one sub-vector to the codewords.
pub(crate) type Row = [f32; KSUB];

/// `m` sub-quantisers of 16 codewords over `dsub = d / m` dimensions each.
#[derive(Clone)]
pub(crate) struct FastScanPq {
    pub d: usize,
    pub m: usize,
    pub dsub: usize,
    /// `[m, 16, dsub]`, as faiss stores it.
    pub centroids: Vec<f32>,
    /// `[m, dsub]` rows; each holds one dimension of all 16 codewords.
    transposed: Vec<Row>,
}

impl FastScanPq {
    /// Bits of a codeword's index.
    pub const NBITS: usize = 4;

    /// Creates a quantiser of codewords `[m, 16, dsub]`.
    ///
    /// # Errors
    /// `m` does not divide `d`, or the number of values is not `16 d`.
    pub fn new(d: usize, m: usize, centroids: Vec<f32>) -> Result<Self> {
        if d == 0 || m == 0 || !d.is_multiple_of(m) {
            return Err(Error::argument(
                "m of the product quantiser",
                format!("a divisor of dimension {d}"),
                m,
            ));
        }
        if Some(centroids.len()) != d.checked_mul(KSUB) {
            return Err(Error::argument("codewords", format!("{KSUB} * {d} values"), centroids.len()));
        }
        let dsub = d / m;
        let row = |codebook: &[f32], i: usize| std::array::from_fn(|codeword| codebook[codeword * dsub + i]);
        let codebooks = centroids.chunks_exact(KSUB * dsub);
        let transposed = codebooks.flat_map(|codebook| (0..dsub).map(move |i| row(codebook, i))).collect();
        Ok(Self { d, m, dsub, centroids, transposed })
    }

    /// Bytes of one code.
    pub fn code_size(&self) -> usize {
        code_size(self.m)
    }

    /// Codes of `vectors` `[n, d]`: `[n, code_size]`.
    pub fn encode(&self, vectors: &[f32], level: Level) -> Vec<u8> {
        let blocks = vectors.par_chunks(VECTORS_TOGETHER * self.d);
        let codes: Vec<Vec<u8>> = blocks.map(|block| self.encode_block(block, level)).collect();
        codes.concat()
    }

    fn encode_block(&self, vectors: &[f32], level: Level) -> Vec<u8> {
        let mut table = vec![[0.0; KSUB]; self.m];
        let mut codewords = Vec::with_capacity(vectors.len() / self.dsub);
        for vector in vectors.chunks_exact(self.d) {
            level.run(|| self.squared_l2_table(vector, &mut table));
            codewords.extend(table.iter().map(nearest));
        }
        join_nibbles(&codewords, self.m)
    }

    /// Adds the decoded vector of a code of [`Self::code_size`] bytes to `out`, `d` floats.
    pub fn add_decoded(&self, code: &[u8], out: &mut [f32]) {
        let codewords = code.iter().flat_map(|byte| [byte & 15, byte >> 4]);
        let codebooks = self.centroids.chunks_exact(KSUB * self.dsub);
        for ((codeword, codebook), out) in codewords.zip(codebooks).zip(out.chunks_exact_mut(self.dsub)) {
            let codeword = &codebook[usize::from(codeword) * self.dsub..][..self.dsub];
            out.iter_mut().zip(codeword).for_each(|(out, value)| *out += value);
        }
    }

    /// Writes the squared distances of the sub-vectors to every codeword to `table`, `[m]` rows.
    #[inline(always)]
    pub fn squared_l2_table(&self, vector: &[f32], table: &mut [Row]) {
        self.fill(vector, table, |value, codeword| (value - codeword) * (value - codeword));
    }

    /// Writes the inner products of the sub-vectors with every codeword to `table`, `[m]` rows.
    #[inline(always)]
    pub fn inner_product_table(&self, vector: &[f32], table: &mut [Row]) {
        self.fill(vector, table, |value, codeword| value * codeword);
    }

    /// Writes the terms of the squared residual distance other than the coarse distance and `-2 q.codeword`
    /// to `table`, `[m]` rows: `|codeword|^2 + 2 centroid.codeword`.
    #[inline(always)]
    pub fn residual_table(&self, centroid: &[f32], table: &mut [Row]) {
        self.fill(centroid, table, |value, codeword| codeword * (codeword + 2.0 * value));
    }

    #[inline(always)]
    fn fill(&self, vector: &[f32], table: &mut [Row], term: impl Fn(f32, f32) -> f32) {
        let parts = vector.chunks_exact(self.dsub).zip(self.transposed.chunks_exact(self.dsub));
        for (row, (part, codebook)) in table.iter_mut().zip(parts) {
            let mut sums = [0.0; KSUB];
            for (&value, codewords) in part.iter().zip(codebook) {
                sums = std::array::from_fn(|i| sums[i] + term(value, codewords[i]));
            }
            *row = sums;
        }
    }
}

/// Index of the nearest codeword, the first of equals.
fn nearest(row: &Row) -> u8 {
    let nearer = |best: usize, i: usize| if row[i] < row[best] { i } else { best };
    (1..KSUB).fold(0, nearer) as u8
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::{metric::squared_l2, quantise::random_streams::seeded};

    fn random(values: usize, stream: u64) -> Vec<f32> {
        let mut rng = seeded(6, stream);
        (0..values).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    #[test]
    fn no_other_code_decodes_nearer() {
        for (d, m) in [(12, 3), (10, 5), (4, 1), (6, 6)] {
            let pq = FastScanPq::new(d, m, random(KSUB * d, 0)).unwrap();
            let vectors = random(150 * d, 1);
            let codes = pq.encode(&vectors, Level::detected());
            assert_eq!(codes, pq.encode(&vectors, Level::SCALAR));
            for (vector, code) in vectors.chunks(d).zip(codes.chunks(pq.code_size())) {
                let mut decoded = vec![0.0; d];
                pq.add_decoded(code, &mut decoded);
                for j in 0..m {
                    let part = j * pq.dsub..(j + 1) * pq.dsub;
                    let chosen = squared_l2(&vector[part.clone()], &decoded[part.clone()]);
                    let codebook = &pq.centroids[j * KSUB * pq.dsub..][..KSUB * pq.dsub];
                    let others =
                        codebook.chunks(pq.dsub).map(|other| squared_l2(&vector[part.clone()], other));
                    others.for_each(|other| assert!(chosen <= other + 1e-6));
                }
            }
        }
    }

    #[test]
    fn tables_of_residuals_add_up_to_the_distance() {
        let pq = FastScanPq::new(12, 3, random(KSUB * 12, 0)).unwrap();
        let (query, centroid) = (random(12, 2), random(12, 3));
        let residual: Vec<f32> = query.iter().zip(&centroid).map(|(q, c)| q - c).collect();
        let [mut direct, mut products, mut terms] = [(); 3].map(|()| [[0.0; KSUB]; 3]);
        pq.squared_l2_table(&residual, &mut direct);
        pq.inner_product_table(&query, &mut products);
        pq.residual_table(&centroid, &mut terms);
        let parts = query.chunks_exact(4).zip(centroid.chunks_exact(4));
        let coarse = parts.map(|(query, centroid)| squared_l2(query, centroid));
        for (((direct, products), terms), coarse) in direct.iter().zip(&products).zip(&terms).zip(coarse) {
            for ((direct, product), term) in direct.iter().zip(products).zip(terms) {
                assert!((direct - (coarse - 2.0 * product + term)).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn shapes_are_checked() {
        assert!(FastScanPq::new(10, 3, random(160, 0)).is_err());
        assert!(FastScanPq::new(10, 0, random(160, 0)).is_err());
        assert!(FastScanPq::new(10, 5, random(159, 0)).is_err());
    }
}

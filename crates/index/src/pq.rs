//! Product quantisation (Jégou et al., TPAMI 2011): a vector is cut into `m` sub-vectors and each is coded by
//! the number of its nearest codeword.

use burn::tensor::Device;

use crate::codebook::Codebook;
use crate::factory::NBITS;
use crate::kmeans::KMeans;
use crate::vectors::Vectors;
use crate::{Error, Metric, Result};

/// Codewords of one sub-quantiser.
pub(crate) const KSUB: usize = 1 << NBITS;

/// `m` sub-quantisers of [`KSUB`] codewords over `dsub = d / m` dimensions each; a code is `m` bytes.
#[derive(Clone)]
pub(crate) struct ProductQuantizer {
    pub d: usize,
    pub m: usize,
    pub dsub: usize,
    /// `[m, KSUB, dsub]`, as faiss stores it.
    pub centroids: Vec<f32>,
    /// `[m, dsub, KSUB]`: the layout in which look-up tables are filled codeword by codeword.
    transposed: Vec<f32>,
    /// `[m]`.
    codebooks: Vec<Codebook>,
}

impl ProductQuantizer {
    /// `centroids` is `[m, KSUB, dsub]`, finite, and `m` divides `d`.
    pub fn new(d: usize, m: usize, centroids: Vec<f32>, device: &Device) -> Self {
        let dsub = d / m;
        let subquantisers = || centroids.chunks_exact(KSUB * dsub);
        let codebooks = subquantisers().map(|sub| Codebook::new(Metric::L2, sub, dsub, device)).collect();
        let transposed = subquantisers().flat_map(|sub| transpose(sub, dsub)).collect();
        Self { d, m, dsub, centroids, transposed, codebooks }
    }

    /// Clusters each sub-vector of `vectors` `[n, d]` by itself, sub-quantiser `j` on `kmeans`'s random
    /// stream plus `j`; `on_iteration` gets sub-quantiser, iteration and objective.
    ///
    /// # Errors
    ///
    /// `m` does not divide `d`; fewer vectors than codewords; a failing device.
    pub fn train(
        vectors: &Vectors,
        m: usize,
        kmeans: &KMeans,
        device: &Device,
        on_iteration: &mut dyn FnMut(usize, usize, f64),
    ) -> Result<Self> {
        let dsub = sub_dimension(vectors.d, m)?;
        let mut centroids = Vec::with_capacity(KSUB * vectors.d);
        for j in 0..m {
            let kmeans = KMeans { stream: kmeans.stream + j as u64, ..kmeans.clone() };
            let columns = vectors.columns(j * dsub, dsub);
            centroids
                .extend(kmeans.train(&columns, device, &mut |i, objective| on_iteration(j, i, objective))?);
        }
        Ok(Self::new(vectors.d, m, centroids, device))
    }

    /// Codes of `vectors` `[n, d]`: `[n, m]` bytes.
    pub fn encode(&self, vectors: &Vectors) -> Result<Vec<u8>> {
        let mut codes = vec![0; vectors.n * self.m];
        for (j, codebook) in self.codebooks.iter().enumerate() {
            let columns = j * self.dsub..(j + 1) * self.dsub;
            let nearest = codebook.nearest(&vectors.tensor.clone().slice([0..vectors.n, columns]))?;
            for (code, codeword) in codes.chunks_exact_mut(self.m).zip(nearest.centroids) {
                code[j] = codeword as u8;
            }
        }
        Ok(codes)
    }

    /// Adds the vector that a code of `m` bytes stands for to `out`, `d` floats.
    pub fn add_decoded(&self, code: &[u8], out: &mut [f32]) {
        let codebooks = self.centroids.chunks_exact(KSUB * self.dsub);
        for ((&codeword, codebook), out) in code.iter().zip(codebooks).zip(out.chunks_exact_mut(self.dsub)) {
            let start = usize::from(codeword) * self.dsub;
            for (out, value) in out.iter_mut().zip(&codebook[start..start + self.dsub]) {
                *out += value;
            }
        }
    }

    /// Squared distances of the vector's parts to every codeword: `table`, `[m]` rows.
    pub fn squared_l2_table(&self, vector: &[f32], table: &mut [[f32; KSUB]]) {
        self.fill_table(vector, table, |value, codeword| (value - codeword) * (value - codeword));
    }

    /// Inner products of the vector's parts with every codeword: `table`, `[m]` rows.
    pub fn inner_product_table(&self, vector: &[f32], table: &mut [[f32; KSUB]]) {
        self.fill_table(vector, table, |value, codeword| value * codeword);
    }

    fn fill_table(&self, vector: &[f32], table: &mut [[f32; KSUB]], term: impl Fn(f32, f32) -> f32) {
        let parts = vector.chunks_exact(self.dsub);
        let codebooks = self.transposed.chunks_exact(self.dsub * KSUB);
        for ((row, part), codebook) in table.iter_mut().zip(parts).zip(codebooks) {
            row.fill(0.0);
            for (&value, codewords) in part.iter().zip(codebook.as_chunks::<KSUB>().0) {
                for (sum, &codeword) in row.iter_mut().zip(codewords) {
                    *sum += term(value, codeword);
                }
            }
        }
    }
}

/// `d / m`, where `m` divides `d`.
pub(crate) fn sub_dimension(d: usize, m: usize) -> Result<usize> {
    if m == 0 || !d.is_multiple_of(m) {
        return Err(Error::argument("m of the product quantiser", format!("a divisor of dimension {d}"), m));
    }
    Ok(d / m)
}

/// Sum of a table's entries at a code: the asymmetric distance (ADC) less what the table leaves out.
pub(crate) fn look_up(table: &[[f32; KSUB]], code: &[u8]) -> f32 {
    code.iter().zip(table).map(|(&codeword, row)| row[usize::from(codeword)]).sum()
}

/// `[KSUB, dsub]` to `[dsub, KSUB]`.
fn transpose(codebook: &[f32], dsub: usize) -> Vec<f32> {
    (0..dsub).flat_map(|i| (0..KSUB).map(move |codeword| codebook[codeword * dsub + i])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmeans::seeded;
    use crate::metric::{inner_product, squared_l2};
    use rand::RngExt;

    fn random(values: usize, stream: u64) -> Vec<f32> {
        let mut rng = seeded(11, stream);
        (0..values).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    fn quantiser() -> ProductQuantizer {
        ProductQuantizer::new(12, 3, random(12 * KSUB, 0), &Device::flex())
    }

    #[test]
    fn every_part_gets_its_nearest_codeword() {
        let pq = quantiser();
        let vectors =
            Vectors::from_host("vectors", random(100 * 12, 1), 12, &Device::flex()).expect("finite");
        let codes = pq.encode(&vectors).expect("encodes");
        for (vector, code) in vectors.rows().zip(codes.chunks_exact(3)) {
            for (j, &codeword) in code.iter().enumerate() {
                let part = &vector[j * 4..(j + 1) * 4];
                let codebook = pq.centroids[j * KSUB * 4..(j + 1) * KSUB * 4].chunks_exact(4);
                let distances: Vec<f32> = codebook.map(|centroid| squared_l2(part, centroid)).collect();
                let least = distances.iter().copied().fold(f32::INFINITY, f32::min);
                // The device scores |c|^2 - 2 x.c, whose rounding is a few ulps of |c|^2 <= 4.
                assert!(distances[usize::from(codeword)] <= least + 2e-6);
            }
        }
    }

    #[test]
    fn tables_hold_distances_to_what_codes_decode_to() {
        let pq = quantiser();
        let (query, code) = (random(12, 2), [3, 200, 255]);
        let mut decoded = vec![0.0; 12];
        pq.add_decoded(&code, &mut decoded);
        let mut table = vec![[f32::NAN; KSUB]; 3];
        pq.squared_l2_table(&query, &mut table);
        assert!((look_up(&table, &code) - squared_l2(&query, &decoded)).abs() < 1e-5);
        pq.inner_product_table(&query, &mut table);
        assert!((look_up(&table, &code) - inner_product(&query, &decoded)).abs() < 1e-5);
    }

    #[test]
    fn parts_must_divide_the_dimension() {
        assert_eq!(sub_dimension(12, 3).expect("divides"), 4);
        assert!(sub_dimension(12, 5).is_err());
        assert!(sub_dimension(12, 0).is_err());
    }
}

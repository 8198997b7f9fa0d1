//! Product quantisation (Jégou et al., TPAMI 2011): a vector is split into `m` sub-vectors, each coded by the
//! index of its nearest codeword.

mod packed_code;

use burn::tensor::Device;
use simd::Level;

pub(crate) use packed_code::{PackedCode, code_size};

use crate::{
    error::{Error, Result},
    kernels::pq8_scan,
    metric::{Metric, squared_norm},
    quantise::{codebook::Codebook, kmeans::KMeans},
    vectors::Vectors,
};

/// `m` sub-quantisers of `ksub = 2^nbits` codewords over `dsub = d / m` dimensions each.
#[derive(Clone)]
pub(crate) struct ProductQuantiser {
    pub d: usize,
    pub m: usize,
    pub dsub: usize,
    pub nbits: usize,
    pub ksub: usize,
    /// Codebooks of the sub-quantisers, `[m]`.
    codebooks: Vec<Codebook>,
}

impl ProductQuantiser {
    /// Creates a quantiser of finite codewords `[m, 2^nbits, d / m]`; `m` divides `d`.
    ///
    /// # Errors
    /// No codeword.
    pub fn new(d: usize, m: usize, nbits: usize, centroids: Vec<f32>, device: &Device) -> Result<Self> {
        let (dsub, ksub) = (d / m, 1 << nbits);
        let codebook = |codewords: &[f32]| Codebook::new(Metric::L2, codewords.to_vec(), dsub, device);
        let codebooks = centroids.chunks_exact(ksub * dsub).map(codebook).collect::<Result<_>>()?;
        Ok(Self { d, m, dsub, nbits, ksub, codebooks })
    }

    /// Codewords `[m, ksub, dsub]`, as faiss stores them.
    pub fn centroids(&self) -> Vec<f32> {
        self.codebooks.iter().flat_map(Codebook::centroids).copied().collect()
    }

    /// Clusters each sub-vector of `vectors` `[n, d]` separately into `kmeans.k = 2^nbits` codewords;
    /// sub-quantiser `j` uses the random stream `kmeans.stream + j`. Calls `on_iteration` with sub-quantiser,
    /// iteration and objective. If given, the codewords `start` `[m, ksub, dsub]`, shifted to the mean of the
    /// vectors, are the initial centroids.
    ///
    /// # Errors
    /// `m` does not divide `d`; fewer vectors than codewords; a failing device.
    pub fn train(
        vectors: &Vectors,
        m: usize,
        kmeans: &KMeans,
        start: Option<&[f32]>,
        device: &Device,
        on_iteration: &mut dyn FnMut(usize, usize, f64),
    ) -> Result<Self> {
        let dsub = sub_dimension(vectors.d, m)?;
        let mut centroids = Vec::with_capacity(kmeans.k * vectors.d);
        for j in 0..m {
            let kmeans = KMeans { stream: kmeans.stream + j as u64, ..kmeans.clone() };
            let columns = vectors.columns(j * dsub, dsub);
            let report = &mut |i, objective| on_iteration(j, i, objective);
            centroids.extend(match start {
                None => kmeans.train(&columns, device, report)?,
                Some(start) => {
                    let size = kmeans.k * dsub;
                    let start = around_mean(&start[j * size..(j + 1) * size], &columns);
                    kmeans.train_from(&columns, start, device, report)?
                }
            });
        }
        Self::new(vectors.d, m, kmeans.k.ilog2() as usize, centroids, device)
    }

    /// Bytes of one code.
    pub fn code_size(&self) -> usize {
        code_size(self.m, self.nbits)
    }

    /// Encodes `vectors` `[n, d]`: `[n, code_size]` bytes.
    pub fn encode(&self, vectors: &Vectors) -> Result<Vec<u8>> {
        let code_size = self.code_size();
        let mut codes = vec![0; vectors.n * code_size];
        for (j, codebook) in self.codebooks.iter().enumerate() {
            let codewords = codebook.nearest_to_part(vectors, j * self.dsub)?;
            for (code, codeword) in codes.chunks_exact_mut(code_size).zip(codewords) {
                packed_code::put(code, j, self.nbits, codeword as usize);
            }
        }
        Ok(codes)
    }

    /// Adds the decoded vector of a code to `out`, `d` floats.
    pub fn add_decoded(&self, code: &[u8], out: &mut [f32]) {
        let codewords = PackedCode::new(code, self.nbits);
        for ((codeword, codebook), out) in codewords.zip(&self.codebooks).zip(out.chunks_exact_mut(self.dsub))
        {
            let start = codeword * self.dsub;
            for (out, value) in out.iter_mut().zip(&codebook.centroids()[start..start + self.dsub]) {
                *out += value;
            }
        }
    }

    /// Sets `tables` to `[n, m, ksub]`: `factor` times the inner products of the sub-vectors of
    /// `vectors` `[n, d]` with every codeword.
    pub fn inner_product_tables(&self, vectors: &[f32], factor: f32, tables: &mut Vec<f32>) {
        let n = vectors.len() / self.d;
        tables.resize(n * self.m * self.ksub, 0.0);
        let (mut parts, mut products) = (vec![0.0; n * self.dsub], vec![0.0; n * self.ksub]);
        for (j, codebook) in self.codebooks.iter().enumerate() {
            let columns = j * self.dsub..(j + 1) * self.dsub;
            for (part, vector) in parts.chunks_exact_mut(self.dsub).zip(vectors.chunks_exact(self.d)) {
                part.iter_mut().zip(&vector[columns.clone()]).for_each(|(out, value)| *out = factor * value);
            }
            codebook.panels().rows.products(Level::detected(), &parts, &mut products);
            let rows = tables.chunks_exact_mut(self.ksub).skip(j).step_by(self.m);
            rows.zip(products.chunks_exact(self.ksub))
                .for_each(|(row, products)| row.copy_from_slice(products));
        }
    }

    /// Sets `tables` to `[n, m, ksub]`: the contribution of each codeword to the sort keys of
    /// `vectors` `[n, d]`.
    ///
    /// Squared distances are `|x|^2 + |c|^2 - 2 x.c`; their error is a few float32 roundings of the norms,
    /// however small the distance.
    pub fn key_tables(&self, metric: Metric, vectors: &[f32], tables: &mut Vec<f32>) {
        if metric == Metric::InnerProduct {
            return self.inner_product_tables(vectors, -1.0, tables);
        }
        self.inner_product_tables(vectors, -2.0, tables);
        let parts = vectors.chunks_exact(self.dsub).zip(self.codebooks.iter().cycle());
        for (row, (part, codebook)) in tables.chunks_exact_mut(self.ksub).zip(parts) {
            let norm = squared_norm(part) as f32;
            row.iter_mut().zip(&codebook.panels().norms).for_each(|(out, codeword)| *out += norm + codeword);
        }
    }

    /// `|c|^2` of every codeword, `[m, ksub]`.
    pub fn norms(&self) -> impl Iterator<Item = f32> {
        self.codebooks.iter().flat_map(|codebook| &codebook.panels().norms).copied()
    }

    /// Scores codes `[n, code_size]`: `offset` plus the table's entry for each codeword (asymmetric distance
    /// computation, ADC).
    pub fn scan(&self, table: &[f32], offset: f32, codes: &[u8], out: &mut [f32]) {
        if self.nbits == 8 {
            return pq8_scan(table, offset, codes, out);
        }
        for (code, out) in codes.chunks_exact(self.code_size()).zip(out) {
            let rows = table.chunks_exact(self.ksub);
            *out = offset + PackedCode::new(code, self.nbits).zip(rows).map(|(j, row)| row[j]).sum::<f32>();
        }
    }
}

/// Shifts codewords of centred vectors, `[ksub, dsub]`, to the mean of the points.
fn around_mean(codewords: &[f32], points: &Vectors) -> Vec<f32> {
    let mut mean = vec![0.0f64; points.d];
    for point in points.rows() {
        mean.iter_mut().zip(point).for_each(|(mean, &x)| *mean += f64::from(x));
    }
    let n = points.n.max(1) as f64;
    let moved = |codeword: &[f32]| -> Vec<f32> {
        codeword.iter().zip(&mean).map(|(&x, sum)| (f64::from(x) + sum / n) as f32).collect()
    };
    codewords.chunks_exact(points.d).flat_map(moved).collect()
}

/// Returns `d / m`; fails unless `m` divides `d`.
pub(crate) fn sub_dimension(d: usize, m: usize) -> Result<usize> {
    if m == 0 || !d.is_multiple_of(m) {
        return Err(Error::argument("m of the product quantiser", format!("a divisor of dimension {d}"), m));
    }
    Ok(d / m)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        factory::NBITS,
        metric::{inner_product, squared_l2},
        quantise::{kmeans::Initialisation, random_streams::seeded},
    };
    use rand::RngExt;

    fn random(values: usize, stream: u64) -> Vec<f32> {
        let mut rng = seeded(11, stream);
        (0..values).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    fn quantiser(nbits: usize) -> ProductQuantiser {
        ProductQuantiser::new(12, 3, nbits, random(12 << nbits, 0), &Device::flex()).expect("codewords")
    }

    #[test]
    fn every_part_gets_its_nearest_codeword() {
        for nbits in NBITS {
            let pq = quantiser(nbits);
            let vectors = Vectors::from_host("vectors", random(100 * 12, 1), 12).expect("finite");
            let codes = pq.encode(&vectors).expect("encodes");
            for (vector, code) in vectors.rows().zip(codes.chunks_exact(pq.code_size())) {
                for (j, codeword) in PackedCode::new(code, nbits).take(3).enumerate() {
                    let part = &vector[j * 4..(j + 1) * 4];
                    let codewords = pq.codebooks[j].centroids().chunks_exact(4);
                    let distances: Vec<f32> = codewords.map(|centroid| squared_l2(part, centroid)).collect();
                    let least = distances.iter().copied().fold(f32::INFINITY, f32::min);
                    // Nearest by |c|^2 - 2 x.c, which is rounded by a few ulps of |c|^2 <= 4.
                    assert!(distances[codeword] <= least + 2e-6);
                }
            }
        }
    }

    #[test]
    fn more_codewords_lose_less() {
        let vectors = Vectors::from_host("vectors", random(4200 * 6, 3), 6).expect("finite");
        let mut last = f64::INFINITY;
        for nbits in NBITS {
            let kmeans = KMeans {
                what: "test",
                k: 1 << nbits,
                iterations: 3,
                max_points_per_centroid: 256,
                metric: Metric::L2,
                spherical: false,
                initialisation: Initialisation::Sampled,
                seed: 1,
                stream: 0,
            };
            let mut objectives = [0.0; 2];
            let report = &mut |j: usize, _, objective| objectives[j] = objective;
            let pq =
                ProductQuantiser::train(&vectors, 2, &kmeans, None, &Device::flex(), report).expect("trains");
            assert_eq!((pq.nbits, pq.ksub, pq.centroids().len()), (nbits, 1 << nbits, 6 << nbits));
            let lost = objectives[0] + objectives[1];
            // Doubling the codewords of a three-dimensional sub-vector multiplies the loss by about 2^(-2/3).
            assert!(lost < 0.8 * last, "{nbits} bits: {lost} {last}");
            last = lost;
        }
    }

    #[test]
    fn training_starts_at_the_given_codewords() {
        let vectors: Vec<f32> = random(4 * 300, 4).iter().map(|value| value + 5.0).collect();
        let vectors = Vectors::from_host("vectors", vectors, 4).expect("finite");
        let kmeans = KMeans {
            what: "test",
            k: 16,
            iterations: 0,
            max_points_per_centroid: 256,
            metric: Metric::L2,
            spherical: false,
            initialisation: Initialisation::Sampled,
            seed: 1,
            stream: 0,
        };
        let start = random(16 * 4, 5);
        let device = Device::flex();
        let pq = ProductQuantiser::train(&vectors, 2, &kmeans, Some(&start), &device, &mut |_, _, _| {});
        for (j, codewords) in pq.expect("trains").centroids().chunks_exact(2 * 16).enumerate() {
            for (i, (codeword, begun)) in codewords.iter().zip(&start[j * 32..]).enumerate() {
                let mean = vectors.rows().map(|row| f64::from(row[j * 2 + i % 2])).sum::<f64>() / 300.0;
                assert!((f64::from(codeword - begun) - mean).abs() < 1e-5, "{j}, {i}");
            }
        }
    }

    #[test]
    fn table_sums_are_distances_to_decoded_codes() {
        for nbits in NBITS {
            let pq = quantiser(nbits);
            let query = random(12, 2);
            let mut code = vec![0; pq.code_size()];
            [3, pq.ksub - 2, pq.ksub - 1]
                .iter()
                .enumerate()
                .for_each(|(j, &i)| packed_code::put(&mut code, j, nbits, i));
            let mut decoded = vec![0.0; 12];
            pq.add_decoded(&code, &mut decoded);
            let mut table = vec![f32::NAN; 3 * pq.ksub];
            let mut out = [0.0];
            pq.key_tables(Metric::L2, &query, &mut table);
            pq.scan(&table, 1.0, &code, &mut out);
            assert!((out[0] - 1.0 - squared_l2(&query, &decoded)).abs() < 1e-5);
            pq.key_tables(Metric::InnerProduct, &query, &mut table);
            pq.scan(&table, 0.0, &code, &mut out);
            assert!((out[0] + inner_product(&query, &decoded)).abs() < 1e-5);
        }
    }

    #[test]
    fn parts_must_divide_the_dimension() {
        assert_eq!(sub_dimension(12, 3).expect("divides"), 4);
        assert!(sub_dimension(12, 5).is_err());
        assert!(sub_dimension(12, 0).is_err());
    }
}

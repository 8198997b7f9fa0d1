//! Codebooks of a product quantiser during OPQ training, refined a few k-means iterations at a time between
//! rotations of the vectors.

use burn::tensor::{Device, Tensor};
use nalgebra::DMatrix;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{
    error::{Error, Result},
    kernels,
    metric::{Metric, squared_l2},
    quantise::codebook::Codebook,
    vectors::Vectors,
};

/// Codewords per sub-quantiser; faiss trains OPQ for 8-bit codes, whatever index follows it.
pub(super) const KSUB: usize = 256;

/// Rows prefetched ahead of the one being summed, because sub-vectors are strided in memory.
const AHEAD: usize = 8;

/// Vectors to encode, `[n, d]`.
pub(super) struct Points(Vectors<'static>);

impl Points {
    pub fn new(tensor: Tensor<2>) -> Result<Self> {
        Vectors::new("points of OPQ", tensor).map(Self)
    }

    /// Values of the vectors, row-major `[n, d]`.
    pub fn host(&self) -> &[f32] {
        &self.0.host
    }

    pub fn d(&self) -> usize {
        self.0.d
    }

    /// Sub-vector `j` of every vector, `dsub` values each.
    fn parts(&self, j: usize, dsub: usize) -> impl Iterator<Item = &[f32]> + Clone {
        self.0.rows().map(move |row| &row[j * dsub..(j + 1) * dsub])
    }
}

/// Codebooks of `m` sub-quantisers of 8 bits.
pub(crate) struct Codebooks {
    /// Codewords, `[m, KSUB, dsub]`.
    pub centroids: Vec<f32>,
    pub m: usize,
    pub dsub: usize,
}

impl Codebooks {
    /// Draws sub-vectors of random points, separately for each sub-quantiser; `m` divides their dimension.
    ///
    /// # Errors
    /// Fewer points than codewords.
    pub(super) fn random(points: &Points, m: usize, rng: &mut ChaCha8Rng) -> Result<Self> {
        let (n, d, dsub) = (points.0.n, points.d(), points.d() / m);
        if n < KSUB {
            return Err(Error::TooFewPoints { what: "OPQ", needed: KSUB, found: n });
        }
        let mut centroids = Vec::with_capacity(KSUB * d);
        for j in 0..m {
            for point in sample(rng, n, KSUB) {
                centroids.extend_from_slice(&points.0.row(point)[j * dsub..(j + 1) * dsub]);
            }
        }
        Ok(Self { centroids, m, dsub })
    }

    /// Runs k-means iterations from the current codewords. The sum of squared distances to the nearest
    /// codewords never rises: a codeword without points moves onto the point with the largest error.
    pub(super) fn refine(&mut self, points: &Points, iterations: usize, device: &Device) -> Result<()> {
        for _ in 0..iterations {
            let codes = self.encode(points, device)?;
            let dsub = self.dsub;
            self.centroids.par_chunks_exact_mut(KSUB * dsub).zip(&codes).enumerate().for_each(
                |(j, (codebook, codes))| {
                    let parts: Vec<&[f32]> = points.parts(j, dsub).collect();
                    move_to_means(codebook, &parts, codes, dsub);
                },
            );
        }
        Ok(())
    }

    /// Sum of the squared distances between the points and the decoded `codes`, `m` vectors of `[n]`.
    pub(super) fn squared_error(&self, points: &Points, codes: &[Vec<u32>]) -> f64 {
        let error = |(j, codes): (usize, &Vec<u32>)| {
            let parts = points.parts(j, self.dsub).zip(codes);
            parts.map(|(part, &code)| f64::from(squared_l2(part, self.codeword(j, code)))).sum()
        };
        let errors: Vec<f64> = codes.par_iter().enumerate().map(error).collect();
        errors.iter().sum()
    }

    /// Product `y^T x`, `[m dsub, d]`, of the vectors `y` `[n, m dsub]` decoded from `codes`, `m` vectors of
    /// `[n]`, and `vectors` `x` `[n, d]`.
    ///
    /// Vectors with the same code are summed first, so only the `KSUB` sums are multiplied.
    pub fn cross_product(&self, codes: &[Vec<u32>], vectors: &Vectors) -> DMatrix<f64> {
        let product = |(j, codes): (usize, &Vec<u32>)| {
            let values = self.codebook(j).iter().map(|&value| f64::from(value));
            let transposed = DMatrix::from_iterator(self.dsub, KSUB, values);
            transposed * DMatrix::from_row_slice(KSUB, vectors.d, &sums(vectors.rows(), codes, vectors.d).1)
        };
        let products: Vec<DMatrix<f64>> = codes.par_iter().enumerate().map(product).collect();
        let mut all = DMatrix::zeros(self.m * self.dsub, vectors.d);
        for (j, product) in products.iter().enumerate() {
            all.rows_mut(j * self.dsub, self.dsub).copy_from(product);
        }
        all
    }

    /// Index of the nearest codeword for every sub-vector of every point: `m` vectors of `[n]`.
    pub(super) fn encode(&self, points: &Points, device: &Device) -> Result<Vec<Vec<u32>>> {
        let nearest = |j| {
            let codebook = Codebook::new(Metric::L2, self.codebook(j).to_vec(), self.dsub, device)?;
            codebook.nearest_to_part(&points.0, j * self.dsub)
        };
        (0..self.m).map(nearest).collect()
    }

    fn codeword(&self, j: usize, code: u32) -> &[f32] {
        &self.codebook(j)[code as usize * self.dsub..][..self.dsub]
    }

    /// Codewords of sub-quantiser `j`, `[KSUB, dsub]`.
    fn codebook(&self, j: usize) -> &[f32] {
        &self.centroids[j * KSUB * self.dsub..(j + 1) * KSUB * self.dsub]
    }
}

/// Number of rows of `d` values with each of the `codes`, `[KSUB]`, and the sums of those rows, `[KSUB, d]`.
fn sums<'a>(
    rows: impl Iterator<Item = &'a [f32]> + Clone,
    codes: &[u32],
    d: usize,
) -> ([usize; KSUB], Vec<f64>) {
    let mut sizes = [0usize; KSUB];
    let mut sums = vec![0.0f64; KSUB * d];
    let mut ahead = rows.clone().skip(AHEAD);
    for (row, &code) in rows.zip(codes) {
        ahead.next().into_iter().for_each(kernels::prefetch);
        let code = code as usize;
        sizes[code] += 1;
        let sum = &mut sums[code * d..(code + 1) * d];
        sum.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    (sizes, sums)
}

/// Moves every codeword of `[KSUB, dsub]` to the mean of the points with its code, and each codeword without
/// points onto one of the points farthest from their codewords before the move.
fn move_to_means(codebook: &mut [f32], points: &[&[f32]], codes: &[u32], dsub: usize) {
    let (sizes, sums) = sums(points.iter().copied(), codes, dsub);
    let empty = (0..KSUB).filter(|&codeword| sizes[codeword] == 0);
    let farthest = farthest(codebook, points, codes, empty.clone().count());
    for (codeword, point) in empty.zip(farthest) {
        codebook[codeword * dsub..(codeword + 1) * dsub].copy_from_slice(points[point]);
    }
    for ((codeword, sum), &size) in codebook.chunks_exact_mut(dsub).zip(sums.chunks_exact(dsub)).zip(&sizes) {
        if size > 0 {
            codeword.iter_mut().zip(sum).for_each(|(x, sum)| *x = (sum / size as f64) as f32);
        }
    }
}

/// The `count` points farthest from their codewords, by descending distance.
fn farthest(codebook: &[f32], points: &[&[f32]], codes: &[u32], count: usize) -> Vec<usize> {
    if count == 0 {
        return vec![];
    }
    let distance = |(point, &code): (&&[f32], &u32)| {
        let (code, dsub) = (code as usize, point.len());
        squared_l2(point, &codebook[code * dsub..(code + 1) * dsub])
    };
    let distances: Vec<f32> = points.iter().zip(codes).map(distance).collect();
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&i, &j| distances[j].total_cmp(&distances[i]));
    order.truncate(count);
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantise::random_streams::seeded;
    use device_math::transfer::upload_matrix;
    use rand::RngExt;

    impl Codebooks {
        /// Component `at` of the decoded point `i`.
        pub(in super::super) fn value(&self, codes: &[Vec<u32>], i: usize, at: usize) -> f32 {
            let (j, at) = (at / self.dsub, at % self.dsub);
            self.codeword(j, codes[j][i])[at]
        }
    }

    fn points(values: Vec<f32>, d: usize) -> Points {
        Points::new(upload_matrix(values, d, &Device::flex())).expect("reads")
    }

    fn error(codebooks: &Codebooks, points: &Points) -> f64 {
        let codes = codebooks.encode(points, &Device::flex()).expect("encodes");
        codebooks.squared_error(points, &codes)
    }

    #[test]
    fn cross_products_are_those_of_reconstructions() {
        let mut rng = seeded(4, 0);
        let points = points((0..6 * 700).map(|_| rng.random_range(-1.0..1.0)).collect(), 6);
        let codebooks = Codebooks::random(&points, 2, &mut rng).expect("enough");
        let codes = codebooks.encode(&points, &Device::flex()).expect("encodes");
        let values: Vec<f32> = (0..5 * 700).map(|_| rng.random_range(-1.0..1.0)).collect();
        let vectors = Vectors::from_host("vectors", values, 5).expect("finite");
        let product = codebooks.cross_product(&codes, &vectors);
        assert_eq!(product.shape(), (6, 5));
        for (row, column) in (0..6).flat_map(|row| (0..5).map(move |column| (row, column))) {
            let terms = (0..700)
                .map(|i| f64::from(codebooks.value(&codes, i, row)) * f64::from(vectors.row(i)[column]));
            assert!((product[(row, column)] - terms.sum::<f64>()).abs() < 1e-9, "{row} {column}");
        }
    }

    #[test]
    fn the_error_never_rises_and_256_distinct_values_are_coded_exactly() {
        // 256 distinct values in either part; the random start draws some of them more than once.
        let points = points((0..2000).map(|i| (i * 7 % 512) as f32).collect(), 2);
        let mut codebooks = Codebooks::random(&points, 2, &mut seeded(1, 0)).expect("enough");
        let mut last = error(&codebooks, &points);
        assert!(last > 0.0);
        for _ in 0..12 {
            codebooks.refine(&points, 1, &Device::flex()).expect("refines");
            let now = error(&codebooks, &points);
            assert!(now <= last, "{now} {last}");
            last = now;
        }
        assert_eq!(last, 0.0);
    }

    #[test]
    fn codewords_are_means_of_their_points() {
        let mut rng = seeded(2, 0);
        let points = points((0..4 * 1000).map(|_| rng.random_range(-1.0..1.0)).collect(), 4);
        let mut codebooks = Codebooks::random(&points, 2, &mut rng).expect("enough");
        let codes = codebooks.encode(&points, &Device::flex()).expect("encodes");
        codebooks.refine(&points, 1, &Device::flex()).expect("refines");
        for (j, codeword) in [(0, 3), (1, 200)] {
            let members = points.parts(j, 2).zip(&codes[j]).filter(|(_, code)| **code == codeword);
            let members: Vec<&[f32]> = members.map(|(part, _)| part).collect();
            for i in 0..2 {
                let mean = members.iter().map(|part| part[i]).sum::<f32>() / members.len() as f32;
                assert!((codebooks.codebook(j)[codeword as usize * 2 + i] - mean).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn too_few_points_are_an_error() {
        let points = points(vec![0.0; 255], 1);
        assert!(matches!(Codebooks::random(&points, 1, &mut seeded(1, 0)), Err(Error::TooFewPoints { .. })));
    }
}

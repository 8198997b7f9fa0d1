//! Linear maps `y = A x + b`, the common form of rotations and projections.

use std::sync::OnceLock;

use burn::tensor::Device;
use device_math::{
    exact_products::matmul,
    transfer::{download, upload_matrix},
};
use rayon::prelude::*;
use simd::Level;

use crate::{
    error::{Error, Result},
    kernels::F32Panels,
    metric::inner_product,
    vectors::{check_finite, check_rows},
};

/// Fewer rows than this are multiplied on the host, where uploading the matrix would take longer.
const HOST_ROWS: usize = 32;

/// Rows per block and thread on the host.
const HOST_BLOCK: usize = 64;

/// Floats in the largest block of rows on the device: 32 MiB.
const BLOCK_FLOATS: usize = 8 << 20;

/// Largest deviation of `A A^T` from the identity that still counts as orthonormal, as in faiss.
const ORTHONORMAL_EPSILON: f32 = 4e-5;

/// Linear map with an optional bias.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    d_in: usize,
    d_out: usize,
    /// Matrix, row-major `[d_out, d_in]`.
    a: Vec<f32>,
    /// Bias `[d_out]`; empty without a bias.
    b: Vec<f32>,
    /// Result of [`Self::is_orthonormal`], computed on first use in `O(d_in d_out min(d_in, d_out))`.
    orthonormal: OnceLock<bool>,
    /// `A` packed for products on the host, of the same size; built on first use.
    panels: OnceLock<F32Panels>,
}

impl PartialEq for Linear {
    /// Compares matrix and bias; ignores values computed from them.
    fn eq(&self, other: &Self) -> bool {
        (self.d_in, &self.a, &self.b) == (other.d_in, &other.a, &other.b)
    }
}

impl Linear {
    /// Creates a map of `a`, row-major `[d_out, d_in]`, and `b`, `[d_out]` or empty.
    ///
    /// # Errors
    /// Inconsistent sizes, or a value that is not finite.
    pub fn new(d_in: usize, a: Vec<f32>, b: Vec<f32>) -> Result<Self> {
        if d_in == 0 || a.is_empty() || !a.len().is_multiple_of(d_in) {
            let expected = format!("a positive multiple of the input dimension {d_in}");
            return Err(Error::argument("size of the transform's matrix", expected, a.len()));
        }
        let d_out = a.len() / d_in;
        if !b.is_empty() && b.len() != d_out {
            return Err(Error::Dimension { what: "bias of the transform", expected: d_out, found: b.len() });
        }
        check_finite("matrix of the transform", &a, d_in)?;
        check_finite("bias of the transform", &b, 1)?;
        Ok(Self { d_in, d_out, a, b, orthonormal: OnceLock::new(), panels: OnceLock::new() })
    }

    pub fn d_in(&self) -> usize {
        self.d_in
    }

    pub fn d_out(&self) -> usize {
        self.d_out
    }

    /// `A`, row-major `[d_out, d_in]`.
    pub fn a(&self) -> &[f32] {
        &self.a
    }

    /// `b`, `[d_out]`; empty without a bias.
    pub fn b(&self) -> &[f32] {
        &self.b
    }

    /// Applies `A x + b` to every row: `[n, d_in]` to `[n, d_out]`.
    pub fn apply(&self, rows: &[f32], device: &Device) -> Result<Vec<f32>> {
        check_rows(rows, self.d_in)?;
        if rows.len() < HOST_ROWS * self.d_in {
            return Ok(self.apply_on_host(rows));
        }
        let mut out = multiply(rows, &self.a, self.d_in, device)?;
        self.shift(&mut out, |value, bias| value + bias);
        Ok(out)
    }

    /// Applies the map on the host; the result of a row does not depend on other rows.
    pub fn apply_on_host(&self, rows: &[f32]) -> Vec<f32> {
        let panels = self.panels.get_or_init(|| F32Panels::new(&self.a, self.d_in));
        let mut out = vec![0.0; rows.len() / self.d_in * self.d_out];
        let blocks = rows.par_chunks(HOST_BLOCK * self.d_in);
        out.par_chunks_mut(HOST_BLOCK * self.d_out)
            .zip(blocks)
            .for_each(|(out, rows)| panels.products(Level::detected(), rows, out));
        self.shift(&mut out, |value, bias| value + bias);
        out
    }

    /// Applies `A^T (y - b)` to every row: `[n, d_out]` to `[n, d_in]`. After [`Self::apply`] this is
    /// `A^T A x`, a projection through the origin, as in faiss, even if the bias is that of a mean.
    ///
    /// # Errors
    /// `A` is not orthonormal, so its transpose is not its inverse.
    pub fn reverse(&self, rows: &[f32], device: &Device) -> Result<Vec<f32>> {
        check_rows(rows, self.d_out)?;
        if !self.is_orthonormal() {
            return Err(Error::argument("transform to reverse", "orthonormal", "one that scales or shears"));
        }
        if rows.len() < HOST_ROWS * self.d_out {
            return Ok(self.reverse_on_host(rows));
        }
        let mut rows = rows.to_vec();
        self.shift(&mut rows, |value, bias| value - bias);
        self.pull_back(&rows, device)
    }

    /// Applies [`Self::reverse`] on the host, even if `A` is not orthonormal; the result of a row does not
    /// depend on other rows.
    pub fn reverse_on_host(&self, rows: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; rows.len() / self.d_out * self.d_in];
        let mut rows = rows.to_vec();
        self.shift(&mut rows, |value, bias| value - bias);
        out.par_chunks_exact_mut(self.d_in).zip(rows.par_chunks_exact(self.d_out)).for_each(|(out, row)| {
            for (y, axis) in row.iter().zip(self.a.chunks_exact(self.d_in)) {
                out.iter_mut().zip(axis).for_each(|(out, a)| *out += y * a);
            }
        });
        out
    }

    /// Applies `A^T y` to every row: `[n, d_out]` to `[n, d_in]`. Maps a linear form on the outputs to the
    /// corresponding one on the inputs.
    pub fn pull_back(&self, rows: &[f32], device: &Device) -> Result<Vec<f32>> {
        check_rows(rows, self.d_out)?;
        multiply(rows, &transpose(&self.a, self.d_in), self.d_out, device)
    }

    /// Returns true if the rows of `A` are orthonormal, or the columns if there are more rows than columns.
    pub fn is_orthonormal(&self) -> bool {
        *self.orthonormal.get_or_init(|| {
            if self.d_out <= self.d_in {
                has_orthonormal_rows(&self.a, self.d_in)
            } else {
                has_orthonormal_rows(&transpose(&self.a, self.d_in), self.d_out)
            }
        })
    }

    /// Combines each of `rows` `[n, d_out]` with the bias.
    fn shift(&self, rows: &mut [f32], combine: impl Fn(f32, f32) -> f32) {
        for row in rows.chunks_exact_mut(self.d_out) {
            for (value, &bias) in row.iter_mut().zip(&self.b) {
                *value = combine(*value, bias);
            }
        }
    }
}

/// Multiplies `rows` `[n, d_in]` by the transpose of `a` `[d_out, d_in]`: `[n, d_out]`.
fn multiply(rows: &[f32], a: &[f32], d_in: usize, device: &Device) -> Result<Vec<f32>> {
    let d_out = a.len() / d_in;
    let weights = upload_matrix(a.to_vec(), d_in, device).transpose();
    let block = (BLOCK_FLOATS / d_in.max(d_out)).max(1) * d_in;
    let mut out = Vec::with_capacity(rows.len() / d_in * d_out);
    for rows in rows.chunks(block) {
        out.extend(download(matmul(upload_matrix(rows.to_vec(), d_in, device), weights.clone()))?);
    }
    Ok(out)
}

/// Transposes `[n, d]` to `[d, n]`.
fn transpose(matrix: &[f32], d: usize) -> Vec<f32> {
    let column = |i| matrix.iter().skip(i).step_by(d).copied();
    (0..d).flat_map(column).collect()
}

/// Returns true if the rows of `[n, d]` have norm 1 and are orthogonal to each other.
fn has_orthonormal_rows(a: &[f32], d: usize) -> bool {
    let is_unit = |i: usize, row: &[f32]| {
        a.chunks_exact(d).take(i + 1).enumerate().all(|(j, other)| {
            let expected = if i == j { 1.0 } else { 0.0 };
            (inner_product(row, other) - expected).abs() <= ORTHONORMAL_EPSILON
        })
    };
    a.par_chunks_exact(d).enumerate().all(|(i, row)| is_unit(i, row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantise::random_streams::seeded;
    use rand::RngExt;

    fn random(values: usize, seed: u64) -> Vec<f32> {
        let mut rng = seeded(seed, 0);
        (0..values).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    #[test]
    fn host_and_device_agree_with_double_precision() {
        let (d_in, d_out) = (19, 7);
        let linear = Linear::new(d_in, random(d_in * d_out, 1), random(d_out, 2)).expect("fits");
        for n in [0, 1, HOST_ROWS - 1, HOST_ROWS, 3 * HOST_ROWS] {
            let rows = random(n * d_in, 3);
            let out = linear.apply(&rows, &Device::flex()).expect("applies");
            assert_eq!(out.len(), n * d_out);
            for (at, &value) in out.iter().enumerate() {
                let (row, i) = (&rows[at / d_out * d_in..][..d_in], at % d_out);
                let axis = &linear.a()[i * d_in..][..d_in];
                let exact: f64 = row.iter().zip(axis).map(|(&x, &a)| f64::from(x) * f64::from(a)).sum();
                assert!((f64::from(value) - exact - f64::from(linear.b()[i])).abs() < 1e-5, "n {n}");
            }
        }
    }

    #[test]
    fn several_blocks_equal_one() {
        // With 2 output columns, a block is 2^22 rows.
        let linear = Linear::new(1, vec![2.0, -3.0], vec![]).expect("fits");
        let rows: Vec<f32> = (0..(1 << 22) + 5).map(|i| (i % 1000) as f32).collect();
        let out = linear.apply(&rows, &Device::flex()).expect("applies");
        assert!(rows.iter().zip(out.chunks_exact(2)).all(|(&x, y)| y == [2.0 * x, -3.0 * x]));
    }

    #[test]
    fn only_orthonormal_maps_are_reversed() {
        let device = Device::flex();
        let swap = Linear::new(2, vec![0.0, 1.0, 1.0, 0.0], vec![5.0, 7.0]).expect("fits");
        assert_eq!(swap.reverse(&[7.0, 8.0], &device).expect("orthonormal"), [1.0, 2.0]);
        let shear = Linear::new(2, vec![1.0, 1e-4, 0.0, 1.0], vec![]).expect("fits");
        assert!(shear.reverse(&[1.0, 2.0], &device).is_err());
        let wide = Linear::new(1, vec![0.6, 0.8], vec![]).expect("fits");
        assert!((wide.reverse(&[1.2, 1.6], &device).expect("orthonormal")[0] - 2.0).abs() < 1e-6);
    }

    #[test]
    fn inconsistent_sizes_are_errors() {
        assert!(Linear::new(0, vec![], vec![]).is_err());
        assert!(Linear::new(2, vec![], vec![]).is_err());
        assert!(Linear::new(2, vec![1.0; 3], vec![]).is_err());
        assert!(Linear::new(2, vec![1.0; 4], vec![0.0]).is_err());
        assert!(Linear::new(1, vec![f32::NAN], vec![]).is_err());
        let linear = Linear::new(2, vec![1.0; 2], vec![]).expect("fits");
        assert!(linear.apply(&[1.0; 3], &Device::flex()).is_err());
    }
}

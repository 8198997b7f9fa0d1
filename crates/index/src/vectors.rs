//! Vectors passed to the index: finite, float32, row-major `[n, d]`.

use std::borrow::Cow;

use burn::tensor::{Device, FloatDType, Tensor};
use device_math::transfer::{download, upload_matrix};

use crate::error::{Error, Result};

/// Floats per block of the finiteness check.
const FINITE_BLOCK: usize = 4096;

/// Finite vectors `[n, d]` on the host.
#[derive(Clone)]
pub(crate) struct Vectors<'a> {
    /// Row-major, `n * d` floats.
    pub host: Cow<'a, [f32]>,
    pub n: usize,
    pub d: usize,
}

impl<'a> Vectors<'a> {
    /// Reads vectors from any device; `what` names them in errors.
    pub fn new(what: &'static str, tensor: Tensor<2>) -> Result<Self> {
        let [_, d] = tensor.dims();
        if d == 0 {
            return Err(Error::argument("dimension", "at least 1", d));
        }
        let host = download(tensor.inner().cast(FloatDType::F32))?;
        Self::from_host(what, host, d)
    }

    /// Reads vectors as [`Self::new`] does and checks that they have dimension `d`.
    pub fn of_dimension(what: &'static str, tensor: Tensor<2>, d: usize) -> Result<Self> {
        let [_, found] = tensor.dims();
        if found != d {
            return Err(Error::Dimension { what, expected: d, found });
        }
        Self::new(what, tensor)
    }

    /// Takes `n * d` floats from the host.
    pub fn from_host(what: &'static str, host: impl Into<Cow<'a, [f32]>>, d: usize) -> Result<Self> {
        let host = host.into();
        check_finite(what, &host, d)?;
        Ok(Self { n: host.len() / d, host, d })
    }

    /// The vectors at `rows`, in that order.
    pub fn select(&self, rows: &[usize]) -> Vectors<'static> {
        let mut host = Vec::with_capacity(rows.len() * self.d);
        rows.iter().for_each(|&row| host.extend_from_slice(self.row(row)));
        Vectors { host: host.into(), n: rows.len(), d: self.d }
    }

    /// Columns `start..start + width` of every vector: `[n, width]`.
    pub fn columns(&self, start: usize, width: usize) -> Vectors<'static> {
        let mut host = Vec::with_capacity(self.n * width);
        self.rows().for_each(|row| host.extend_from_slice(&row[start..start + width]));
        Vectors { host: host.into(), n: self.n, d: width }
    }

    /// The vectors in blocks of at most `rows`, in order.
    pub fn blocks(&self, rows: usize) -> impl Iterator<Item = Vectors<'_>> {
        let d = self.d;
        self.host.chunks(rows * d).map(move |host| Vectors { n: host.len() / d, host: host.into(), d })
    }

    /// Borrowed view of the vectors.
    pub fn borrowed(&self) -> Vectors<'_> {
        Vectors { host: Cow::Borrowed(&self.host), n: self.n, d: self.d }
    }

    /// Vector `row`, `d` floats.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.host[row * self.d..(row + 1) * self.d]
    }

    /// All vectors in order, `d` floats each.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> + Clone {
        self.host.chunks_exact(self.d)
    }

    /// The vectors on a device.
    pub fn tensor(&self, device: &Device) -> Tensor<2> {
        upload_matrix(self.host.to_vec(), self.d, device)
    }
}

/// Fails at the first row of `d` values that contains a NaN or an infinity.
pub(crate) fn check_finite(what: &'static str, values: &[f32], d: usize) -> Result<()> {
    let Some(block) = values.chunks(FINITE_BLOCK).position(|block| !all_finite(block)) else {
        return Ok(());
    };
    let start = block * FINITE_BLOCK;
    let within = values[start..].iter().take_while(|value| value.is_finite()).count();
    Err(Error::NotFinite { what, row: (start + within) / d })
}

/// Fails unless `rows` is a whole number of vectors of dimension `d`.
pub(crate) fn check_rows(rows: &[f32], d: usize) -> Result<()> {
    if d == 0 || !rows.len().is_multiple_of(d) {
        return Err(Error::argument("number of values", format!("a multiple of dimension {d}"), rows.len()));
    }
    Ok(())
}

/// Returns true if all values are finite; free of branches, so limited only by memory bandwidth.
fn all_finite(values: &[f32]) -> bool {
    // Infinities and NaN have an exponent of ones; adding one to it carries into the sign.
    let carried = values.iter().fold(0, |bits, value| bits | (value.abs().to_bits() + (1 << 23)));
    carried >> 31 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_that_is_not_finite_is_named() {
        let finite = [0.0, -0.0, f32::MAX, f32::MIN, f32::MIN_POSITIVE, 1e-45, -1.5];
        for n in [0, 1, 7, FINITE_BLOCK - 1, FINITE_BLOCK, 3 * FINITE_BLOCK + 5] {
            let values: Vec<f32> = finite.iter().copied().cycle().take(n).collect();
            assert!(check_finite("values", &values, 3).is_ok());
            for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                for at in [0, n / 2, n.saturating_sub(1)].into_iter().filter(|&at| at < n) {
                    let mut values = values.clone();
                    values[at] = bad;
                    values[n - 1] = f32::NAN;
                    let error = check_finite("values", &values, 3);
                    assert!(matches!(error, Err(Error::NotFinite { row, .. }) if row == at / 3), "{n} {at}");
                }
            }
        }
    }
}

//! Scaling to unit length.

use crate::{
    error::{Error, Result},
    metric::squared_norm,
    vectors::check_rows,
};

/// Fields of faiss's `NormalizationTransform`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Normalise {
    d: usize,
    /// Exponent of the norm; faiss supports only 2.
    norm: f32,
}

impl Normalise {
    /// Creates a normalisation of vectors of dimension `d`.
    ///
    /// # Errors
    /// `d` is 0, or `norm` is not 2.
    pub fn new(d: usize, norm: f32) -> Result<Self> {
        if d == 0 {
            return Err(Error::argument("dimension", "at least 1", d));
        }
        if norm != 2.0 {
            return Err(Error::argument("norm of the normalisation", 2, norm));
        }
        Ok(Self { d, norm })
    }

    pub fn d(&self) -> usize {
        self.d
    }

    pub fn norm(&self) -> f32 {
        self.norm
    }

    /// Scales rows `[n, d]` to length 1; a zero row is unchanged.
    pub fn apply(&self, rows: &[f32]) -> Result<Vec<f32>> {
        check_rows(rows, self.d)?;
        let mut rows = rows.to_vec();
        for row in rows.chunks_exact_mut(self.d) {
            let norm = squared_norm(row).sqrt();
            if norm > 0.0 {
                row.iter_mut().for_each(|value| *value = (f64::from(*value) / norm) as f32);
            }
        }
        Ok(rows)
    }

    /// Returns rows `[n, d]` unchanged, because their original lengths are not known.
    pub fn reverse(&self, rows: &[f32]) -> Result<Vec<f32>> {
        check_rows(rows, self.d)?;
        Ok(rows.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_scale_get_unit_length() {
        let normalise = Normalise::new(2, 2.0).expect("supported");
        for scale in [1e-42, 1e-30, 1.0, 1e38] {
            let out = normalise.apply(&[scale, scale, -scale, 0.0, 0.0, 0.0]).expect("fits");
            let expected = [0.5f32.sqrt(), 0.5f32.sqrt(), -1.0, 0.0, 0.0, 0.0];
            assert!(out.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{scale}: {out:?}");
        }
        assert_eq!(normalise.reverse(&[3.0, 4.0]).expect("fits"), [3.0, 4.0]);
    }

    #[test]
    fn other_norms_and_dimensions_are_errors() {
        assert!(Normalise::new(2, 1.0).is_err());
        assert!(Normalise::new(2, f32::NAN).is_err());
        assert!(Normalise::new(0, 2.0).is_err());
        assert!(Normalise::new(2, 2.0).expect("supported").apply(&[1.0]).is_err());
    }
}

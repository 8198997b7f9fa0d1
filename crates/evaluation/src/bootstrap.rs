//! Confidence intervals over photographs by the percentile bootstrap (Efron and Tibshirani 1993, chapter 13).

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::error::{Error, Result};

/// Share of the resamples outside an interval, half of it on either side.
const OUTSIDE: f64 = 0.05;

/// Interval that contains 95 % of the resamples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower bound; 2.5 % of the resamples are below.
    pub low: f64,
    /// Upper bound; 2.5 % of the resamples are above.
    pub high: f64,
}

/// Resampling of photographs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// Number of resamples, at least 1.
    pub resamples: usize,
    /// Seed of the draws. Resample `i` draws from stream `i` of the seed, whatever is measured, so that figures of the same
    /// photographs are paired.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// Returns 1000 resamples of seed 0.
    fn default() -> Self {
        Self { resamples: 1000, seed: 0 }
    }
}

impl Bootstrap {
    /// Returns the interval of the mean of each column. A column `[n]` holds one value per photograph, in the same order in
    /// all columns.
    ///
    /// # Errors
    /// [`Error::NoQueries`] without photographs, [`Error::ColumnLength`] if columns differ in length,
    /// [`Error::NoResamples`].
    ///
    /// ```
    /// use active_index_evaluation::bootstrap::Bootstrap;
    ///
    /// let found = [1.0, 0.0, 1.0, 1.0];
    /// let interval = Bootstrap::default().means(&[&found])?[0];
    /// assert!(interval.low < 0.75 && 0.75 < interval.high);
    /// # Ok::<(), active_index_evaluation::Error>(())
    /// ```
    pub fn means(&self, columns: &[&[f64]]) -> Result<Vec<Interval>> {
        let n = columns.first().map_or(0, |column| column.len());
        if let Some(other) = columns.iter().find(|column| column.len() != n) {
            return Err(Error::ColumnLength { expected: n, found: other.len() });
        }
        let mean = |drawn: &[u32]| columns.iter().map(|column| weighted_mean(column, drawn)).collect();
        self.intervals(n, mean)
    }

    /// Returns the interval of each value of `statistic`. Its argument is the number of times each of `n` photographs was
    /// drawn, of `n` draws; it returns the same number of values every time.
    ///
    /// # Errors
    /// [`Error::NoQueries`] if `n` is 0, [`Error::NoResamples`].
    pub fn intervals(
        &self,
        n: usize,
        statistic: impl Fn(&[u32]) -> Vec<f64> + Sync,
    ) -> Result<Vec<Interval>> {
        if n == 0 {
            return Err(Error::NoQueries);
        }
        if self.resamples == 0 {
            return Err(Error::NoResamples);
        }
        let resample = |stream| statistic(&self.draw(n, stream as u64));
        let values: Vec<Vec<f64>> = (0..self.resamples).into_par_iter().map(resample).collect();
        let width = values[0].len();
        Ok((0..width).map(|i| percentiles(values.iter().map(|row| row[i]).collect())).collect())
    }

    /// Draws a resample: the number of times it holds each of `n` photographs.
    fn draw(&self, n: usize, stream: u64) -> Vec<u32> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(stream);
        let mut counts = vec![0; n];
        (0..n).for_each(|_| counts[rng.random_range(0..n)] += 1);
        counts
    }
}

fn weighted_mean(column: &[f64], drawn: &[u32]) -> f64 {
    let sum: f64 = column.iter().zip(drawn).map(|(value, count)| value * f64::from(*count)).sum();
    sum / column.len() as f64
}

/// Returns the bounds of the middle 95 %, interpolated linearly between order statistics as by NumPy's `percentile`.
fn percentiles(mut values: Vec<f64>) -> Interval {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (values.len() - 1) as f64;
        let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
        below + (above - below) * place.fract()
    };
    Interval { low: at(OUTSIDE / 2.0), high: at(1.0 - OUTSIDE / 2.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_numpys() {
        let interval = percentiles((0..=100).rev().map(f64::from).collect());
        assert!((interval.low - 2.5).abs() < 1e-12 && (interval.high - 97.5).abs() < 1e-12, "{interval:?}");
        assert_eq!(percentiles(vec![3.0]), Interval { low: 3.0, high: 3.0 });
    }

    #[test]
    fn every_resample_has_n_photographs_and_the_seed_decides() {
        let bootstrap = Bootstrap { resamples: 10, seed: 4 };
        assert_eq!(bootstrap.draw(7, 3).iter().sum::<u32>(), 7);
        assert_eq!(bootstrap.draw(50, 3), bootstrap.draw(50, 3));
        assert_ne!(bootstrap.draw(50, 3), bootstrap.draw(50, 4));
        assert_ne!(bootstrap.draw(50, 3), Bootstrap { seed: 5, ..bootstrap }.draw(50, 3));
    }
}

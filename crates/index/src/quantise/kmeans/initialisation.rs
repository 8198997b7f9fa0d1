//! Initial centroids of k-means.

use burn::tensor::Device;
use rand::{RngExt, seq::index::sample};
use rand_chacha::ChaCha8Rng;

use crate::{error::Result, metric::Metric, quantise::codebook::Codebook, vectors::Vectors};

/// Choice of the initial centroids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Initialisation {
    /// Distinct training vectors, drawn uniformly.
    #[default]
    Sampled,
    /// k-means++ (Arthur and Vassilvitskii, SODA 2007): training vectors, drawn with probability proportional
    /// to the squared distance to the nearest vector drawn before. Several are drawn at a time, as in
    /// k-means|| (Bahmani et al., VLDB 2012). Costs about two more iterations; worthwhile if clusters differ
    /// much in size.
    PlusPlus,
}

/// k-means++ draws `1 / BATCH_DIVISOR` of the number chosen so far at a time, at least one.
const BATCH_DIVISOR: usize = 2;

impl Initialisation {
    /// Chooses `k <= n` distinct rows of `points`, `[n, d]`.
    pub(super) fn rows(
        self,
        points: &Vectors,
        k: usize,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Vec<usize>> {
        match self {
            Self::Sampled => Ok(sample(rng, points.n, k).into_vec()),
            Self::PlusPlus => plus_plus(points, k, rng, device),
        }
    }
}

fn plus_plus(points: &Vectors, k: usize, rng: &mut ChaCha8Rng, device: &Device) -> Result<Vec<usize>> {
    let mut chosen = vec![rng.random_range(0..points.n)];
    // `[n]`: squared distances to the nearest vector chosen. Those of the chosen vectors are 0 despite
    // rounding.
    let mut distances = vec![f32::INFINITY; points.n];
    let mut batch = chosen.clone();
    while chosen.len() < k {
        let fresh = Codebook::new(Metric::L2, points.select(&batch).host.into_owned(), points.d, device)?;
        let scores = fresh.nearest(points)?.scores;
        distances.iter_mut().zip(&scores).for_each(|(distance, &score)| *distance = distance.min(score));
        batch.iter().for_each(|&row| distances[row] = 0.0);
        let count = (chosen.len() / BATCH_DIVISOR).clamp(1, k - chosen.len());
        batch = draw(&distances, count, rng);
        if batch.is_empty() {
            chosen.extend(others(&chosen, points.n, k - chosen.len(), rng));
            return Ok(chosen);
        }
        chosen.extend(&batch);
    }
    Ok(chosen)
}

/// Draws up to `count >= 1` distinct indices of positive weights with probability proportional to the
/// weights, without replacement: the smallest of exponential variables with the weights as rates (Efraimidis
/// and Spirakis, 2006).
fn draw(weights: &[f32], count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let positive = weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
    let key = |(i, &weight): (usize, &f32)| (-(1.0 - rng.random::<f64>()).ln() / f64::from(weight), i);
    let mut keys: Vec<(f64, usize)> = positive.map(key).collect();
    if count < keys.len() {
        keys.select_nth_unstable_by(count - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        keys.truncate(count);
    }
    keys.sort_unstable_by_key(|&(_, i)| i);
    keys.into_iter().map(|(_, i)| i).collect()
}

/// Draws `count` random rows that are not in `chosen`.
fn others(chosen: &[usize], n: usize, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut free = vec![true; n];
    chosen.iter().for_each(|&row| free[row] = false);
    let free: Vec<usize> = (0..n).filter(|&row| free[row]).collect();
    sample(rng, free.len(), count).iter().map(|i| free[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantise::random_streams::seeded;

    fn rows(points: &Vectors, k: usize, seed: u64) -> Vec<usize> {
        Initialisation::PlusPlus.rows(points, k, &mut seeded(seed, 0), &Device::flex()).expect("draws")
    }

    fn distinct(mut rows: Vec<usize>) -> bool {
        rows.sort_unstable();
        rows.is_sorted_by(|a, b| a < b)
    }

    #[test]
    fn rows_are_distinct_and_as_many_as_requested() {
        let values: Vec<f32> = (0..200).map(|i| (i as f32 * 0.7).sin()).collect();
        let points = Vectors::from_host("points", values, 2).expect("finite");
        for initialisation in [Initialisation::Sampled, Initialisation::PlusPlus] {
            for k in [1, 2, 7, 50, 99, 100] {
                let rows = initialisation.rows(&points, k, &mut seeded(3, 0), &Device::flex());
                let rows = rows.expect("draws");
                assert!(rows.len() == k && rows.iter().all(|&row| row < 100) && distinct(rows), "{k}");
            }
        }
    }

    #[test]
    fn far_clusters_of_few_points_are_all_found() {
        // Ten clusters, nine of them with one point.
        let values: Vec<f32> = (0..1000).map(|i| if i < 9 { 100.0 * (i + 1) as f32 } else { 0.0 }).collect();
        let points = Vectors::from_host("points", values, 1).expect("finite");
        for seed in 0..5 {
            let rows = rows(&points, 10, seed);
            assert!((0..9).all(|row| rows.contains(&row)), "{rows:?}");
        }
    }

    #[test]
    fn equal_points_are_drawn_if_there_are_no_others() {
        let points = Vectors::from_host("points", vec![2.0; 40], 2).expect("finite");
        let rows = rows(&points, 15, 1);
        assert!(rows.len() == 15 && distinct(rows));
    }

    /// With 1,000 draws the standard error of a share is at most 0.016.
    #[test]
    fn indices_are_drawn_by_their_weights() {
        let mut rng = seeded(1, 0);
        let mut counts = [0; 4];
        (0..1000).for_each(|_| counts[draw(&[1.0, 0.0, 2.0, 5.0], 1, &mut rng)[0]] += 1);
        assert_eq!(counts[1], 0);
        for (i, share) in [(0, 0.125), (2, 0.25), (3, 0.625)] {
            assert!((f64::from(counts[i]) / 1000.0 - share).abs() < 0.06, "{counts:?}");
        }
        assert_eq!(draw(&[1.0, 0.0, 2.0, f32::INFINITY], 9, &mut rng), [0, 2, 3]);
    }
}

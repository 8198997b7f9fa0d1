//! Lloyd's k-means: assignment on the device, means on the host.
//!
//! The same seed, points and device give the same bytes. On the CPU they do not depend on the number of
//! threads: the sums of a centroid and the objective are always accumulated in the order of the points.

mod initialisation;

use burn::tensor::Device;
pub use initialisation::Initialisation;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{
    error::{Error, Result},
    kernels,
    metric::{Metric, squared_norm},
    quantise::{
        assignment::Nearest,
        codebook::Codebook,
        random_streams::{sample_rows, seeded},
    },
    vectors::Vectors,
};

/// Relative distance between the halves of a split centroid, as in faiss's `Clustering`.
const SPLIT_EPSILON: f32 = 1.0 / 1024.0;

/// Points prefetched ahead of the one being summed, because the points of a cluster are scattered in memory.
const AHEAD: usize = 2;

/// Settings of a clustering.
#[derive(Debug, Clone)]
pub(crate) struct KMeans {
    /// Name of the quantiser being trained, for errors.
    pub what: &'static str,
    /// Number of centroids.
    pub k: usize,
    /// Number of iterations, each an assignment and an update.
    pub iterations: usize,
    /// Points above this times `k` are subsampled.
    pub max_points_per_centroid: usize,
    /// Metric that defines the nearest centroid.
    pub metric: Metric,
    /// True to keep the centroids at unit norm.
    pub spherical: bool,
    pub initialisation: Initialisation,
    pub seed: u64,
    /// Random stream of this clustering for the seed.
    pub stream: u64,
}

impl KMeans {
    /// Clusters the points into `k` centroids, row-major `[k, d]`.
    ///
    /// After each assignment, calls `on_iteration` with the iteration, from 0, and the objective: the sum of
    /// squared distances to the nearest centroids. The objective never rises, except where empty clusters
    /// were split and for the inner product without unit norms.
    ///
    /// # Errors
    /// Fewer points than centroids, `max_points_per_centroid` of 0, or a failing device.
    pub fn train(
        &self,
        points: &Vectors,
        device: &Device,
        on_iteration: &mut dyn FnMut(usize, f64),
    ) -> Result<Vec<f32>> {
        self.check(points.n)?;
        let mut rng = seeded(self.seed, self.stream);
        let subsample = self.subsample(points, &mut rng);
        let points = subsample.as_ref().unwrap_or(points);
        let start = self.initialisation.rows(points, self.k, &mut rng, device)?;
        self.iterate(points, points.select(&start).host.into_owned(), device, on_iteration)
    }

    /// Clusters as [`Self::train`] does, from given centroids `[k, d]`.
    ///
    /// # Errors
    /// The errors of [`Self::train`].
    pub fn train_from(
        &self,
        points: &Vectors,
        start: Vec<f32>,
        device: &Device,
        on_iteration: &mut dyn FnMut(usize, f64),
    ) -> Result<Vec<f32>> {
        self.check(points.n)?;
        let subsample = self.subsample(points, &mut seeded(self.seed, self.stream));
        self.iterate(subsample.as_ref().unwrap_or(points), start, device, on_iteration)
    }

    fn iterate(
        &self,
        points: &Vectors,
        mut centroids: Vec<f32>,
        device: &Device,
        on_iteration: &mut dyn FnMut(usize, f64),
    ) -> Result<Vec<f32>> {
        self.normalise(&mut centroids, points.d);
        for iteration in 0..self.iterations {
            let nearest = Codebook::new(self.metric, centroids.clone(), points.d, device)?.nearest(points)?;
            on_iteration(iteration, self.objective(points, &centroids, &nearest));
            let mut clusters = Clusters::new(&nearest.centroids, self.k);
            clusters.move_to_means(points, &mut centroids);
            clusters.split_into_empty(&mut centroids, points.d);
            self.normalise(&mut centroids, points.d);
        }
        Ok(centroids)
    }

    fn check(&self, n: usize) -> Result<()> {
        if self.k == 0 {
            return Err(Error::argument("number of centroids", "at least 1", 0));
        }
        if n < self.k {
            return Err(Error::TooFewPoints { what: self.what, needed: self.k, found: n });
        }
        if self.max_points_per_centroid == 0 {
            return Err(Error::argument("max_points_per_centroid", "at least 1", 0));
        }
        Ok(())
    }

    fn subsample(&self, points: &Vectors, rng: &mut ChaCha8Rng) -> Option<Vectors<'static>> {
        let most = self.max_points_per_centroid.saturating_mul(self.k);
        sample_rows(points.n, most, rng).map(|rows| points.select(&rows))
    }

    /// `sum_i |x_i - c(x_i)|^2`.
    fn objective(&self, points: &Vectors, centroids: &[f32], nearest: &Nearest) -> f64 {
        if self.metric == Metric::L2 {
            return nearest.scores.iter().copied().map(f64::from).sum();
        }
        let norms: Vec<f64> = centroids.chunks_exact(points.d).map(squared_norm).collect();
        let distance = |((point, &centroid), &score): ((&[f32], &i64), &f32)| {
            (squared_norm(point) + norms[centroid as usize] + 2.0 * f64::from(score)).max(0.0)
        };
        points.rows().zip(&nearest.centroids).zip(&nearest.scores).map(distance).sum()
    }

    fn normalise(&self, centroids: &mut [f32], d: usize) {
        if self.spherical {
            centroids.chunks_exact_mut(d).for_each(normalise);
        }
    }
}

/// Scales a vector to unit norm; a zero vector is unchanged.
fn normalise(vector: &mut [f32]) {
    let norm = squared_norm(vector).sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|value| *value = (f64::from(*value) / norm) as f32);
    }
}

/// Assignment of points to centroids.
struct Clusters {
    /// Indices of points, grouped by centroid and ascending within a group.
    members: Vec<usize>,
    /// `[k + 1]`: cluster `c` is `members[starts[c]..starts[c + 1]]`.
    starts: Vec<usize>,
    /// Sizes of the clusters, `[k]`, halved when a cluster is split.
    sizes: Vec<usize>,
}

impl Clusters {
    fn new(assignment: &[i64], k: usize) -> Self {
        let mut sizes = vec![0; k];
        assignment.iter().for_each(|&centroid| sizes[centroid as usize] += 1);
        let mut starts = vec![0; k + 1];
        for (c, size) in sizes.iter().enumerate() {
            starts[c + 1] = starts[c] + size;
        }
        let mut next = starts.clone();
        let mut members = vec![0; assignment.len()];
        for (point, &centroid) in assignment.iter().enumerate() {
            members[next[centroid as usize]] = point;
            next[centroid as usize] += 1;
        }
        Self { members, starts, sizes }
    }

    /// Moves every non-empty cluster's centroid to the mean of its members.
    fn move_to_means(&self, points: &Vectors, centroids: &mut [f32]) {
        centroids.par_chunks_exact_mut(points.d).zip(self.starts.par_windows(2)).for_each(
            |(centroid, bounds)| {
                let members = &self.members[bounds[0]..bounds[1]];
                if !members.is_empty() {
                    mean(points, members, centroid);
                }
            },
        );
    }

    /// Splits the largest cluster in half for every empty one: both get copies of its centroid, moved apart
    /// slightly.
    fn split_into_empty(&mut self, centroids: &mut [f32], d: usize) {
        for empty in 0..self.sizes.len() {
            if self.sizes[empty] > 0 {
                continue;
            }
            let Some((largest, &size)) = self.sizes.iter().enumerate().max_by_key(|&(_, &size)| size) else {
                return;
            };
            centroids.copy_within(largest * d..(largest + 1) * d, empty * d);
            nudge(&mut centroids[empty * d..(empty + 1) * d], SPLIT_EPSILON);
            nudge(&mut centroids[largest * d..(largest + 1) * d], -SPLIT_EPSILON);
            self.sizes[empty] = size / 2;
            self.sizes[largest] = size - size / 2;
        }
    }
}

/// Mean of the given points, summed in double precision.
fn mean(points: &Vectors, members: &[usize], out: &mut [f32]) {
    let mut sum = vec![0.0f64; points.d];
    for (i, &member) in members.iter().enumerate() {
        members.get(i + AHEAD).into_iter().for_each(|&ahead| kernels::prefetch(points.row(ahead)));
        for (sum, &value) in sum.iter_mut().zip(points.row(member)) {
            *sum += f64::from(value);
        }
    }
    for (out, sum) in out.iter_mut().zip(&sum) {
        *out = (sum / members.len() as f64) as f32;
    }
}

/// Scales components of even index by `1 + epsilon` and of odd index by `1 - epsilon`.
fn nudge(centroid: &mut [f32], epsilon: f32) {
    for (i, value) in centroid.iter_mut().enumerate() {
        *value *= if i % 2 == 0 { 1.0 + epsilon } else { 1.0 - epsilon };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    fn device() -> Device {
        Device::flex()
    }

    fn kmeans(k: usize, metric: Metric) -> KMeans {
        KMeans {
            what: "test",
            k,
            iterations: 15,
            max_points_per_centroid: 256,
            metric,
            spherical: metric == Metric::InnerProduct,
            initialisation: Initialisation::default(),
            seed: 7,
            stream: 0,
        }
    }

    fn uniform(n: usize, d: usize, seed: u64) -> Vectors<'static> {
        let mut rng = seeded(seed, 0);
        let values: Vec<f32> = (0..n * d).map(|_| rng.random_range(-1.0..1.0)).collect();
        Vectors::from_host("points", values, d).expect("finite")
    }

    fn train(kmeans: &KMeans, points: &Vectors) -> (Vec<f32>, Vec<f64>) {
        let mut objectives = Vec::new();
        let centroids = kmeans.train(points, &device(), &mut |_, objective| objectives.push(objective));
        (centroids.expect("trains"), objectives)
    }

    /// Splitting an empty cluster may raise the objective, so the points here are numerous and spread enough
    /// that no cluster becomes empty. The tolerance covers float32 scores of vectors of squared norm about 3,
    /// summed.
    #[test]
    fn the_objective_never_rises() {
        for (metric, spherical) in [(Metric::L2, false), (Metric::L2, true), (Metric::InnerProduct, true)] {
            for seed in 0..4 {
                let kmeans = KMeans { spherical, ..kmeans(12, metric) };
                let (_, objectives) = train(&kmeans, &uniform(3000, 8, seed));
                assert_eq!(objectives.len(), 15);
                for pair in objectives.windows(2) {
                    assert!(pair[1] <= pair[0] * (1.0 + 1e-6), "{metric}, seed {seed}: {objectives:?}");
                }
                assert!(objectives[14] < objectives[0]);
            }
        }
    }

    #[test]
    fn the_objective_is_the_sum_of_squared_distances() {
        let points = uniform(200, 5, 3);
        let one = KMeans { iterations: 1, ..kmeans(4, Metric::L2) };
        let start = KMeans { iterations: 0, ..one.clone() };
        let (centroids, _) = train(&start, &points);
        let (_, objectives) = train(&one, &points);
        let nearest = |point: &[f32]| {
            let distance =
                |c: &[f32]| point.iter().zip(c).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
            centroids.chunks_exact(5).map(distance).fold(f64::INFINITY, f64::min)
        };
        let expected: f64 = points.rows().map(nearest).sum();
        assert!((objectives[0] - expected).abs() < 1e-5 * expected);
    }

    #[test]
    fn the_number_of_threads_changes_no_byte() {
        for (metric, d, k) in [(Metric::L2, 40, 50), (Metric::L2, 150, 40), (Metric::InnerProduct, 40, 50)] {
            for initialisation in [Initialisation::Sampled, Initialisation::PlusPlus] {
                let points = uniform(4000, d, 1);
                let kmeans = KMeans { iterations: 3, initialisation, ..kmeans(k, metric) };
                let trained = [1, 2, 3].map(|threads| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("builds");
                    pool.install(|| train(&kmeans, &points))
                });
                assert!(
                    trained[0] == trained[1] && trained[0] == trained[2],
                    "{metric} {d} {initialisation:?}"
                );
            }
        }
    }

    #[test]
    fn centroids_of_both_metrics_are_spherical_on_request() {
        for metric in [Metric::L2, Metric::InnerProduct] {
            for spherical in [false, true] {
                let kmeans = KMeans { spherical, ..kmeans(6, metric) };
                let (centroids, objectives) = train(&kmeans, &uniform(300, 7, 5));
                let unit = |centroid: &[f32]| (squared_norm(centroid) - 1.0).abs() < 1e-6;
                assert_eq!(centroids.chunks_exact(7).all(unit), spherical, "{metric}");
                assert!(objectives.iter().all(|objective| objective.is_finite() && *objective > 0.0));
            }
        }
    }

    #[test]
    fn plus_plus_starts_lower_on_clusters_of_unequal_sizes() {
        let values: Vec<f32> = (0..2000)
            .flat_map(|i: usize| {
                [if i.is_multiple_of(100) { (i / 100) as f32 * 50.0 } else { 0.0 }, (i % 7) as f32]
            })
            .collect();
        let points = Vectors::from_host("points", values, 2).expect("finite");
        let last =
            |initialisation| train(&KMeans { initialisation, ..kmeans(30, Metric::L2) }, &points).1[14];
        assert!(last(Initialisation::PlusPlus) < last(Initialisation::Sampled));
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let points = uniform(500, 6, 1);
        let first = train(&kmeans(9, Metric::L2), &points).0;
        assert_eq!(first, train(&kmeans(9, Metric::L2), &points).0);
        assert_ne!(first, train(&KMeans { seed: 8, ..kmeans(9, Metric::L2) }, &points).0);
        assert_ne!(first, train(&KMeans { stream: 1, ..kmeans(9, Metric::L2) }, &points).0);
    }

    #[test]
    fn separate_clusters_are_found() {
        let values: Vec<f32> =
            (0..300).flat_map(|i| [(i % 3) as f32 * 100.0 + (i % 7) as f32 * 0.01, 1.0]).collect();
        let points = Vectors::from_host("points", values, 2).expect("finite");
        let found = (0..20).any(|seed| {
            let (mut centroids, _) = train(&KMeans { seed, ..kmeans(3, Metric::L2) }, &points);
            centroids.as_chunks_mut::<2>().0.sort_by(|a, b| a[0].total_cmp(&b[0]));
            [0.0, 100.0, 200.0].iter().zip(centroids.chunks(2)).all(|(x, c)| (c[0] - x - 0.03).abs() < 0.01)
        });
        assert!(found);
    }

    #[test]
    fn duplicates_survive() {
        let points = Vectors::from_host("points", [1.0, -2.0, 0.0].repeat(50), 3).expect("finite");
        let (centroids, objectives) = train(&kmeans(8, Metric::L2), &points);
        assert!(objectives.iter().all(|&objective| objective < 50.0 * 1e-5));
        for centroid in centroids.chunks_exact(3) {
            assert!(
                (centroid[0] - 1.0).abs() < 0.01 && (centroid[1] + 2.0).abs() < 0.01 && centroid[2] == 0.0
            );
        }
    }

    #[test]
    fn empty_clusters_get_half_of_the_largest() {
        let mut clusters = Clusters::new(&[1, 1, 1, 1, 1, 3], 4);
        let mut centroids = vec![9.0, 9.0, 1.0, 1.0, 9.0, 9.0, 5.0, 5.0];
        clusters.split_into_empty(&mut centroids, 2);
        assert_eq!(clusters.sizes, [2, 2, 1, 1]);
        assert!(centroids[..6].iter().all(|value| (value - 1.0).abs() < 3.0 * SPLIT_EPSILON));
        assert_ne!(centroids[..2], centroids[2..4]);
        assert_ne!(centroids[..2], centroids[4..6]);
        assert_eq!(centroids[6..], [5.0, 5.0]);
    }

    #[test]
    fn as_many_points_as_centroids_become_the_centroids() {
        let points = uniform(10, 4, 2);
        let (centroids, objectives) = train(&kmeans(10, Metric::L2), &points);
        assert!(objectives[14] < 1e-4);
        for point in points.rows() {
            assert!(centroids.chunks_exact(4).any(|centroid| centroid == point));
        }
    }

    #[test]
    fn more_points_than_allowed_are_subsampled() {
        let few = KMeans { max_points_per_centroid: 5, ..kmeans(3, Metric::L2) };
        let (_, objectives) = train(&few, &uniform(1000, 4, 0));
        let largest = 15.0 * 4.0 * 4.0;
        assert!(
            objectives[0] <= largest,
            "15 points whose squared distances are at most 16: {}",
            objectives[0]
        );
    }

    #[test]
    fn impossible_requests_are_errors() {
        let points = uniform(4, 2, 0);
        let fails = |kmeans: KMeans| kmeans.train(&points, &device(), &mut |_, _| {}).expect_err("fails");
        let too_few = fails(kmeans(5, Metric::L2));
        assert_eq!(
            too_few.to_string(),
            "test: expected at least 5 training vectors, one per centroid, found 4"
        );
        fails(kmeans(0, Metric::L2));
        fails(KMeans { max_points_per_centroid: 0, ..kmeans(2, Metric::L2) });
    }
}

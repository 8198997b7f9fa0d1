//! Training: from sample vectors to an empty index.

use burn::tensor::Device;

use crate::coarse::Coarse;
use crate::factory::NBITS;
use crate::flat::Flat;
use crate::ivf::Ivf;
use crate::ivf_flat::IvfFlat;
use crate::ivf_pq::IvfPq;
use crate::kmeans::{KMeans, sample_rows, seeded};
use crate::pq::{KSUB, ProductQuantizer, sub_dimension};
use crate::vectors::Vectors;
use crate::{Error, Factory, Index, Metric, Result};

/// Random streams under the seed: coarse k-means, the product quantiser's sample, its sub-quantisers.
const COARSE_STREAM: u64 = 0;
const SAMPLE_STREAM: u64 = 1;
const SUBQUANTISER_STREAM: u64 = 2;

/// How an index is trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainConfig {
    /// The index's metric. Default: [`Metric::L2`]. With [`Metric::InnerProduct`] the coarse centroids are
    /// kept at unit norm (spherical k-means), as faiss does.
    pub metric: Metric,
    /// Seed of every random choice. Default: 1234.
    pub seed: u64,
    /// k-means iterations of the coarse quantiser and of each sub-quantiser. Default: 25.
    pub iterations: usize,
    /// Training vectors beyond this many per centroid are left out, by random choice. Default: 256.
    pub max_points_per_centroid: usize,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self { metric: Metric::L2, seed: 1234, iterations: 25, max_points_per_centroid: 256 }
    }
}

/// The quantiser under training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainStage {
    /// The coarse quantiser.
    Coarse,
    /// Sub-quantiser `j` of the product quantiser's `m`, from 0.
    Subquantizer {
        /// Its number, from 0.
        j: usize,
        /// Number of sub-quantisers.
        m: usize,
    },
}

/// One k-means iteration done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainProgress {
    /// What is being trained.
    pub stage: TrainStage,
    /// The iteration, from 0.
    pub iteration: usize,
    /// How many there will be in this stage.
    pub iterations: usize,
    /// Sum of squared distances from the training vectors to their nearest centroids, before this iteration's
    /// update. It never rises within a stage, save where an empty cluster was split.
    pub objective: f64,
}

/// Trains an empty index of the factory's kind on `vectors`.
pub(crate) fn train(
    factory: &Factory,
    vectors: &Vectors,
    config: &TrainConfig,
    device: &Device,
    progress: &mut dyn FnMut(TrainProgress),
) -> Result<Index> {
    let mut trainer = Trainer { vectors, config, device, progress };
    Ok(match *factory {
        Factory::Flat => Index::Flat(Flat::new(config.metric, vectors.d, Vec::new(), device)),
        Factory::IvfFlat { nlist } => {
            let coarse = trainer.coarse(nlist)?;
            Index::IvfFlat(IvfFlat { ivf: Ivf::new(coarse, vectors.d * size_of::<f32>()) })
        }
        Factory::IvfPq { nlist, m, nbits } => {
            check_nbits(nbits)?;
            sub_dimension(vectors.d, m)?;
            let coarse = trainer.coarse(nlist)?;
            let pq = trainer.residual_quantiser(&coarse, m)?;
            Index::IvfPq(IvfPq { ivf: Ivf::new(coarse, m), pq, by_residual: true })
        }
    })
}

struct Trainer<'a> {
    vectors: &'a Vectors,
    config: &'a TrainConfig,
    device: &'a Device,
    progress: &'a mut dyn FnMut(TrainProgress),
}

impl Trainer<'_> {
    fn coarse(&mut self, nlist: usize) -> Result<Coarse> {
        let metric = self.config.metric;
        let kmeans = KMeans { metric, ..self.kmeans("coarse quantiser", nlist, COARSE_STREAM) };
        let centroids = kmeans.train(self.vectors, self.device, &mut |iteration, objective| {
            let iterations = kmeans.iterations;
            (self.progress)(TrainProgress { stage: TrainStage::Coarse, iteration, iterations, objective });
        })?;
        Ok(Coarse::new(metric, centroids, self.vectors.d, self.device))
    }

    /// Trains on residuals: what is left of the vectors once their cells' centroids are subtracted.
    fn residual_quantiser(&mut self, coarse: &Coarse, m: usize) -> Result<ProductQuantizer> {
        let kmeans = self.kmeans("product quantiser", KSUB, SUBQUANTISER_STREAM);
        let residuals = self.residuals(coarse)?;
        ProductQuantizer::train(&residuals, m, &kmeans, self.device, &mut |j, iteration, objective| {
            let (stage, iterations) = (TrainStage::Subquantizer { j, m }, kmeans.iterations);
            (self.progress)(TrainProgress { stage, iteration, iterations, objective });
        })
    }

    /// Residuals of as many vectors as the sub-quantisers will use.
    fn residuals(&self, coarse: &Coarse) -> Result<Vectors> {
        let most = self.config.max_points_per_centroid.saturating_mul(KSUB);
        let mut rng = seeded(self.config.seed, SAMPLE_STREAM);
        let sample = sample_rows(self.vectors.n, most, &mut rng).map(|rows| self.vectors.select(&rows));
        let vectors = sample.as_ref().unwrap_or(self.vectors);
        coarse.residuals(vectors, &coarse.cells(vectors)?)
    }

    fn kmeans(&self, what: &'static str, k: usize, stream: u64) -> KMeans {
        KMeans {
            what,
            k,
            iterations: self.config.iterations,
            max_points_per_centroid: self.config.max_points_per_centroid,
            metric: Metric::L2,
            seed: self.config.seed,
            stream,
        }
    }
}

fn check_nbits(nbits: usize) -> Result<()> {
    match nbits {
        NBITS => Ok(()),
        _ => Err(Error::argument("nbits of the product quantiser", NBITS, nbits)),
    }
}

//! Training of transforms and quantisers: settings, progress, and the order of random streams.

use burn::tensor::Device;

use super::{
    coarse::Coarse,
    codec::Codec,
    hnsw::{Hnsw, HnswConfig},
    kmeans::{Initialisation, KMeans},
    pq::ProductQuantiser,
    rabitq::RaBitQuantiser,
    random_streams::{COARSE_STREAM, SAMPLE_STREAM, SUBQUANTISER_STREAM, sample_rows, seeded},
    scalar_quantiser::ScalarQuantiser,
    transform::{Codebooks, Normalise, OpqConfig, PcaConfig, Transform, random_rotation},
};
use crate::{
    error::{Error, Result},
    factory::{CoarseKind, Codes, NBITS, TransformKind},
    metric::Metric,
    vectors::Vectors,
};

/// Settings of the training of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainConfig {
    /// Metric of the index. Default: [`Metric::L2`].
    pub metric: Metric,
    /// Keeps the coarse centroids at unit norm (spherical k-means). Default: only with
    /// [`Metric::InnerProduct`], as in faiss.
    pub spherical: Option<bool>,
    /// Initialisation of the coarse quantiser and each sub-quantiser. Default: [`Initialisation::Sampled`],
    /// as in faiss.
    pub initialisation: Initialisation,
    /// Seed of every random choice. Default: 1234.
    pub seed: u64,
    /// k-means iterations of the coarse quantiser and of each sub-quantiser. Default: 25.
    pub iterations: usize,
    /// Most training vectors per centroid; a random subset is used if there are more. Default: 256.
    pub max_points_per_centroid: usize,
    /// Alternations between codebooks and rotation in the training of OPQ. Default: 50, as in faiss.
    pub opq_iterations: usize,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            metric: Metric::L2,
            spherical: None,
            initialisation: Initialisation::default(),
            seed: 1234,
            iterations: 25,
            max_points_per_centroid: 256,
            opq_iterations: 50,
        }
    }
}

/// Quantiser being trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainStage {
    /// A transform before the quantisers.
    Transform,
    /// The coarse quantiser.
    Coarse,
    /// Sub-quantiser `j` of the product quantiser's `m`, from 0.
    Subquantiser {
        /// Index of the sub-quantiser, from 0.
        j: usize,
        /// Number of sub-quantisers.
        m: usize,
    },
}

/// Report of one training iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainProgress {
    /// Stage of the training.
    pub stage: TrainStage,
    /// Iteration, from 0.
    pub iteration: usize,
    /// Number of iterations of this stage.
    pub iterations: usize,
    /// Sum of squared distances from the training vectors to their nearest centroids before this iteration's
    /// update; for a transform, the mean squared error of the vectors decoded from the codes that follow it.
    /// It never rises within a stage, except where an empty cluster was split and in a coarse quantiser of
    /// inner products that is not spherical.
    pub objective: f64,
}

/// Trains one quantiser after the other.
pub(crate) struct QuantiserTrainer<'a> {
    /// Codebooks of the OPQ training, for the product quantiser that follows.
    codebooks: Option<Codebooks>,
    config: &'a TrainConfig,
    device: &'a Device,
    progress: &'a mut dyn FnMut(TrainProgress),
}

impl<'a> QuantiserTrainer<'a> {
    pub fn new(
        config: &'a TrainConfig,
        device: &'a Device,
        progress: &'a mut dyn FnMut(TrainProgress),
    ) -> Self {
        Self { codebooks: None, config, device, progress }
    }

    /// Trains one transform on the output of the transforms before it.
    pub fn transform(&mut self, kind: TransformKind, vectors: &Vectors) -> Result<Transform> {
        let (d_in, seed) = (vectors.d, self.config.seed);
        Ok(match kind {
            TransformKind::Normalise => Transform::Normalise(Normalise::new(d_in, 2.0)?),
            TransformKind::Rotation { d } => Transform::Rotation(random_rotation(d_in, d, seed)?),
            TransformKind::Pca { d: d_out, rotated: random_rotation } => {
                let config = PcaConfig { d_out, random_rotation, seed };
                Transform::Pca(config.train(&vectors.host, d_in, self.device)?)
            }
            TransformKind::Opq { m, d } => {
                let iterations = self.config.opq_iterations;
                let config = OpqConfig { iterations, ..OpqConfig::new(m, d.unwrap_or(d_in), seed) };
                let report = &mut |iteration, iterations, objective| {
                    let stage = TrainStage::Transform;
                    (self.progress)(TrainProgress { stage, iteration, iterations, objective });
                };
                let opq = config.train(&vectors.host, d_in, self.device, report)?;
                self.codebooks = Some(opq.codebooks);
                Transform::Linear(opq.linear)
            }
        })
    }

    pub fn coarse(&mut self, kind: CoarseKind, vectors: &Vectors) -> Result<Coarse> {
        let metric = self.config.metric;
        let spherical = self.config.spherical.unwrap_or(metric == Metric::InnerProduct);
        let kmeans = self.kmeans("coarse quantiser", kind.nlist, COARSE_STREAM);
        let kmeans = KMeans { metric, spherical, ..kmeans };
        let centroids = kmeans.train(vectors, self.device, &mut |iteration, objective| {
            let iterations = kmeans.iterations;
            (self.progress)(TrainProgress { stage: TrainStage::Coarse, iteration, iterations, objective });
        })?;
        let mut coarse = Coarse::new(metric, centroids, vectors.d, self.device)?;
        if let Some(m) = kind.hnsw {
            let config = HnswConfig { m, seed: self.config.seed, ..HnswConfig::default() };
            coarse.graph = Some(Hnsw::build(coarse.centroids(), vectors.d, metric, &config)?);
        }
        Ok(coarse)
    }

    pub fn codec(&mut self, codes: Codes, in_cells: bool, vectors: &Vectors) -> Result<Codec> {
        Ok(match codes {
            Codes::Flat => Codec::Flat { d: vectors.d },
            Codes::Pq { m, nbits } => Codec::Pq(self.product_quantiser(m, nbits, in_cells, vectors)?),
            Codes::RaBitQ if in_cells => {
                Codec::RaBitQ(RaBitQuantiser::of_cells(self.config.metric, vectors.d))
            }
            Codes::RaBitQ => {
                Codec::RaBitQ(RaBitQuantiser::train(self.config.metric, vectors.d, &vectors.host))
            }
            Codes::Sq(kind) => Codec::Sq(ScalarQuantiser::train(kind, vectors.d, &vectors.host)?),
            Codes::FastScan { .. } | Codes::PqResidual { .. } | Codes::Lsh { .. } => {
                let found = codes.to_string();
                return Err(Error::argument("codes", "a combination that factory strings allow", found));
            }
        })
    }

    pub fn product_quantiser(
        &mut self,
        m: usize,
        nbits: usize,
        in_cells: bool,
        vectors: &Vectors,
    ) -> Result<ProductQuantiser> {
        if !NBITS.contains(&nbits) {
            return Err(Error::argument("nbits of the product quantiser", "4 to 12", nbits));
        }
        let kmeans = self.kmeans("product quantiser", 1 << nbits, SUBQUANTISER_STREAM);
        // Codebooks from OPQ were fitted to vectors, not to residuals in several cells.
        let fits = |books: &Codebooks| !in_cells && nbits == 8 && books.m == m && books.dsub * m == vectors.d;
        let start = self.codebooks.take().filter(fits).map(|books| books.centroids);
        let start = start.as_deref();
        ProductQuantiser::train(vectors, m, &kmeans, start, self.device, &mut |j, iteration, objective| {
            let (stage, iterations) = (TrainStage::Subquantiser { j, m }, kmeans.iterations);
            (self.progress)(TrainProgress { stage, iteration, iterations, objective });
        })
    }

    /// Residuals of as many vectors as the quantiser's training uses.
    pub fn residuals(&self, coarse: &Coarse, vectors: &Vectors, codes: Codes) -> Result<Vectors<'static>> {
        let points = match codes {
            Codes::FastScan { .. } => self.config.max_points_per_centroid.saturating_mul(16),
            Codes::Pq { nbits, .. } => self.config.max_points_per_centroid.saturating_mul(1 << nbits),
            Codes::PqResidual { nbits, finer_nbits, .. } => {
                self.config.max_points_per_centroid.saturating_mul(1 << nbits.max(finer_nbits))
            }
            _ => usize::MAX,
        };
        let mut rng = seeded(self.config.seed, SAMPLE_STREAM);
        let sample = sample_rows(vectors.n, points, &mut rng).map(|rows| vectors.select(&rows));
        let vectors = sample.as_ref().unwrap_or(vectors);
        coarse.residuals(vectors, &coarse.cells(vectors)?)
    }

    fn kmeans(&self, what: &'static str, k: usize, stream: u64) -> KMeans {
        KMeans {
            what,
            k,
            iterations: self.config.iterations,
            max_points_per_centroid: self.config.max_points_per_centroid,
            metric: Metric::L2,
            spherical: false,
            initialisation: self.config.initialisation,
            seed: self.config.seed,
            stream,
        }
    }
}

//! Training of an empty index from sample vectors.

use burn::tensor::Device;

use super::{
    Kind,
    exhaustive::Exhaustive,
    graph::Graph,
    ivf::{InvertedFile, array_lists::ArrayLists, block_lists::BlockLists, entry_ids::EntryIds},
    lsh::{
        Lsh,
        sign_codec::{SignCodec, SignCodecConfig},
    },
    mapped::Mapped,
    pq_residual::{PqResidual, second_residuals},
    refined::Refined,
    transformed::{Transformed, apply},
};
use crate::{
    error::{Error, Result},
    factory::{Codes, Factory, IdMap, TransformKind},
    metric::Metric,
    quantise::{
        TrainConfig, TrainProgress, codec::Codec, fast_scan_pq::FastScanPq, hnsw::HnswConfig,
        pq::sub_dimension, training::QuantiserTrainer, transform::Transform,
    },
    stored_bytes::Bytes,
    vectors::Vectors,
};

/// Candidates of `PQ{m}+{r}` for each neighbour, as in faiss.
const K_FACTOR: f32 = 4.0;

/// Trains an empty index of the factory's kind on `vectors`.
pub(crate) fn train(
    factory: &Factory,
    vectors: &Vectors,
    config: &TrainConfig,
    device: &Device,
    progress: &mut dyn FnMut(TrainProgress),
) -> Result<Kind> {
    let quantisers = QuantiserTrainer::new(config, device, progress);
    let mut trainer = Trainer { quantisers, config, device };
    let base = match factory.transforms.as_slice() {
        [] => trainer.quantised(factory, vectors)?,
        transforms => trainer.transformed(transforms, factory, vectors)?,
    };
    let refined = match factory.refine {
        None => base,
        Some(codes) => {
            let vectors = Exhaustive::new(config.metric, trainer.finer_codec(codes, vectors)?);
            Kind::Refined(Box::new(Refined { base, vectors, k_factor: 1.0 }))
        }
    };
    Ok(match factory.ids {
        Some(IdMap { two_way, behind: 0 }) => mapped(refined, two_way),
        _ => refined,
    })
}

/// Wraps an empty index in a map of ids.
fn mapped(inner: Kind, two_way: bool) -> Kind {
    Kind::Mapped(Box::new(Mapped { inner, ids: EntryIds::default(), two_way }))
}

struct Trainer<'a> {
    quantisers: QuantiserTrainer<'a>,
    config: &'a TrainConfig,
    device: &'a Device,
}

impl Trainer<'_> {
    /// Trains the transforms in order, each on the output of the one before.
    fn transformed(
        &mut self,
        transforms: &[TransformKind],
        factory: &Factory,
        vectors: &Vectors,
    ) -> Result<Kind> {
        let mut chain = Vec::new();
        let mut mapped = vectors.clone();
        for &kind in transforms {
            let transform = self.quantisers.transform(kind, &mapped)?;
            mapped = apply(std::slice::from_ref(&transform), &mapped, self.device)?;
            chain.push(transform);
        }
        let inner = self.quantised(factory, &mapped)?;
        Ok(self.behind(vectors.d, chain, inner, factory.ids))
    }

    /// Puts transforms of vectors of dimension `d` before an index, and a map of ids between them.
    fn behind(&self, d: usize, mut chain: Vec<Transform>, inner: Kind, ids: Option<IdMap>) -> Kind {
        let device = self.device.clone();
        match ids {
            Some(IdMap { two_way, behind }) if behind > 0 => {
                let after = chain.split_off(behind.min(chain.len()));
                let between = chain.last().map_or(d, Transform::d_out);
                let inner = mapped(self.behind(between, after, inner, None), two_way);
                Kind::Transformed(Box::new(Transformed { d, chain, inner, device }))
            }
            _ if chain.is_empty() => inner,
            _ => Kind::Transformed(Box::new(Transformed { d, chain, inner, device })),
        }
    }

    /// Trains the codes by which candidates are ranked again.
    fn finer_codec(&mut self, codes: Codes, vectors: &Vectors) -> Result<Codec> {
        match codes {
            Codes::Flat => Ok(Codec::Flat { d: vectors.d }),
            Codes::Lsh { .. } | Codes::FastScan { .. } | Codes::PqResidual { .. } | Codes::RaBitQ => {
                let expected = "other than LSH, fast scan, RaBitQ and `PQ{m}+{r}`";
                Err(Error::argument("codes of the re-ranking", expected, codes))
            }
            Codes::Pq { m, .. } => {
                sub_dimension(vectors.d, m)?;
                self.quantisers.codec(codes, false, vectors)
            }
            _ => self.quantisers.codec(codes, false, vectors),
        }
    }

    /// Trains the index behind the transforms.
    fn quantised(&mut self, factory: &Factory, vectors: &Vectors) -> Result<Kind> {
        let metric = self.config.metric;
        if let Codes::Pq { m, .. } | Codes::FastScan { m, .. } | Codes::PqResidual { m, .. } = factory.codes {
            sub_dimension(vectors.d, m)?;
        }
        let Some(coarse) = factory.coarse else {
            return Ok(match factory.codes {
                Codes::Lsh { nbits, rotated, thresholds } => {
                    Kind::Lsh(self.lsh(nbits, rotated, thresholds, vectors)?)
                }
                codes => {
                    let codec = self.quantisers.codec(codes, false, vectors)?;
                    self.over(Exhaustive::new(metric, codec), factory.hnsw)?
                }
            });
        };
        if factory.hnsw.is_some() {
            return Err(Error::argument("graph of entries", "absent after a coarse quantiser", "HNSW"));
        }
        if let Codes::Lsh { .. } = factory.codes {
            return Err(Error::argument("codes after a coarse quantiser", "other than LSH", factory.codes));
        }
        let nlist = coarse.nlist;
        let coarse = self.quantisers.coarse(coarse, vectors)?;
        let by_residual = !matches!(factory.codes, Codes::Flat | Codes::FastScan { by_residual: false, .. });
        let residuals =
            by_residual.then(|| self.quantisers.residuals(&coarse, vectors, factory.codes)).transpose()?;
        let vectors = residuals.as_ref().unwrap_or(vectors);
        if let Codes::FastScan { m, .. } = factory.codes {
            let pq = self.quantisers.product_quantiser(m, 4, true, vectors)?;
            let pq = FastScanPq::new(vectors.d, m, pq.centroids())?;
            return Ok(Kind::FastScan(InvertedFile::new(coarse, by_residual, BlockLists::new(pq, nlist))));
        }
        if let Codes::PqResidual { m, nbits, finer_m, finer_nbits } = factory.codes {
            sub_dimension(vectors.d, finer_m)?;
            if metric != Metric::L2 {
                return Err(Error::argument("metric of `PQ{m}+{r}`", Metric::L2, metric));
            }
            let codec = self.quantisers.codec(Codes::Pq { m, nbits }, nlist > 1, vectors)?;
            let rest = second_residuals(&codec, vectors)?;
            let finer = self.quantisers.product_quantiser(finer_m, finer_nbits, true, &rest)?;
            let ivf = InvertedFile::new(coarse, true, ArrayLists::new(codec, nlist));
            return Ok(Kind::PqResidual(PqResidual::new(ivf, finer, Bytes::default(), K_FACTOR)));
        }
        let codec =
            self.quantisers.codec(factory.codes, nlist > 1 || factory.codes == Codes::RaBitQ, vectors)?;
        Ok(Kind::Ivf(InvertedFile::new(coarse, by_residual, ArrayLists::new(codec, nlist))))
    }

    /// Index of an empty storage, with a graph of its entries if the factory has one.
    fn over(&self, storage: Exhaustive, hnsw: Option<usize>) -> Result<Kind> {
        let Some(m) = hnsw else {
            return Ok(Kind::Exhaustive(storage));
        };
        if let Codec::RaBitQ(_) = storage.codec {
            return Err(Error::argument("codes of a graph", "other than RaBitQ", Codes::RaBitQ));
        }
        let hnsw = HnswConfig { m, ..HnswConfig::default() }.empty()?;
        Ok(Kind::Graph(Graph { hnsw, storage }))
    }

    fn lsh(
        &self,
        nbits: Option<usize>,
        rotate_data: bool,
        train_thresholds: bool,
        vectors: &Vectors,
    ) -> Result<Lsh> {
        if self.config.metric != Metric::L2 {
            return Err(Error::argument("metric of LSH", Metric::L2, self.config.metric));
        }
        let (d, seed) = (vectors.d, self.config.seed);
        let config = SignCodecConfig { d, nbits: nbits.unwrap_or(d), rotate_data, train_thresholds, seed };
        Ok(Lsh { codec: SignCodec::train(&config, &vectors.host)?, codes: Bytes::default() })
    }
}

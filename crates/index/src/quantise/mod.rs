//! Quantisers and transforms: the trained maps from vectors to cells and codes.

pub(crate) mod assignment;
pub(crate) mod coarse;
pub(crate) mod coarse_scan;
pub(crate) mod codebook;
pub(crate) mod codec;
pub(crate) mod fast_scan_pq;
pub(crate) mod hnsw;
pub(crate) mod hyperplanes;
pub(crate) mod kmeans;
pub(crate) mod pq;
pub(crate) mod rabitq;
pub(crate) mod random_streams;
pub(crate) mod scalar_quantiser;
pub(crate) mod training;
pub(crate) mod transform;

pub use kmeans::Initialisation;
pub use training::{TrainConfig, TrainProgress, TrainStage};

//! Vector indexes on burn, in faiss's own file format: flat, inverted files, product quantisation.
//!
//! The index knows nothing of images. It never prints and never picks a device: training and encoding run where
//! the vectors are, searching where the index was trained or opened. Matrices are row-major `[n, d]`
//! everywhere, distances are squared L2 or inner products as faiss reports them, ids are i64.
//!
//! The names are the field's own: vectors have dimension `d`, an index stores `ntotal` of them, an inverted file
//! has `nlist` cells of which a search visits `nprobe`, a product quantiser cuts a vector into `m` parts of
//! `dsub` dimensions and codes each as one of `ksub` codewords in `nbits` bits.
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use index::{Index, TrainConfig};
//!
//! let vectors = Tensor::<2>::random([500, 32], Distribution::Normal(0.0, 1.0), &Device::flex());
//!
//! // Train the quantisers, then store the vectors under the ids 0..500.
//! let mut index = Index::train(&"IVF8,PQ4".parse()?, vectors.clone(), &TrainConfig::default())?;
//! assert_eq!(index.add(vectors.clone())?, 0..500);
//!
//! // The 5 nearest of the first 3 vectors, in the 2 nearest cells of each.
//! let found = index.search(vectors.slice([0..3]), 5, 2)?;
//! assert_eq!(found.ids.len(), 3 * 5);
//! assert!(found.distances_of(0).is_sorted());
//!
//! // faiss reads what is written here, and the other way round.
//! let mut bytes = Vec::new();
//! index.write_to(&mut bytes)?;
//! assert_eq!(Index::from_bytes(&bytes, &Device::flex())?.ntotal(), 500);
//! # Ok::<(), index::Error>(())
//! ```

#![deny(missing_docs)]

mod aim;
mod assign;
mod bytes;
mod coarse;
mod codebook;
mod codec;
mod direct_map;
mod error;
mod exhaustive;
mod factory;
mod faiss_file;
mod fast_scan;
mod hashed;
mod hnsw;
mod hyperplanes;
mod index;
mod inverted_lists;
mod ivf;
mod ivf_fast_scan;
mod kind;
mod kmeans;
mod lsh;
mod merge;
mod metric;
mod nearest;
pub mod npy;
mod positions;
mod pq;
mod raw;
mod refined;
mod replace;
mod scalar_quantizer;
mod search;
mod store;
mod target;
mod train;
mod transform;
mod transformed;
mod vectors;

pub use aim::{Aim, Signs};
pub use error::{Error, Result};
pub use factory::{CoarseKind, Codes, Factory, TransformKind};
pub use index::{Index, MergedIds};
pub use metric::Metric;
pub use replace::replace_file;
pub use search::{Neighbours, RangeNeighbours};
pub use target::Target;
pub use train::{TrainConfig, TrainProgress, TrainStage};

//! Vector indexes on burn, in faiss's file format.
//!
//! The crate knows no images, never prints and never picks a device: training and encoding run on the device
//! of the vectors, searching on the device the index was trained or opened on. Matrices are row-major
//! `[n, d]`, distances are squared L2 or inner products as faiss reports them, ids are i64.
//!
//! Names follow the field: vectors have dimension `d`, an index stores `ntotal` vectors, an inverted file has
//! `nlist` cells and a search visits `nprobe` of them, a product quantiser splits a vector into `m`
//! sub-vectors of `dsub` dimensions and codes each as one of `ksub` codewords in `nbits` bits.
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use active_index_index::{Index, TrainConfig};
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
//! // faiss reads files written here, and the other way round.
//! let mut bytes = Vec::new();
//! index.write_to(&mut bytes)?;
//! assert_eq!(Index::from_bytes(&bytes, &Device::flex())?.ntotal(), 500);
//! # Ok::<(), active_index_index::Error>(())
//! ```
//!
//! # Kinds
//!
//! A [`Factory`] names a kind of index in faiss's notation and lists all kinds. Every kind is trained,
//! filled, searched, changed, read and written through [`Index`]; internally each has its own type:
//!
//! | module | kind | ids |
//! |---|---|---|
//! | `exhaustive` | `Flat`, `SQ8` and its like, `PQ{m}x{nbits}`, `RaBitQ`: every code is compared | positions |
//! | `graph` | `HNSW{links}` before `Flat`, `SQ8` and its like, `PQ{m}x{nbits}`: a graph of the entries is walked | positions |
//! | `lsh` | `LSH{nbits}`: signs, compared by Hamming distance | positions |
//! | `ivf`, `array_lists` | `IVF{nlist}` or `IVF{nlist}_HNSW{links}` before `Flat`, `SQ8` and its like, `PQ{m}x{nbits}`, `RaBitQ` | stored |
//! | `ivf`, `block_lists` | the same before `PQ{m}x4fs`: codes are packed in blocks for SIMD table look-ups | stored |
//! | `pq_residual` | `IVF{nlist},PQ{m}+{r}`: candidates are ranked again by a second code | positions |
//! | `transformed` | `OPQ`, `PCA`, `PCAR`, `RR`, `L2norm` before any of these | those of the inner index |
//! | `refined` | `RFlat`, `Refine({codes})` after any of these: its candidates are ranked again by finer codes | positions |
//! | `mapped` | `IDMap`, `IDMap2` round any of these | stored |
//!
//! Imports run one way, from the bottom up:
//!
//! | folder | content |
//! |---|---|
//! | `kernels` | vector instructions and the layout of packed codes |
//! | `quantise` | coarse quantiser, codecs, transforms, and their training |
//! | `search` | results, scans of codes, and the search on a device |
//! | `kinds` | the kinds of index |
//! | `files` | the formats of faiss and NumPy |
//! | `index` | [`Index`], which has a file for each of its tasks |
//!
//! Stored ids are arbitrary non-negative numbers and may repeat. Positions are `0..ntotal`; removing an entry
//! shifts the later ones down. A kind that does not support an operation returns [`Error::Unsupported`] or
//! [`Error::Argument`] and stays unchanged.
//!
//! # Files and memory
//!
//! [`Index::open`] maps the file into memory and reads only the quantisers; codes and ids are paged in as
//! searches touch them. A change copies the affected lists first, and [`Index::write`] replaces the file
//! atomically, so a mapped file never changes under its readers. Every size in a file is validated before
//! use. [`npy::read_blocks`] reads vectors in blocks of rows, for files larger than memory.
//!
//! # Determinism
//!
//! All randomness derives from [`TrainConfig::seed`]. The same seed, input, device and number of threads give
//! the same bytes.
//!
//! # Vector instructions
//!
//! The functions of `kernels` use AVX-512 or AVX2 where the processor has them, and plain Rust elsewhere. All
//! levels give the same bits, except float32 matrix products, which may differ by rounding. The environment
//! variable `ACTIVE_INDEX_SIMD`, read once, caps the level: `scalar`, `avx2`, `avx512f` or `avx512`.

#![deny(missing_docs)]

mod error;
mod factory;
mod files;
mod index;
mod kernels;
mod kinds;
mod lazy;
mod metric;
mod quantise;
mod search;
mod stored_bytes;
mod vectors;

pub use error::{Error, Result};
pub use factory::{CoarseKind, Codes, Factory, IdMap, ScalarType, TransformKind};
pub use files::{
    faiss::{FaissKind, faiss_kinds},
    npy,
};
pub use index::{
    EncodedVectors, EntryLists, FoundEntry, Index, MergedIds, ProbedVectors, Signs, Target, Targets,
};
pub use metric::Metric;
pub use quantise::{Initialisation, TrainConfig, TrainProgress, TrainStage};
pub use search::{DeviceNeighbours, Neighbours, RangeNeighbours};

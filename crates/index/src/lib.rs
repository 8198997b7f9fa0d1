//! Vector indexes on burn, in faiss's own file format.
//!
//! The index knows nothing of images. It never prints and never picks a device: training and encoding run
//! where the vectors are, searching where the index was trained or opened. Matrices are row-major `[n, d]`
//! everywhere, distances are squared L2 or inner products as faiss reports them, ids are i64.
//!
//! The names are the field's own: vectors have dimension `d`, an index stores `ntotal` of them, an inverted
//! file has `nlist` cells of which a search visits `nprobe`, a product quantiser cuts a vector into `m` parts
//! of `dsub` dimensions and codes each as one of `ksub` codewords in `nbits` bits.
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
//!
//! # Kinds
//!
//! A [`Factory`] names a kind of index in faiss's words, and lists them all. Every kind is trained, filled,
//! searched, changed, written and read through [`Index`]; inside, each is a type of its own:
//!
//! | module | kind | ids |
//! |---|---|---|
//! | `exhaustive` | `Flat`, `SQ8`, `PQ{m}x{nbits}`: every code is visited | positions |
//! | `hashed` | `LSH{nbits}`: signs, compared by Hamming distance | positions |
//! | `ivf` | `IVF{nlist}` or `IVF{nlist}_HNSW{links}` before `Flat`, `SQ8`, `PQ{m}x{nbits}` | stored |
//! | `ivf_fast_scan` | the same before `PQ{m}x4fs`: codes lie in blocks that SIMD look-ups take whole | stored |
//! | `transformed` | `OPQ`, `PCA`, `PCAR`, `RR`, `L2norm` before any of these | those of the inner index |
//! | `refined` | `RFlat` behind any: what it finds is ranked again by the vectors themselves | positions |
//!
//! Below them, `codec` says what is stored of a vector (`pq`, `scalar_quantiser`, or the vector), `coarse`
//! which cell it falls into, `train` and `kmeans` make both, `files` reads and writes them, and `kernels`
//! compares codes.
//!
//! Stored ids may be any from 0 on, and may repeat; positions are `0..ntotal`, and entries behind a removed
//! one move up. Where a kind cannot do what is asked, [`Error::Unsupported`] or [`Error::Argument`] says so
//! and nothing has changed.
//!
//! # Files and memory
//!
//! [`Index::open`] maps the file into memory and reads the quantisers alone; codes and ids are read as
//! searches touch them. What is changed is copied first, list by list, and [`Index::write`] replaces the file
//! whole, so that a mapped file never changes under its readers. Every size in a file is checked before it is
//! believed. [`npy::read_blocks`] reads vectors some rows at a time, for files larger than memory.
//!
//! # Determinism
//!
//! Nothing is random but what [`TrainConfig::seed`] decides. The same seed, input, device and number of
//! threads give the same bytes.
//!
//! # Vector instructions
//!
//! The functions of `kernels` use AVX-512 or AVX2 where the processor has them, and plain Rust elsewhere. All
//! levels give the same bits, save for float32 matrix products, which may differ by rounding. The environment
//! variable `ACTIVE_INDEX_SIMD`, read once, lowers the level: `scalar`, `avx2` or `avx512`.

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
mod replace;
mod search;
mod stored_bytes;
mod vectors;

pub use error::{Error, Result};
pub use factory::{CoarseKind, Codes, Factory, TransformKind};
pub use files::npy;
pub use index::{Aim, Index, MergedIds, Signs, Target};
pub use kinds::{TrainConfig, TrainProgress, TrainStage};
pub use metric::Metric;
pub use quantise::Initialisation;
pub use replace::replace_file;
pub use search::{DeviceNeighbours, Neighbours, RangeNeighbours};

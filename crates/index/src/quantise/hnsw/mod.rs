//! Hierarchical navigable small-world graph (Malkov and Yashunin) over the centroids of `IVF{n}_HNSW{m}` or over
//! the entries of `HNSW{m}`.
//!
//! A vertex is on the levels from 0 to a random height. A search descends greedily through the sparse upper
//! levels and then explores level 0 with a bounded queue. Ids, metric and points are those of the storage.
//!
//! # File layout
//!
//! faiss's `IndexHNSW`; all numbers little-endian, a vector is its length as u64 and then its elements.
//!
//! | field | type | content |
//! |---|---|---|
//! | fourcc | `IHNf`, `IHNs`, `IHNp` | storage of vectors, of a scalar or of a product quantiser |
//! | index header | as everywhere | `ntotal` is the number of points; metric as the whole index's |
//! | `assign_probas` | vector of f64 | probability of each height, down to 1e-9 |
//! | `cum_nneighbor_per_level` | vector of i32 | `0, 2 m, 3 m, ...`: slots below each level, one more value than heights |
//! | `levels` | vector of i32 | `[n]`: number of levels of each vertex, at least 1 |
//! | `offsets` | vector of u64 | `[n + 1]`: first slot of each vertex |
//! | `neighbors` | vector of i32 | slots; those of vertex `v` on level `l` start at `offsets[v] + cum[l]` and end at a -1 |
//! | `entry_point` | i32 | a vertex of the top level, -1 without vertices |
//! | `max_level` | i32 | top level from 0, -1 without vertices |
//! | `efConstruction` | i32 | 40 |
//! | `efSearch` | i32 | 16 |
//! | `upper_beam` | i32 | 1; no longer used |
//! | storage | a whole index | `IxF2` under L2 or `IxFI` with the inner product; `IxSQ`; `IxPq` |
//!
//! For the inner product faiss searches by the negated product and reports the product.

mod build;
mod graph;
mod queue;
mod search;
#[cfg(test)]
mod tests;
mod validate;

pub(crate) use build::HnswConfig;
pub(crate) use graph::{Hnsw, Points};

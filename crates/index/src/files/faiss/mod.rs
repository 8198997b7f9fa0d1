//! faiss's file format, little-endian (faiss `index_read.cpp` and `index_write.cpp`, version 1.15).
//!
//! | structure | fields |
//! |---|---|
//! | index | fourcc, header, then by fourcc: |
//! | `IxF2` (L2), `IxFI` (inner product) | vector of float32, counted in 4-byte units |
//! | `IwFl` | inverted-file header, inverted lists |
//! | `IwPQ` | inverted-file header, by_residual u8, code_size u64, product quantiser, inverted lists |
//! | header | d i32, ntotal i64, twice the number 2^20 as i64, is_trained u8, metric i32 (0 inner product, 1 L2) |
//! | inverted-file header | header, nlist u64, nprobe u64, the coarse quantiser as an index, direct map |
//! | direct map | type u8 (0 none, 1 array, 2 hash table), vector of i64; for type 2 a vector of (i64, i64) |
//! | product quantiser | d u64, m u64, nbits u64, vector of float32 `[m, ksub, dsub]` |
//! | inverted lists | `ilar`, nlist u64, code_size u64, `full` and a vector of u64 sizes or `sprs` and a vector of u64 (list, size) pairs, then for each non-empty list its codes and its ids as i64 |
//! | vector | count u64, elements |
//!
//! Every count is checked against the remaining bytes before anything is allocated.

mod fast_scan;
mod fourcc;
mod kinds;
mod read;
mod source;
mod write;

pub use kinds::{FaissKind, faiss_kinds};
pub(crate) use read::{holds_lists, read_index, read_lists};
pub(crate) use source::Source;
pub(crate) use write::{write_index, write_lists};

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
mod read;
mod source;
mod write;

pub(crate) use read::read_index;
pub(crate) use source::Source;
pub(crate) use write::write_index;

/// Four-character code that begins a structure.
type Fourcc = [u8; 4];

const FLAT_L2: Fourcc = *b"IxF2";
const FLAT_IP: Fourcc = *b"IxFI";
const EXHAUSTIVE_PQ: Fourcc = *b"IxPq";
const EXHAUSTIVE_SQ: Fourcc = *b"IxSQ";
const LSH: Fourcc = *b"IxHe";
const TRANSFORMED: Fourcc = *b"IxPT";
const REFINED: Fourcc = *b"IxRF";
const IVF_FLAT: Fourcc = *b"IwFl";
const IVF_SQ: Fourcc = *b"IwSq";
const IVF_FAST_SCAN: Fourcc = *b"IwPf";
const GRAPH: Fourcc = *b"IHNf";
const LINEAR: Fourcc = *b"LTra";
const ROTATION: Fourcc = *b"rrot";
const PCA: Fourcc = *b"Pcam";
const NORMALISE: Fourcc = *b"VNrm";
const IVF_PQ: Fourcc = *b"IwPQ";
const ARRAY_LISTS: Fourcc = *b"ilar";
const FULL_SIZES: Fourcc = *b"full";
const SPARSE_SIZES: Fourcc = *b"sprs";

/// Value of the two unused header fields.
const HEADER_FILLER: i64 = 1 << 20;

const METRIC_IP: i32 = 0;
const METRIC_L2: i32 = 1;

const MAP_NONE: u8 = 0;
const MAP_ARRAY: u8 = 1;
const MAP_HASHTABLE: u8 = 2;

//! Fast-scan product quantisation (Quick ADC: André et al., ICMR 2017, PAMI 2021), faiss's
//! `IVF{nlist},PQ{m}x4fs` and, with codes of residuals, `IVF{nlist},PQ{m}x4fsr`.
//!
//! Codewords have 4 bits, codes are packed in blocks of 32, and a query's look-up tables are quantised to 8
//! bits, so that a table row fits a vector register and one shuffle looks up 16 codes. Sums have 16 bits.
//!
//! # Distances
//!
//! Distances equal faiss's. The tables of a query share one scale `a`: 255 over the widest span of a row
//! (maximum minus minimum), or 65535 over the widest span of the whole sums if that is smaller. An entry is
//! `(value - row minimum) * a`, rounded; row minima and coarse distance go into a 16-bit bias per cell,
//! relative to the least of them, `b`. The distance is `b + sum / a`. Among equal sums faiss keeps the
//! vectors met first, in ascending order of cells, except that up to k = 20 its heap first drops the largest
//! id; this crate always uses the order. For missing neighbours faiss reports, up to k = 20, the distance of
//! the sum 65535 (L2) or 0 (inner product).
//!
//! # File
//!
//! Fields after the inverted-file header, with fourcc `IwPf`:
//!
//! | field | type | value |
//! |---|---|---|
//! | `by_residual` | u8 | 0 for `fs`, 1 for `fsr` |
//! | `code_size` | u64 | `m.div_ceil(2)` |
//! | `bbs` | i32 | 32, vectors in a block |
//! | `M2` | u64 | `m` rounded up to even |
//! | `implem` | i32 | 0, a search variant |
//! | `qbs2` | u64 | 0, a search variant |
//! | product quantiser | | `d`, `m`, `nbits` = 4 (u64 each) |
//! | codewords | u64 count, f32s | `[m, 16, dsub]` |
//! | inverted lists | fourcc | `ilbl` |
//! | `nlist` | u64 | |
//! | `code_size` | u64 | `u64::MAX`: codes are interleaved |
//! | `n_per_block` | u64 | 32 |
//! | `block_size` | u64 | `16 * M2` bytes |
//! | each list: ids | u64 count, i64s | |
//! | each list: codes | u64 count, u8s | `count = ids.div_ceil(32) * block_size`, see [`crate::kernels::packing`] |
//!
//! The tables of [`Scanner`] that depend only on the centroids are not in the file.

pub(crate) mod lut;
mod probed_cells;
mod reservoir;
mod scanner;
mod tables;

pub(crate) use scanner::{Scan, Scanner, Scratch};
pub(crate) use tables::ScannerConfig;

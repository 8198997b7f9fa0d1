//! Fast-scan product quantisation (Quick ADC: André et al., ICMR 2017, PAMI 2021), faiss's
//! `IVF{nlist},PQ{m}x4fs` and, with codes of residuals, `IVF{nlist},PQ{m}x4fsr`.
//!
//! Codewords have 4 bits, codes lie in blocks of 32, and a query's look-up tables are quantised to 8 bits, so
//! that a table row fits a vector register and one shuffle looks 16 codes up. Sums have 16 bits.
//!
//! # Distances
//!
//! Distances are faiss's. A query's tables share one scale `a`: 255 over the widest span of a row (maximum
//! less minimum), or 65535 over the widest of the whole sums if that is less. An entry is `(value - row
//! minimum) * a`, rounded; row minima and coarse distance go into a 16-bit bias per cell, counted from the
//! least of them, `b`. The distance is `b + sum / a`. Of vectors with equal sums faiss keeps those met first,
//! in ascending order of cells, but up to k = 20 its heap gives up the one of the largest id first; here it
//! is the order alone. For neighbours that do not exist, faiss reports up to k = 20 the distance of the sum
//! 65535 (L2) or 0 (inner product).
//!
//! # File
//!
//! What follows the header of an inverted file, whose fourcc is `IwPf` here:
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
//! | `code_size` | u64 | `u64::MAX`: none, codes are not apart |
//! | `n_per_block` | u64 | 32 |
//! | `block_size` | u64 | `16 * M2` bytes |
//! | each list: ids | u64 count, i64s | |
//! | each list: codes | u64 count, u8s | `count = ids.div_ceil(32) * block_size`, see [`crate::kernels::packing`] |
//!
//! The tables of [`Scanner`] that depend on the centroids alone are not in the file.

pub(crate) mod lut;
mod probed_cells;
mod reservoir;
mod scanner;
mod tables;

pub(crate) use scanner::{Scan, Scanner, Scratch};
pub(crate) use tables::ScannerConfig;

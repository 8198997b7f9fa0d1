//! NumPy's `.npy` format for descriptors: float32, little-endian, C order, `[n, d]`.
//!
//! A reader of its own, so that the header's sizes are checked against the file's size before anything is
//! allocated (format: NumPy enhancement proposal 1).

mod blocks;
mod header;
mod matrix;

pub use blocks::{Blocks, read_blocks};
pub use matrix::{Matrix, from_bytes, read, read_descriptors, write, write_tensor};

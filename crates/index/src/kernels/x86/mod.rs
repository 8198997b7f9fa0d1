//! Kernels in the vector instructions of x86-64.

pub(super) mod avx2;
pub(super) mod avx512;
mod fold;
mod pack;

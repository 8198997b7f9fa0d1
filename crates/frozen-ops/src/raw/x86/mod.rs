//! Kernels for x86-64.

pub(super) mod avx2;
pub(super) mod avx512;
pub(super) mod bf16;
pub(super) mod lanes256;
pub(super) mod lanes512;

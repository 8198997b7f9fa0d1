//! File formats: faiss's indexes and NumPy's matrices.

pub(crate) mod faiss;
pub mod npy;
pub(crate) mod regular_file;

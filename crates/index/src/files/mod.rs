//! Files: faiss's index format and NumPy's matrices.

pub(crate) mod faiss;
pub mod npy;

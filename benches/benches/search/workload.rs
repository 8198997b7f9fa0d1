//! Sizes of the compared work, and names of its made-up indexes.

/// Dimension of the vectors, as in `peers/faiss_index.py`.
pub const D: usize = 512;
/// Cells of the coarse quantiser.
pub const NLIST: usize = 4096;
/// Number of queries.
pub const QUERIES: usize = 10_000;
/// Single queries whose median is one measurement.
pub const SINGLES: usize = 500;
/// Neighbours requested for a query.
pub const K: usize = 10;
/// Cells visited.
pub const NPROBES: [usize; 4] = [1, 4, 16, 64];
/// Index of more than 2 GiB; each code takes 16 bytes.
pub const LARGE: &str = "random-140000000.faiss";
/// Numbers of stored vectors, each with its file: random codes in lists as uneven as real ones.
pub const GROWING: [(usize, &str); 4] = [
    (100_000, "random-100000.faiss"),
    (1_000_000, "random-1000000.faiss"),
    (4_000_000, "random-4000000.faiss"),
    (10_000_000, "random-10000000.faiss"),
];

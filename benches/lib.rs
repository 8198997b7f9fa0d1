//! Benchmarks, one file a question below `benches/`, the peers they are compared with below `peers/`.

//! Tests of the crate through its public interface, in one binary.

mod allocation;
mod contents;
mod corruption;
mod data;
mod file;
mod ids;
mod npy;
mod search;
mod target;
mod training;

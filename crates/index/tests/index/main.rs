//! Tests of the crate through its public interface, in one binary.

mod aim;
mod allocation;
mod corruption;
mod data;
mod file;
mod ids;
mod npy;
mod search;
mod target;
mod training;

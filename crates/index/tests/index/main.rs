//! Integration tests of the crate in one binary.

mod aim;
mod allocation;
mod contents;
mod corruption;
mod damage;
mod data;
mod exercise;
mod file;
mod ids;
mod layout;
mod npy;
mod search;
mod target;
mod training;

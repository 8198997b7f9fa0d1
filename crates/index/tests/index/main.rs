//! Integration tests of the crate in one binary.

mod allocation;
mod contents;
mod corruption;
mod damage;
mod data;
mod entry_lists;
mod exercise;
mod file;
mod ids;
mod layout;
mod npy;
mod search;
mod signs;
mod target;
mod training;

//! Promises of collections, whatever engine keeps them. A program that includes these tests has the places in `crate::place`.

mod answers;
mod entries;
pub mod fixtures;
mod kills;
mod lists;
mod processes;
pub mod reviews;
mod sample;
mod witnesses;

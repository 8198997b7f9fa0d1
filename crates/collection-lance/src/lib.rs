//! Collections in Lance datasets: on object stores, for any number of machines.

#![deny(missing_docs)]

mod check;
mod contents;
mod core;
mod engine;
mod entries;
mod failure;
mod first;
#[cfg(test)]
mod fixtures;
mod ids;
mod indexing;
mod info;
mod lists;
mod maintenance;
mod place;
mod reviews;
mod search;
mod segments;
mod settings;
mod store;
mod table;
mod view;

pub use engine::{LanceEngine, create, is_collection, open};

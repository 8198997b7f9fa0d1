//! Tests over the whole workspace: parity with public tools, files, the command line. One binary, linked once.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and prints what it measured"
)]

mod activation;
mod agreement;
mod collections;
mod command_line;
mod concurrent_writers;
mod deploy;
mod device;
mod evaluation;
mod extractor;
mod extractors;
mod faiss_kinds;
mod faiss_peer;
mod fast_activation;
mod fixtures;
mod graph_search;
mod habits;
mod healthcheck;
mod image_files;
mod image_formats;
mod image_mutations;
mod index_files;
mod index_kinds;
mod index_verbs;
mod index_wrappers;
mod interrupted_write;
mod linked_files;
mod looks;
mod mutated_images;
mod object_stores;
mod odd_names;
mod on_disk_lists;
mod outputs;
mod provenance;
mod release;
mod released_files;
mod several_looks;
mod shards;
mod streams;
mod transform_verb;
mod visited_cells;

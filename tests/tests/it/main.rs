//! One binary, so that everything is linked once.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod activation;
mod agreement;
mod command_line;
mod device;
mod evaluation;
mod extractor;
mod extractors;
mod faiss_peer;
mod image_files;
mod index_files;
mod index_kinds;
mod index_verbs;
mod interrupted_write;
mod provenance;
mod released_files;
mod transform_verb;

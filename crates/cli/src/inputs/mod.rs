//! Inputs of the verbs: image files, the extractor, indexes of its descriptors, files of the installation.

pub mod collection;
pub mod extractor;
pub mod image_files;
pub mod installation;
pub mod meta;

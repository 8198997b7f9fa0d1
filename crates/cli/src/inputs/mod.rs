//! Inputs of the verbs: image files and the jobs of their release, the extractor, indexes of its descriptors, collections, fields of
//! images, files of the installation.

pub mod collection;
pub mod descriptor_file;
pub mod extractor;
pub mod image_files;
pub mod installation;
pub mod meta;
mod query_picture;
mod release_plan;
pub mod sharding;

pub use self::{query_picture::query_picture, release_plan::plan};

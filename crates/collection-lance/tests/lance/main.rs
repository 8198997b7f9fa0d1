//! Tests of collections in Lance datasets: the promises of every engine, in a folder and on S3.

#![expect(clippy::print_stdout, reason = "children say what was acknowledged")]

extern crate active_index_collection_lance as collection_lance;
extern crate collection as active_index_collection;

mod codes;
mod damage;
mod imports;
mod place;
#[path = "../../../collection/tests/promises/mod.rs"]
mod promises;
mod s3;
mod shares;

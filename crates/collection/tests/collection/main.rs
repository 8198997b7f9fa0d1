//! Tests of collections in folders: the promises of every engine, and those of files.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests say what they skip, and children what was acknowledged"
)]

mod catalogue;
mod damage;
mod folders;
mod imports;
mod place;
#[path = "../promises/mod.rs"]
mod promises;

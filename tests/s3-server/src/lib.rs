//! An S3 server on loopback, for tests and measurements.
//!
//! Buckets are the folders in a folder, and keys the files in them. Puts are atomic, also those with a condition
//! (`If-None-Match: *`, `If-Match`), however many processes send them at once: what object stores promise and Lance's commits
//! rest on. Requests can be delayed, refused, or done without the answer reaching the caller, each by a number that a test
//! sets; requests and bytes are counted by kind.
//!
//! | request | honours |
//! |---|---|
//! | get, head | `Range`, `If-Match`, `If-None-Match` |
//! | put, copy | `If-Match`, `If-None-Match` |
//! | multipart uploads | parts, copied parts, conditions of the completion |
//! | delete, delete of many | |
//! | list, version 2 | `prefix`, `delimiter`, `start-after`, `continuation-token`, `max-keys` |
//!
//! Signatures are not looked at, and bodies are held in memory. It listens on 127.0.0.1 alone.
//!
//! `GET /-/counts` returns the counts as JSON, `DELETE /-/counts` sets them to zero, `PUT /BUCKET` creates a bucket.

#![deny(missing_docs)]

mod answer;
mod buckets;
mod call;
mod counts;
mod faults;
mod listing;
mod objects;
mod server;
mod uploads;
mod xml;

pub use counts::{Count, Counts, Kind};
pub use faults::Faults;
pub use server::Server;

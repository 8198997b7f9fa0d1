//! Answers as JSON documents and in words.
//!
//! - [`Search`]: the collection that was searched, its bounds and its calibration.
//! - [`Answered`]: a query and its matches, one element of `queries`.
//! - [`Match`]: an entry that was found, with its name, state and fields, and its place on the query.
//!
//! Whoever answers a query in JSON serialises these, so that all of them answer alike.

mod answered;
mod matched;
mod search;

pub use self::{
    answered::{Answered, WithEntries, with_entries},
    matched::{Match, Place, Seen, e_text},
    search::{CalibrationReport, Search},
};

//! Lookups: a bounded queue, and workers that decode, search and compare.

mod answer;
mod prepare;
mod queue;
mod reply;
mod review;
mod work;

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use collection::Digest;

pub use self::{
    answer::{Found, Kept, Looked, Outcome, Picture, SCHEMA},
    queue::{Lane, Queue, Refused},
    reply::{Reply, reply},
    review::{Queued, REVIEW_E},
    work::Worker,
};
use crate::{memory::Share, problem::Problem, served::Served};

/// Queries in one collection.
pub struct Request {
    /// Collection to look in.
    pub served: Arc<Served>,
    /// Bounds of the search.
    pub settings: find::Settings,
    /// Queries, at least one.
    pub queries: Vec<Query>,
    /// True if a picture that cannot be read is a problem of the whole, and not an error of its query.
    pub is_single: bool,
    /// True if pictures, views and places are kept beyond the report.
    pub keep: bool,
    /// Share of the memory for bodies, given back when the lookup is done.
    pub memory: Share,
}

/// A request and the way to its caller.
pub struct Lookup {
    /// The request.
    pub request: Request,
    /// Way to its caller.
    pub reply: Box<dyn Reply>,
    /// Time at which the lookup was accepted.
    pub accepted: Instant,
}

/// A query and its name.
pub struct Query {
    /// Name in the answer.
    pub name: String,
    /// Content that is looked up.
    pub content: Content,
}

/// Content of a query.
#[derive(Clone)]
pub enum Content {
    /// Bytes of an image file.
    File(Bytes),
    /// Descriptor `[d]`, finite, of the collection's dimension.
    Descriptor(Vec<f32>),
    /// Reason why there is nothing to look up.
    Missing(Problem),
}

impl Query {
    /// SHA-256 of the file of a picture.
    fn digest(&self) -> Option<Digest> {
        match &self.content {
            Content::File(bytes) => Some(Digest::of_file(bytes)),
            Content::Descriptor(_) | Content::Missing(_) => None,
        }
    }
}

impl Request {
    /// Returns true if no picture is to be described.
    pub fn is_described(&self) -> bool {
        !self.queries.iter().any(|query| matches!(query.content, Content::File(_)))
    }

    /// Returns true if both may be answered by one search.
    fn agrees(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.served, &other.served) && self.settings == other.settings && self.keep == other.keep
    }
}

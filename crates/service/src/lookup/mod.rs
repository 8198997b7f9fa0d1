//! Lookups: a bounded queue, and workers that decode, search and compare.

mod answer;
mod prepare;
mod queue;
mod work;

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

pub use self::{
    answer::SCHEMA,
    queue::{Lane, Queue, Refused},
    work::Worker,
};
use crate::{problem::Problem, served::Served};

/// Queries in one collection, and the way to their answer.
pub struct Lookup {
    /// Collection to look in.
    pub served: Arc<Served>,
    /// Bounds of the search.
    pub settings: find::Settings,
    /// Queries, at least one.
    pub queries: Vec<Query>,
    /// True if a picture that cannot be read is a problem of the whole, and not an error of its query.
    pub is_single: bool,
    /// Way to the handler, which is closed if the caller is gone.
    pub reply: oneshot::Sender<Result<Vec<u8>, Problem>>,
    /// Time at which the lookup was accepted.
    pub accepted: Instant,
    /// Share of the memory for bodies, given back when the lookup is done.
    pub memory: Option<OwnedSemaphorePermit>,
}

/// A query and its name.
pub struct Query {
    /// Name in the answer.
    pub name: String,
    /// Content that is looked up.
    pub content: Content,
}

/// Content of a query.
pub enum Content {
    /// Bytes of an image file.
    File(Bytes),
    /// Descriptor `[d]`, finite, of the collection's dimension.
    Descriptor(Vec<f32>),
}

impl Lookup {
    /// Returns true if no picture is to be described.
    pub fn is_described(&self) -> bool {
        self.queries.iter().all(|query| matches!(query.content, Content::Descriptor(_)))
    }

    /// Returns true if both may be answered by one search.
    fn agrees(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.served, &other.served) && self.settings == other.settings
    }
}

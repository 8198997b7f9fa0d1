//! HTTP service that looks pictures up in collections, and releases pictures into them.
//!
//! - [`Service`]: binds an address, answers requests, and ends without dropping what it accepted.
//! - [`Settings`]: bounds on uploads, connections and waiting lookups; [`Access`]: callers that are answered.
//! - [`Served`]: a collection with its name in the API, and the folder of its releases.
//! - [`Release`]: releases pictures into collections, for its caller to implement.
//! - [`describe_api`]: the OpenAPI document of the API, which the service also answers with.
//!
//! # Threads
//!
//! | threads | do |
//! |---|---|
//! | two of tokio | HTTP: connections, bodies, access, answers |
//! | `workers` | lookups: decoding, views, searches, witnesses; they take from one bounded queue |
//! | one | the network: views of several lookups go through it together, a batch forms while the last is computed |
//! | one | releases, one collection after the other |
//!
//! A body is whole before its lookup waits in the queue, so that slow clients hold no worker. Bodies, connections and waiting
//! lookups are bounded; what is beyond a bound is refused at once, and the answer says when to try again.
//!
//! Imports run one way, from the bottom up: `problem`, `memory`, `access`, `fetch`, `settings`, `jobs`, `served`, `metrics`,
//! `network`, `lookup`, `app` (the state of all handlers), `pictures`, `api` (routes), `pages`, `server` (connections),
//! [`Service`]. The crate prints nothing: it records events with `tracing`. It loads no network: its caller hands it one that
//! implements [`find::Describe`], and [`Release`] where pictures are released.

#![deny(missing_docs)]

mod access;
mod api;
mod app;
mod clock;
mod error;
mod fetch;
mod jobs;
mod lookup;
mod memory;
mod metrics;
mod network;
mod pages;
mod pictures;
mod problem;
mod served;
mod server;
mod settings;

pub use access::{Access, Tokens};
pub use api::describe_api;
pub use error::{Error, Result};
pub use jobs::Release;
pub use served::Served;
pub use server::{NetworkError, Running, Service, Shutdown};
pub use settings::Settings;

//! HTTP service that looks pictures up in collections.
//!
//! - [`Service`]: binds an address, answers requests, and ends without dropping what it accepted.
//! - [`Settings`]: bounds on uploads, connections and waiting lookups; [`Access`]: callers that are answered.
//! - [`Served`]: a collection with its name in the API.
//! - [`describe_api`]: the OpenAPI document of the API, which the service also answers with.
//!
//! # Threads
//!
//! | threads | do |
//! |---|---|
//! | two of tokio | HTTP: connections, bodies, access, answers |
//! | `workers` | lookups: decoding, views, searches, witnesses; they take from one bounded queue |
//! | one | the network: views of several lookups go through it together, a batch forms while the last is computed |
//!
//! A body is whole before its lookup waits in the queue, so that slow clients hold no worker. Bodies, connections and waiting
//! lookups are bounded; what is beyond a bound is refused at once, and the answer says when to try again.
//!
//! Imports run one way, from the bottom up: `problem`, `memory`, `access`, `fetch`, `settings`, `served`, `metrics`, `network`,
//! `lookup`, `app` (the state of all handlers), `pictures`, `api` (routes), `pages`, `server` (connections), [`Service`]. The crate
//! prints nothing: it records events with `tracing`. It loads no network: its caller hands it one that implements [`find::Describe`].

#![deny(missing_docs)]

mod access;
mod api;
mod app;
mod error;
mod fetch;
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
pub use served::Served;
pub use server::{NetworkError, Service, Shutdown};
pub use settings::Settings;

//! Shards: shares of a list of files, for machines that do not talk to each other.
//!
//! - [`Shard`]: one of N shares, and the files that are in it.
//! - [`Environment`]: the shard of a task of a Slurm array or of an indexed Kubernetes job.
//! - [`Record`]: progress of a run in a shard, as a line of JSON.
//!
//! The crate reads no files and no environment of its own accord, and prints nothing.
//!
//! ```
//! use std::path::Path;
//!
//! use active_index_shard::Shard;
//!
//! let shards: Vec<Shard> = (0..4).map(|i| format!("{i}/4").parse()).collect::<Result<_, _>>()?;
//! let holders = shards.iter().filter(|shard| shard.holds(Path::new("2026/a.jpg")));
//! assert_eq!(holders.count(), 1);
//! # Ok::<(), active_index_shard::Error>(())
//! ```

#![deny(missing_docs)]

mod environment;
mod error;
mod record;
mod shard;

pub use environment::{Environment, SHARDS};
pub use error::{Error, Result};
pub use record::{Record, RunName};
pub use shard::Shard;

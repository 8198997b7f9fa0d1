//! Files of object stores, by their addresses.
//!
//! - [`is_address`]: tells addresses from paths.
//! - [`Objects`]: reads, lists and writes objects; calls block, from any thread.
//!
//! Clients take endpoints and credentials from the environment. They are built with the feature `stores`; without it every call
//! fails with [`Error::NotBuilt`]. The crate prints nothing.
//!
//! ```
//! use std::path::Path;
//!
//! use active_index_object_files::is_address;
//!
//! assert!(is_address(Path::new("s3://bucket/photos/a.jpg")));
//! assert!(!is_address(Path::new("photos/a.jpg")));
//! ```

#![deny(missing_docs)]

mod address;
#[cfg(feature = "stores")]
mod clients;
#[cfg(not(feature = "stores"))]
mod clients_missing;
mod error;
mod objects;

pub use address::is_address;
pub use error::{Error, Result};
pub use objects::{Kind, Listed, Objects};

#[cfg(feature = "stores")]
use clients::Clients;
#[cfg(not(feature = "stores"))]
use clients_missing::Clients;

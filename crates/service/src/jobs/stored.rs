//! Requests as `job.json` keeps them.

use collection::Meta;
use serde::{Deserialize, Serialize};

/// Version of the documents in the folder.
pub const SCHEMA: u32 = 1;

/// Request that was acknowledged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredRequest {
    /// Version of the document.
    pub schema: u32,
    /// Time of acceptance, in seconds since 1970.
    pub accepted: i64,
    /// Idempotency key of the caller.
    #[serde(default)]
    pub key: Option<String>,
    /// SHA-256 of names, fields and pictures, in hexadecimal digits.
    pub content: String,
    /// Fields of all entries.
    #[serde(default)]
    pub fields: Meta,
    /// Pictures, by their places.
    pub pictures: Vec<StoredPicture>,
}

/// Picture of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPicture {
    /// Name for display, and of the entry.
    pub name: String,
    /// Bytes of the upload.
    pub bytes: u64,
}

//! Counts of requests and bytes by kind.

use std::{collections::BTreeMap, sync::Mutex};

use hyper::Method;
use serde_json::{Value, json};

use crate::call::Call;

/// Kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Bytes of an object, whole or a range.
    Get,
    /// Size and tag of an object.
    Head,
    /// A page of keys.
    List,
    /// An object, whole, or a copy of one.
    Put,
    /// A part of a multipart upload.
    Part,
    /// Begin, end or abandonment of a multipart upload.
    Upload,
    /// Deletion of one object or of many.
    Delete,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] =
        [Self::Get, Self::Head, Self::List, Self::Put, Self::Part, Self::Upload, Self::Delete];

    pub(crate) fn of(call: &Call) -> Self {
        let has = |name: &str| call.query(name).is_some();
        match call.method {
            Method::GET if call.key.is_empty() => Self::List,
            Method::GET => Self::Get,
            Method::HEAD => Self::Head,
            Method::PUT if has("partNumber") => Self::Part,
            Method::PUT => Self::Put,
            Method::POST if has("delete") => Self::Delete,
            Method::DELETE if !has("uploadId") => Self::Delete,
            _ => Self::Upload,
        }
    }

    /// Name of the kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Head => "head",
            Self::List => "list",
            Self::Put => "put",
            Self::Part => "part",
            Self::Upload => "upload",
            Self::Delete => "delete",
        }
    }
}

/// Requests of a kind, and the bytes of their bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Requests.
    pub requests: u64,
    /// Requests that were not granted, those whose condition did not hold among them.
    pub refused: u64,
    /// Bytes that callers sent.
    pub received: u64,
    /// Bytes that callers were sent.
    pub sent: u64,
}

/// Requests and bytes by kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts(BTreeMap<Kind, Count>);

impl Counts {
    /// Count of a kind.
    pub fn of(&self, kind: Kind) -> Count {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    /// Sum over all kinds.
    pub fn total(&self) -> Count {
        self.0.values().fold(Count::default(), |sum, count| Count {
            requests: sum.requests + count.requests,
            refused: sum.refused + count.refused,
            received: sum.received + count.received,
            sent: sum.sent + count.sent,
        })
    }

    /// The counts as a JSON object by the kinds' names.
    pub fn json(&self) -> Value {
        let fields = Kind::ALL.map(|kind| {
            let Count { requests, refused, received, sent } = self.of(kind);
            let count = json!({"requests": requests, "refused": refused, "received": received, "sent": sent});
            (kind.name().to_owned(), count)
        });
        Value::Object(fields.into_iter().collect())
    }
}

/// Counts that any thread adds to.
#[derive(Debug, Default)]
pub struct Counter(Mutex<Counts>);

impl Counter {
    pub fn add(&self, kind: Kind, refused: bool, received: usize, sent: usize) {
        let mut counts = self.0.lock().expect("no thread panics that holds it");
        let count = counts.0.entry(kind).or_default();
        count.requests += 1;
        count.refused += u64::from(refused);
        count.received += received as u64;
        count.sent += sent as u64;
    }

    pub fn counts(&self) -> Counts {
        self.0.lock().expect("no thread panics that holds it").clone()
    }

    pub fn reset(&self) {
        *self.0.lock().expect("no thread panics that holds it") = Counts::default();
    }
}

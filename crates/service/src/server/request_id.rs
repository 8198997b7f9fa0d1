//! Ids of requests, in answers and in the log.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Header of the id.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Largest length of an id that a caller gives.
const LENGTH: usize = 64;

static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// Id of a request: that of the caller, if it is a short word, else a new one.
pub fn of(headers: &HeaderMap) -> HeaderValue {
    let is_word = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        (1..=LENGTH).contains(&bytes.len()) && bytes.iter().all(is_allowed)
    };
    headers.get(HEADER).filter(is_word).cloned().unwrap_or_else(new)
}

/// New id: the microsecond, and the number of the request since the start.
fn new() -> HeaderValue {
    let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
    let microseconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    let id = format!("{microseconds:x}-{number:x}");
    HeaderValue::from_str(&id).expect("digits and a hyphen are a header's value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_s_id_is_kept_if_it_is_a_short_word() {
        let sent = |value: &[u8]| {
            let value = HeaderValue::from_bytes(value).unwrap();
            of(&[(HEADER, value)].into_iter().collect())
        };
        assert_eq!(sent(b"desk-1.a_B"), "desk-1.a_B");
        let long = "x".repeat(65);
        for wrong in [b"".as_slice(), b"a b", b"a\"b", "\u{e9}".as_bytes(), long.as_bytes()] {
            let id = sent(wrong);
            assert!(id.as_bytes() != wrong && id != of(&HeaderMap::new()), "{wrong:?}");
        }
    }
}

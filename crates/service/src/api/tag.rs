//! Tags of answers: two answers are alike if their tags are.

use std::fmt::Write;

use axum::http::{
    HeaderMap, HeaderName,
    header::{IF_MATCH, IF_NONE_MATCH},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// Bytes of a digest that make a tag.
const BYTES: usize = 16;

/// Tag of a document, with its quotes.
///
/// # Errors
/// None in practice.
pub fn of(document: &impl Serialize) -> Result<String, Problem> {
    Ok(of_bytes(&serde_json::to_vec(document).map_err(Problem::internal)?))
}

/// Tag of bytes, with its quotes.
pub fn of_bytes(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let mut tag = String::from("\"");
    for byte in &digest[..BYTES] {
        // Writing to a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag + "\""
}

/// Condition on a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// None.
    Any,
    /// One of these.
    OneOf(Vec<String>),
    /// None of these.
    NoneOf(Vec<String>),
}

impl Condition {
    /// Condition of the header `if-match`; `*` is met by every tag.
    pub fn matches(headers: &HeaderMap) -> Self {
        match tags(headers, &IF_MATCH) {
            None => Self::Any,
            Some(tags) if tags.iter().any(|tag| tag == "*") => Self::Any,
            Some(tags) => Self::OneOf(tags),
        }
    }

    /// Condition of the header `if-none-match`.
    pub fn none_match(headers: &HeaderMap) -> Self {
        tags(headers, &IF_NONE_MATCH).map_or(Self::Any, Self::NoneOf)
    }

    /// Returns true if this tag meets the condition.
    pub fn is_met_by(&self, tag: &str) -> bool {
        let is_named = |tags: &[String]| tags.iter().any(|named| named == tag || named == "*");
        match self {
            Self::Any => true,
            Self::OneOf(tags) => is_named(tags),
            Self::NoneOf(tags) => !is_named(tags),
        }
    }
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<String>> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    let words = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    // A weak tag is that of an equal answer, too: there are no others.
    Some(words.map(|word| word.trim().trim_start_matches("W/").to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_name_tags_or_all() {
        let headers = |name: HeaderName, values: &[&str]| -> HeaderMap {
            values.iter().map(|value| (name.clone(), value.parse().unwrap())).collect()
        };
        let met = |condition: Condition| condition.is_met_by("\"a\"");
        assert!(met(Condition::matches(&HeaderMap::new())) && met(Condition::none_match(&HeaderMap::new())));
        for (values, is_named) in [
            (["\"a\""].as_slice(), true),
            (&["\"b\", W/\"a\""], true),
            (&["\"b\"", "\"a\""], true),
            (&["*"], true),
            (&["\"b\""], false),
            (&["a"], false),
            (&[""], false),
        ] {
            assert_eq!(met(Condition::matches(&headers(IF_MATCH, values))), is_named, "{values:?}");
            assert_eq!(met(Condition::none_match(&headers(IF_NONE_MATCH, values))), !is_named, "{values:?}");
        }
    }
}

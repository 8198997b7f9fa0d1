//! Numbers within a range.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

/// Parses a number.
///
/// # Errors
/// If `text` is not a number of `range`; the message names the range.
pub fn within<T: FromStr + PartialOrd + Display>(text: &str, range: RangeInclusive<T>) -> Result<T, String> {
    let value = text.parse().ok().filter(|value| range.contains(value));
    value.ok_or_else(|| format!("expected a number from {} to {}", range.start(), range.end()))
}

//! Ids of entries as typed: single ids, and ranges that may be too long to list.

use std::str::FromStr;

use anyhow::{Context, ensure};

/// A range of ids from `first` to `last`, both included; `first <= last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdSpan {
    first: i64,
    last: i64,
}

impl From<i64> for IdSpan {
    fn from(id: i64) -> Self {
        Self { first: id, last: id }
    }
}

impl FromStr for IdSpan {
    type Err = anyhow::Error;

    /// Parses `7`, `5..9` (5 to 8) or `5..=9` (5 to 9).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |digits: &str| {
            let digit = digits.starts_with(|first: char| first.is_ascii_digit());
            digits
                .parse::<i64>()
                .ok()
                .filter(|_| digit)
                .context("expected an id such as 7, or ids such as 5..9 or 5..=9")
        };
        let Some((first, end)) = text.split_once("..") else { return Ok(number(text)?.into()) };
        let first = number(first)?;
        let last = match end.strip_prefix('=') {
            Some(last) => number(last)?,
            None => number(end)? - 1,
        };
        ensure!(first <= last, "the range contains no id");
        Ok(Self { first, last })
    }
}

/// A set of ids, as spans in ascending order that neither touch nor overlap.
#[derive(Debug)]
pub struct IdSet(Vec<IdSpan>);

impl FromIterator<IdSpan> for IdSet {
    fn from_iter<T: IntoIterator<Item = IdSpan>>(spans: T) -> Self {
        let mut spans: Vec<IdSpan> = spans.into_iter().collect();
        spans.sort_unstable();
        spans.dedup_by(|next, span| {
            let joins = next.first <= span.last.saturating_add(1);
            span.last = if joins { span.last.max(next.last) } else { span.last };
            joins
        });
        Self(spans)
    }
}

impl IdSet {
    /// Returns true if `id` is in the set.
    pub fn contains(&self, id: i64) -> bool {
        let after = self.0.partition_point(|span| span.first <= id);
        after.checked_sub(1).is_some_and(|span| id <= self.0[span].last)
    }

    /// Returns the number of ids, at most `u64::MAX`.
    pub fn len(&self) -> u64 {
        self.0
            .iter()
            .fold(0, |sum, span| sum.saturating_add(span.last.abs_diff(span.first)).saturating_add(1))
    }

    /// Iterates over the ids in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = i64> {
        self.0.iter().flat_map(|span| span.first..=span.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(texts: &[&str]) -> IdSet {
        texts.iter().map(|text| text.parse::<IdSpan>().unwrap()).collect()
    }

    #[test]
    fn ranges_are_joined_and_never_listed() {
        let ids = set(&["9", "5..8", "1", "2", "7..=8", "1"]);
        assert_eq!(ids.iter().collect::<Vec<_>>(), [1, 2, 5, 6, 7, 8, 9]);
        assert_eq!((ids.0.len(), ids.len()), (2, 7));
        for id in -1..12 {
            assert_eq!(ids.contains(id), ids.iter().any(|member| member == id), "{id}");
        }
        let all = set(&["0..=9223372036854775807"]);
        assert_eq!(all.len(), 1 << 63);
        assert!(all.contains(i64::MAX) && !all.contains(-1));
        assert_eq!(IdSet::from_iter([IdSpan::from(i64::MAX), i64::MIN.into()]).len(), 2);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "x",
            "-1",
            "+1",
            "1..",
            "..2",
            "5..5",
            "5..=4",
            "1...3",
            "1..=",
            "1-3",
            "9223372036854775808",
        ] {
            assert!(text.parse::<IdSpan>().is_err(), "{text}");
        }
    }
}

//! Conditions on fields of entries.

use std::str::FromStr;

use clap::Args;
use collection::Filter;

/// Conditions that entries must meet, all of them.
#[derive(Debug, Clone, Args)]
pub struct Conditions {
    /// Only entries whose field has this value; may be repeated, and all must agree
    #[arg(long = "where", value_name = "KEY=VALUE")]
    conditions: Vec<Condition>,
}

impl Conditions {
    /// Returns the conditions as a filter of a collection.
    pub fn filter(&self) -> Filter {
        let pair = |condition: &Condition| (condition.key.clone(), condition.value.clone());
        Filter { fields: self.conditions.iter().map(pair).collect() }
    }
}

/// A field and the value that it must have.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    key: String,
    value: String,
}

impl FromStr for Condition {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                Ok(Self { key: key.to_owned(), value: value.to_owned() })
            }
            _ => Err("expected a field and its value, such as licence=CC0"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_has_a_key_and_any_value() {
        let parsed = |key: &str, value: &str| Ok(Condition { key: key.to_owned(), value: value.to_owned() });
        assert_eq!("licence=CC0".parse(), parsed("licence", "CC0"));
        assert_eq!("note=a=b".parse(), parsed("note", "a=b"));
        assert_eq!("note=".parse(), parsed("note", ""));
        for wrong in ["", "licence", "=CC0"] {
            assert!(wrong.parse::<Condition>().is_err(), "{wrong}");
        }
    }
}

//! Arguments of `find`.

use std::{num::NonZeroUsize, path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum, ValueHint};
use find::Effort;

use super::{Address, Conditions, Reading, Sharding};

/// Examples of `find --help`.
pub const EXAMPLES: &str = "\
A query that nothing confirms is looked at again: in more cells, then as more views of it, up to the
bounds of --effort. The E-value of a match is how many entries would look this much alike by chance.

Examples:
  active-index find suspect.jpg --collection shop
  active-index find downloads/ --collection shop -k 1 --effort high --report found.html
  find downloads -newer seen -print0 | active-index find - --collection shop --where licence=CC0
  active-index find queries.npy --collection shop --json
  active-index find @suspects.txt --collection shop --shard 3/16 --out found.json # writes found.03-of-16.json";

/// Arguments of `find`.
#[derive(Debug, Args)]
pub struct Find {
    /// Images and folders of images, lists of both (- on stdin, @FILE in a file), or one .npy file of descriptors
    #[arg(required = true, value_name = "IMAGE|DIR|-|@FILE|FILE.npy")]
    pub inputs: Vec<PathBuf>,
    /// Collection to look them up in
    #[arg(long, value_name = "C", value_hint = ValueHint::AnyPath)]
    pub collection: Address,
    /// Largest number of matches of each query
    #[arg(short, default_value = "10")]
    pub k: NonZeroUsize,
    #[command(flatten)]
    pub bounds: LookupBounds,
    /// Largest E-value of a match; entries up to an E-value of 1 are shown as possible
    #[arg(long, default_value = "0.001", value_name = "E", value_parser = e_value)]
    pub max_e: f64,
    /// Show neighbours whatever their E-values, of all looks and cells within the bounds, without an end at the first match
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub conditions: Conditions,
    /// Also write the JSON document to a file
    #[arg(long, value_name = "FILE.json")]
    pub out: Option<PathBuf>,
    /// Also write an HTML page that shows where on each query its matches are
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub sharding: Sharding,
    #[command(flatten)]
    pub reading: Reading,
}

/// Bounds on the work for one query.
#[derive(Debug, Clone, Args)]
pub struct LookupBounds {
    /// Bounds on the looks, the cells and the comparisons spent on a query that nothing confirms
    #[arg(long, value_enum, default_value_t)]
    pub effort: EffortLevel,
    /// Largest number of views of a query that are described; auto: the number of the effort
    #[arg(long, default_value = "auto", value_name = "N|auto")]
    pub looks: Looks,
    /// Largest number of cells that one look visits [default: by --effort, and more in small collections]
    #[arg(long, value_name = "N")]
    pub nprobe: Option<NonZeroUsize>,
}

impl LookupBounds {
    /// Settings with these bounds, and defaults for the rest.
    pub fn settings(&self) -> find::Settings {
        let own = Effort::from(self.effort).settings();
        let looks = match self.looks {
            Looks::Auto => own.looks,
            Looks::Most(looks) => looks.get(),
        };
        match self.nprobe {
            Some(nprobe) => find::Settings { looks, nprobe: nprobe.get(), least_entries: 0, ..own },
            None => find::Settings { looks, ..own },
        }
    }
}

/// Effort for queries that nothing confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum EffortLevel {
    /// One look in few cells
    Low,
    /// At most 8 looks
    #[default]
    Normal,
    /// At most 16 looks in four times as many cells
    High,
}

impl From<EffortLevel> for Effort {
    fn from(level: EffortLevel) -> Self {
        match level {
            EffortLevel::Low => Self::Low,
            EffortLevel::Normal => Self::Normal,
            EffortLevel::High => Self::High,
        }
    }
}

/// Largest number of looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// The number of the effort.
    Auto,
    /// This number.
    Most(NonZeroUsize),
}

impl FromStr for Looks {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            number => number.parse().map(Self::Most).map_err(|_| "expected auto, or a number of at least 1"),
        }
    }
}

/// Parses an E-value: a finite number of at least 0.
pub(super) fn e_value(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|e: &f64| e.is_finite() && *e >= 0.0).ok_or("expected a number of at least 0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        bounds: LookupBounds,
    }

    fn typed(words: &str) -> find::Settings {
        Line::parse_from(format!("find {words}").split_whitespace()).bounds.settings()
    }

    #[test]
    fn bounds_that_are_named_take_the_place_of_those_of_the_effort() {
        let normal = Effort::Normal.settings();
        assert_eq!((typed("").looks, typed("").nprobe), (normal.looks, normal.nprobe));
        let high = typed("--effort high --looks 3");
        assert_eq!((high.looks, high.nprobe), (3, Effort::High.settings().nprobe));
        assert_eq!(high.least_entries, Effort::High.settings().least_entries);
        let low = typed("--effort low --nprobe 9 --looks auto");
        assert_eq!((low.nprobe, low.least_entries), (9, 0));
        assert!(Looks::from_str("0").is_err() && Looks::from_str("most").is_err());
    }

    #[test]
    fn e_values_are_finite_numbers_from_0_on() {
        assert_eq!((e_value("1e-6"), e_value("0")), (Ok(1e-6), Ok(0.0)));
        assert!(["-1", "inf", "nan", ""].iter().all(|text| e_value(text).is_err()));
    }
}

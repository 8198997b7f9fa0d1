//! Quantities that are measured at every size, with the goals of the collection.

use crate::sides::Numbers;

/// Unit of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unit {
    Seconds,
    PerSecond,
    Mebibytes,
    BytesPerEntry,
}

/// Goal of the collection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    None,
    /// At most this many times the bare index.
    TimesBare(f64),
    AtMost(f64),
    AtLeast(f64),
}

/// Largest time of opening, in seconds.
pub const OPENING: Goal = Goal::AtMost(0.1);
/// Largest time of finding, in times of the bare index's.
pub const FINDING: Goal = Goal::TimesBare(2.0);
/// Least number of entries that are added in a second.
pub const ADDING: Goal = Goal::AtLeast(20_000.0);
/// Largest memory beyond mapped pages, in MiB: 200 MB.
pub const MEMORY: Goal = Goal::AtMost(200e6 / 1_048_576.0);
/// Largest number of bytes on disk for each entry: 1.1 KB and 16 bytes.
pub const BYTES: Goal = Goal::AtMost(1116.0);

/// Row of the table: the number of each side for the same work.
pub struct Row {
    pub what: String,
    pub numbers: Numbers,
    pub unit: Unit,
    pub goal: Goal,
    pub note: String,
}

impl Row {
    /// The collection's number divided by the bare index's.
    pub fn times_bare(&self) -> Option<f64> {
        let [collection, bare, ..] = self.numbers;
        Some(collection? / bare?)
    }

    /// Returns false if the collection misses its goal.
    pub fn is_met(&self) -> bool {
        let own = self.numbers[0];
        match self.goal {
            Goal::None => true,
            Goal::TimesBare(most) => self.times_bare().is_some_and(|times| times <= most),
            Goal::AtMost(most) => own.is_some_and(|own| own <= most),
            Goal::AtLeast(least) => own.is_some_and(|own| own >= least),
        }
    }
}

impl Goal {
    /// The goal in words.
    pub fn text(self, unit: Unit) -> String {
        match self {
            Self::None => String::new(),
            Self::TimesBare(most) => format!("at most {most} times the bare index"),
            Self::AtMost(most) => format!("at most {}", unit.text(most)),
            Self::AtLeast(least) => format!("at least {}", unit.text(least)),
        }
    }
}

impl Unit {
    /// A number in this unit.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Seconds if value < 1e-3 => format!("{:.1} µs", 1e6 * value),
            Self::Seconds if value < 1.0 => format!("{:.2} ms", 1e3 * value),
            Self::Seconds => format!("{value:.2} s"),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::Mebibytes => format!("{value:.0} MiB"),
            Self::BytesPerEntry => format!("{value:.0} B"),
        }
    }
}

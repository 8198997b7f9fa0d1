//! The table, printed as it is measured.

use std::fmt;

use anyhow::Error;

use crate::pair::Pair;

/// Unit of a row; less is better.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    Seconds,
    Mebibytes,
    /// Mean squared distance, minimised by k-means and the quantisers.
    Distortion,
}

/// Goal of a row.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    None,
    /// faiss's number is at least this many times ours.
    Ratio(f64),
    /// Our number is at most this.
    AtMost(f64),
}

/// Row: both sides' numbers for the same work.
pub struct Row {
    pub what: String,
    pub pair: Pair,
    pub unit: Unit,
    pub target: Target,
    /// Note, such as the agreement of the answers.
    pub note: String,
}

/// Rows printed so far, and texts for below the table.
#[derive(Default)]
pub struct Report {
    headed: bool,
    threads: usize,
    missed: usize,
    pub failures: usize,
    /// Lines printed below the table.
    pub appendix: String,
    /// Lines of the table of growth.
    pub growth: String,
}

impl Report {
    /// Prints the header once, with the number of stored vectors and the versions of both sides, and sets the
    /// thread count of the following rows.
    pub fn begin(&mut self, n: usize, threads: usize, [ours, faiss]: [&str; 2]) {
        self.threads = threads;
        if !self.headed {
            println!("{n} vectors of 512 dimensions; medians of turns; above 1, ours is better");
            println!(
                "| what | threads | {ours} | {faiss} | ratio | target | note |\n|---|---|---|---|---|---|---|"
            );
            self.headed = true;
        }
    }

    pub fn row(&mut self, row: &Row) {
        let Row { what, pair, unit, target, note } = row;
        let (ours, faiss) = (unit.text(pair.ours), unit.text(pair.faiss));
        let verdict = if target.is_met(*pair) { "" } else { " **missed**" };
        self.missed += usize::from(!verdict.is_empty());
        let (threads, target) = (self.threads, target.text(*unit));
        println!(
            "| {what} | {threads} | {ours} | {faiss} | {:.2} | {target}{verdict} | {note} |",
            pair.ratio()
        );
    }

    /// Adds the peak memory of the finished stage.
    pub fn memory(&mut self, what: &str, pair: Pair) {
        let what = format!("{what}: peak memory");
        let note = "beyond the bare process".to_owned();
        self.row(&Row { what, pair, unit: Unit::Mebibytes, target: Target::None, note });
    }

    /// Prints the failure of a stage, by its name.
    pub fn fail(&mut self, stage: &str, error: &Error) {
        self.failures += 1;
        println!(
            "| {stage} | {} | | | | | failed: {} |",
            self.threads,
            format!("{error:#}").replace('|', "/")
        );
    }

    pub fn end(&self) {
        println!("{}\n{} targets missed, {} stages failed", self.appendix, self.missed, self.failures);
    }
}

impl Unit {
    fn text(self, value: f64) -> String {
        match self {
            Self::Seconds if value < 1e-3 => format!("{:.1} µs", 1e6 * value),
            Self::Seconds if value < 1.0 => format!("{:.2} ms", 1e3 * value),
            Self::Seconds => format!("{value:.2} s"),
            Self::Mebibytes => format!("{value:.0} MiB"),
            Self::Distortion => format!("{value:.5}"),
        }
    }
}

impl Target {
    fn is_met(self, pair: Pair) -> bool {
        match self {
            Self::None => true,
            Self::Ratio(least) => pair.ratio() >= least,
            Self::AtMost(most) => pair.ours <= most,
        }
    }

    fn text(self, unit: Unit) -> String {
        match self {
            Self::None => "-".to_owned(),
            Self::Ratio(least) => format!("{least:.3}"),
            Self::AtMost(most) => format!("at most {}", unit.text(most)),
        }
    }
}

/// Formats a count with separated thousands.
pub struct Thousands(pub f64);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:.0}", self.0.max(0.0));
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

//! Printed tables, and failed measurements.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Result, anyhow};

use crate::work::Work;

pub const IMAGES: &str = "\
| work | in | ours, images/s | PyTorch eager | PyTorch compiled | ours / the faster | our CPU | ours / it |
|---|---|---|---|---|---|---|---|";

pub const INDEXES: &str = "\
| work | ours, s | our CPU | faiss-cpu | faiss-cpu / ours |
|---|---|---|---|---|";

/// Seconds of a work, if known.
pub struct Measured {
    pub ours: Option<f64>,
    pub eager: Option<f64>,
    pub compiled: Option<f64>,
    pub own: Option<f64>,
}

/// Failures so far.
#[derive(Default)]
pub struct Table(Vec<String>);

impl Table {
    /// Returns the result of `work`; a failure, also a kernel's panic, is kept for the end.
    pub fn attempt<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Option<T> {
        let worked = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(anyhow!("panicked: {}", said.unwrap_or("without a word")))
        });
        worked.map_err(|error| self.0.push(format!("{name}: {error:#}"))).ok()
    }

    pub fn print_failures(mut self) {
        self.0.dedup();
        for (i, failure) in self.0.iter().enumerate() {
            let heading = if i == 0 { "\nNot measured:\n" } else { "" };
            println!("{heading}- {}", failure.lines().next().unwrap_or_default());
        }
    }
}

impl Work {
    pub fn images_row(&self, precision: &str, measured: &Measured) -> String {
        let Measured { ours, eager, compiled, own } = *measured;
        let rate = |seconds: Option<f64>| seconds.map(|seconds| self.batch() as f64 / seconds);
        let faster = [eager, compiled].into_iter().flatten().reduce(f64::min);
        let cells =
            [rate(ours), rate(eager), rate(compiled), ratio(faster, ours), rate(own), ratio(own, ours)];
        format!("| {} | {precision} | {} |", self.name(), cells.map(cell).join(" | "))
    }

    pub fn index_row(&self, ours: Option<f64>, own: Option<f64>, faiss: Option<f64>) -> String {
        format!("| {} | {} |", self.name(), [ours, own, faiss, ratio(faiss, ours)].map(cell).join(" | "))
    }
}

fn ratio(theirs: Option<f64>, ours: Option<f64>) -> Option<f64> {
    Some(theirs? / ours?)
}

fn cell(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.2}"))
}

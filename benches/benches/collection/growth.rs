//! Growth of all measures with the number of entries: a table and a picture.

use std::{fmt::Write, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    arguments::Arguments,
    data::{Data, script},
    sides::Numbers,
};

const COLUMNS: &str = "n,threads,measure,nprobe,collection,bare,faiss,lancedb\n";

/// Lines of the table.
#[derive(Default)]
pub struct Growth {
    lines: String,
}

impl Growth {
    /// Adds a line; a measure without cells has nprobe 0.
    pub fn add(&mut self, n: usize, threads: usize, (measure, nprobe): (&str, usize), numbers: Numbers) {
        let cells = numbers.map(|number| number.map_or_else(String::new, |value| format!("{value:.4e}")));
        let _ = writeln!(self.lines, "{n},{threads},{measure},{nprobe},{}", cells.join(","));
    }
}

/// Writes the table and its picture, into the book if asked for, else beside the data. Lines of an earlier table stay if
/// this run measured other numbers of entries, so that sizes can be measured in several runs.
pub fn draw(growth: &Growth, data: &Data, arguments: &Arguments) -> Result<()> {
    let folder = if arguments.draw { benches::root().join("docs") } else { data.folder.clone() };
    let (table, picture) = (folder.join("collection-growth.csv"), folder.join("collection-growth.svg"));
    fs::write(&table, format!("{COLUMNS}{}{}", kept(&table, &arguments.sizes), growth.lines))?;
    let mut plot = Command::new(&data.python);
    plot.arg(script("plot_collection_growth.py")).arg(&table).arg(&picture);
    let status = plot.status().context("cannot run PEER_PYTHON")?;
    ensure!(status.success(), "drawing {} failed: it needs matplotlib", picture.display());
    println!("\nwrote {} and {}", table.display(), picture.display());
    Ok(())
}

/// Lines of the table at `path` for numbers of entries that are not in `sizes`.
fn kept(path: &Path, sizes: &[usize]) -> String {
    let earlier = fs::read_to_string(path).unwrap_or_default();
    let of_this_run = |line: &str| sizes.iter().any(|n| line.starts_with(&format!("{n},")));
    earlier.split_inclusive('\n').skip(1).filter(|line| !of_this_run(line)).collect()
}

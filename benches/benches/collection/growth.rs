//! Growth of all measures with the number of entries: a table and a picture.

use std::{fmt::Write, process::Command};

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

/// Writes the table and its picture, into the book if asked for, else beside the data.
pub fn draw(growth: &Growth, data: &Data, arguments: &Arguments) -> Result<()> {
    let folder = if arguments.draw { benches::root().join("docs") } else { data.folder.clone() };
    let (table, picture) = (folder.join("collection-growth.csv"), folder.join("collection-growth.svg"));
    std::fs::write(&table, format!("{COLUMNS}{}", growth.lines))?;
    let mut plot = Command::new(&data.python);
    plot.arg(script("plot_collection_growth.py")).arg(&table).arg(&picture);
    let status = plot.status().context("cannot run PEER_PYTHON")?;
    ensure!(status.success(), "drawing {} failed: it needs matplotlib", picture.display());
    println!("\nwrote {} and {}", table.display(), picture.display());
    Ok(())
}

//! Growth of search time with the number of stored vectors.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    data::{Data, script},
    duel::Duel,
    pair::Pair,
    report::{Report, Row, Target, Unit},
    request::Request,
    workload::{GROWING, K, QUERIES, SINGLES},
};

const NPROBES: [usize; 3] = [1, 16, 64];
const COLUMNS: &str = "n,threads,measure,nprobe,ours,faiss\n";

pub fn run(duel: &mut Duel, report: &mut Report) -> Result<()> {
    for (n, file) in GROWING {
        duel.search_in(file)?;
        for nprobe in NPROBES {
            let batch = duel.measure(duel.short, &Request::Batch { nprobe, count: QUERIES, k: K })?;
            report.row(&row(format!("{n} codes: 10,000 queries, nprobe {nprobe}"), batch));
            let single = duel.measure(duel.short, &Request::Single { nprobe, count: SINGLES, k: K })?;
            report.row(&row(format!("{n} codes: one query, median, nprobe {nprobe}"), single));
            let [ours, faiss] = [batch.ours, batch.faiss].map(|seconds| QUERIES as f64 / seconds);
            let threads = duel.threads;
            report.growth += &format!("{n},{threads},batch,{nprobe},{ours:.1},{faiss:.1}\n");
            report.growth +=
                &format!("{n},{threads},single,{nprobe},{:.3e},{:.3e}\n", single.ours, single.faiss);
        }
    }
    Ok(())
}

fn row(what: String, pair: Pair) -> Row {
    Row { what, pair, unit: Unit::Seconds, target: Target::None, note: "random codes".to_owned() }
}

/// Writes `docs/search-growth.csv` and its picture if growth was measured.
pub fn draw(lines: &str, data: &Data) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let (table, picture) = (docs.join("search-growth.csv"), docs.join("search-growth.svg"));
    std::fs::write(&table, format!("{COLUMNS}{lines}"))?;
    let mut plot = Command::new(&data.python);
    plot.arg(script("plot_growth.py")).arg(&table).arg(&picture);
    let status = plot.status().context("cannot run PEER_PYTHON")?;
    ensure!(status.success(), "drawing {} failed: it needs matplotlib", picture.display());
    println!("\nwrote {} and {}", table.display(), picture.display());
    Ok(())
}

//! Least work of one query, beside the rates of this machine.
//!
//! The model is `IVF{nlist},PQ{m}x8` with squared L2 on residuals. As in faiss, `|c|^2 + 2 c.r` of every cell
//! and codeword is computed beforehand (`[nlist, m, ksub]` floats). A query then takes its products with all
//! codewords once, one addition per entry and visited cell, and `m` look-ups per code.

use std::fmt::Write;

use anyhow::Result;

use crate::{
    duel::Duel,
    report::Thousands,
    request::Request,
    workload::{D, K, NLIST, NPROBES, QUERIES, SINGLES},
};

const M: usize = 8;
const KSUB: usize = 256;
const FLOAT: usize = size_of::<f32>();

/// One part of a query's work.
struct Part {
    name: &'static str,
    /// Bytes read; those of the centroids are shared among the queries of a batch.
    bytes: f64,
    /// Float32 multiplications and additions, counted as for a matrix product.
    products: f64,
    /// Table look-ups, each with an addition in float32, or in int8 if tables are quantised.
    lookups: f64,
}

/// Measured limits of this machine at one thread count.
struct Machine {
    /// GB/s.
    bandwidth: f64,
    /// GFLOP/s of the faster side's matrix product.
    product: f64,
}

impl Machine {
    fn measure(duel: &mut Duel, out: &mut String) -> Result<Self> {
        let bandwidth = duel.ours.ask(&Request::Bandwidth)?;
        let product = duel.ask(&Request::Product)?;
        writeln!(
            out,
            "\nCost of a query, {} threads: memory {bandwidth:.1} GB/s; float32 matrix product \
             {:.0} GFLOP/s by burn, {:.0} by NumPy\n",
            duel.threads, product.ours, product.faiss
        )?;
        Ok(Self { bandwidth, product: product.ours.max(product.faiss) })
    }

    /// Lower bound of a part's time in seconds, without help from caches or fewer operations.
    fn least(&self, part: &Part) -> f64 {
        (part.bytes / self.bandwidth).max(part.products / self.product) / 1e9
    }
}

/// Lists the parts of a query at each nprobe beside the measured times.
pub fn run(duel: &mut Duel, out: &mut String) -> Result<()> {
    duel.search_in("ivfpq.faiss")?;
    let machine = Machine::measure(duel, out)?;
    writeln!(
        out,
        "| nprobe | part | bytes | f32 operations | look-ups | at least, µs |\n|---|---|---|---|---|---|"
    )?;
    for nprobe in NPROBES {
        let codes = duel.faiss.ask(&Request::Visited { nprobe, count: QUERIES })?;
        let parts = parts(nprobe, codes, QUERIES);
        for part in &parts {
            writeln!(out, "| {nprobe} | {} |", part.cells(&machine))?;
        }
        let least: f64 = parts.iter().map(|part| machine.least(part)).sum();
        writeln!(out, "| {nprobe} | {} | | | | {:.1} |", measured(duel, nprobe)?, 1e6 * least)?;
    }
    Ok(())
}

/// Parts of one query in a batch of `queries` that visits `codes` codes in `nprobe` cells.
fn parts(nprobe: usize, codes: f64, queries: usize) -> [Part; 3] {
    let (centroids, table) = (NLIST * D, M * KSUB);
    [
        Part {
            name: "coarse",
            bytes: (D * FLOAT) as f64 + (centroids * FLOAT) as f64 / queries as f64,
            products: 2.0 * centroids as f64,
            lookups: 0.0,
        },
        Part {
            name: "tables",
            bytes: (nprobe * table * FLOAT) as f64,
            products: (2 * KSUB * D + nprobe * table) as f64,
            lookups: 0.0,
        },
        Part { name: "scan", bytes: codes * M as f64, products: 0.0, lookups: codes * M as f64 },
    ]
}

impl Part {
    fn cells(&self, machine: &Machine) -> String {
        let [bytes, products, lookups] = [self.bytes, self.products, self.lookups].map(Thousands);
        let least = 1e6 * machine.least(self);
        format!("{} | {bytes} | {products} | {lookups} | {least:.1}", self.name)
    }
}

/// Time of a query on both sides in a batch and alone, in microseconds.
fn measured(duel: &mut Duel, nprobe: usize) -> Result<String> {
    let batch = duel.measure(duel.short, &Request::Batch { nprobe, count: QUERIES, k: K })?;
    let single = duel.measure(duel.short, &Request::Single { nprobe, count: SINGLES, k: K })?;
    let batched = |seconds: f64| 1e6 * seconds / QUERIES as f64;
    Ok(format!(
        "measured, µs: ours {:.1} in a batch, {:.1} alone; faiss {:.1} and {:.1}",
        batched(batch.ours),
        1e6 * single.ours,
        batched(batch.faiss),
        1e6 * single.faiss
    ))
}

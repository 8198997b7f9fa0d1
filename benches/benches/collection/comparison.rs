//! Measurements of every size.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{
    arguments::Arguments,
    data::Data,
    growth::Growth,
    measures::{ADDING, BYTES, FINDING, Goal, MEMORY, OPENING, Row, Unit},
    report::Report,
    request::Request,
    sides::{NAMES, Numbers, Sides},
};

/// Entries stored at a time.
const BLOCK: usize = 8192;
/// Matches asked for each query; the collection and its peers rank 100 codes by descriptors for them.
const K: usize = 10;
/// Queries of a batch.
const BATCH: usize = 1000;
/// Single queries whose median is one measurement.
const SINGLES: usize = 500;
/// Cells visited.
const NPROBES: [usize; 2] = [1, 16];
/// All sides but the bare index, which is made of the collection.
const STORES: [bool; NAMES.len()] = [true, false, true, true];
const ALL: [bool; NAMES.len()] = [true; NAMES.len()];

/// One run over all sizes.
struct Run<'a> {
    data: &'a Data,
    arguments: &'a Arguments,
    report: Report,
    growth: Growth,
    /// Entries so far.
    n: usize,
    /// State of the collection in words, when it is not the one that adding leaves. Its rows are left out of the growth.
    state: &'static str,
}

/// Measures all sizes, and prints the table.
pub fn run(data: &Data, arguments: &Arguments) -> Result<Growth> {
    let mut sides = Sides::start(data, arguments)?;
    Report::begin(&sides.versions(), arguments.threads);
    let (report, growth) = (Report::default(), Growth::default());
    let mut run = Run { data, arguments, report, growth, n: 0, state: "" };
    sides.ask(STORES, &Request::Create { quantiser: data.path("quantiser.faiss"), nlist: arguments.nlist });
    let mut failures = sides.failures.clone();
    drop(sides);
    for &n in &arguments.sizes {
        failures.extend(run.size(n)?);
    }
    failures.extend(run.compacted()?);
    run.report.end(&failures);
    Ok(run.growth)
}

impl Run<'_> {
    /// Grows to `n` entries and measures everything. Returns the failures of sides.
    fn size(&mut self, n: usize) -> Result<Vec<String>> {
        let mut sides = Sides::start(self.data, self.arguments)?;
        self.add(n, &mut sides);
        let bytes = sides.ask(STORES, &Request::Bytes).map(|bytes| bytes.map(|bytes| bytes / n as f64));
        self.row("bytes on disk, an entry", ("bytes", 0), bytes, (Unit::BytesPerEntry, BYTES));
        sides.collection(&Request::Export { to: self.bare() })?;
        let mut failures = std::mem::take(&mut sides.failures);
        drop(sides);
        // Fresh processes, whose memory is that of opening and finding alone.
        failures.extend(self.find(self.arguments)?);
        Ok(failures)
    }

    fn add(&mut self, n: usize, sides: &mut Sides) {
        let (first, count) = (self.n, n - self.n);
        let request = Request::Add { vectors: self.data.path("base.f16"), first, count, block: BLOCK };
        let seconds = sides.ask(STORES, &request);
        self.n = n;
        let rate = seconds.map(|seconds| seconds.map(|seconds| count as f64 / seconds));
        self.row("adding", ("add", 0), rate, (Unit::PerSecond, ADDING));
        let settled = sides.ask([false, false, true, true], &Request::Settle);
        self.row("training, merging", ("settle", 0), settled, (Unit::Seconds, Goal::None));
    }

    /// Opening, finding and the memory for both, in fresh processes.
    fn find(&mut self, arguments: &Arguments) -> Result<Vec<String>> {
        let mut sides = Sides::start(self.data, arguments)?;
        sides.ask(ALL, &Request::Open);
        sides.ask(ALL, &Request::Load { path: self.data.path("query.f16"), count: BATCH });
        sides.ask(ALL, &Request::Batch { nprobe: 16, count: BATCH, k: K });
        let memory = sides.ask(ALL, &Request::Memory);
        self.row("memory beyond mapped pages", ("memory", 0), memory, (Unit::Mebibytes, MEMORY));
        let opening = sides.measure(&Request::Open);
        self.row("opening", ("open", 0), opening, (Unit::Seconds, OPENING));
        for nprobe in NPROBES {
            let note = self.answers(nprobe, &mut sides)?;
            let single = sides.measure(&Request::Single { nprobe, count: SINGLES, k: K });
            self.found("one query", ("single", nprobe), single, &note);
            let batch = sides.measure(&Request::Batch { nprobe, count: BATCH, k: K });
            self.found("1,000 queries at once", ("batch", nprobe), batch, &note);
        }
        Ok(sides.failures)
    }

    fn found(&mut self, what: &str, measure: (&str, usize), numbers: Numbers, note: &str) {
        let what = format!("{what}, nprobe {}", measure.1);
        self.put(Row { what, numbers, unit: Unit::Seconds, goal: FINDING, note: note.to_owned() }, measure);
    }

    /// Bytes, opening and finding once all entries are in one segment; our sides only.
    fn compacted(&mut self) -> Result<Vec<String>> {
        self.state = ", compacted";
        let mut sides = Sides::start(self.data, self.arguments)?;
        let seconds = sides.collection(&Request::Compact)?;
        let bytes = sides.collection(&Request::Bytes)? / self.n as f64;
        drop(sides);
        let only = |number| [Some(number), None, None, None];
        self.row("compacting", ("compact", 0), only(seconds), (Unit::Seconds, Goal::None));
        self.row("bytes on disk, an entry", ("bytes", 0), only(bytes), (Unit::BytesPerEntry, BYTES));
        let mut arguments = self.arguments.clone();
        arguments.peers.clear();
        self.find(&arguments)
    }

    /// Share of the queries whose stored vector each side finds first.
    fn answers(&self, nprobe: usize, sides: &mut Sides) -> Result<String> {
        let to = PathBuf::from("answers.i64");
        let answered = sides.ask(ALL, &Request::Answers { nprobe, count: BATCH, k: K, to: to.clone() });
        let truth = read_ids(&self.data.path("truth.i64"))?;
        let mut shares = Vec::new();
        for (name, _) in NAMES.into_iter().zip(answered).filter(|(_, answered)| answered.is_some()) {
            let found = read_ids(&self.data.folder.join(name).join(&to))?;
            let right = found.iter().zip(&truth).filter(|(found, truth)| found == truth).count();
            shares.push(format!("{name} {:.3}", right as f64 / BATCH as f64));
        }
        Ok(format!("right first: {}", shares.join(", ")))
    }

    fn row(&mut self, what: &str, measure: (&str, usize), numbers: Numbers, (unit, goal): (Unit, Goal)) {
        self.put(Row { what: what.to_owned(), numbers, unit, goal, note: String::new() }, measure);
    }

    /// Prints a row, and keeps it for the growth.
    fn put(&mut self, mut row: Row, measure: (&str, usize)) {
        row.what += self.state;
        self.report.row(self.n, &row);
        if self.state.is_empty() {
            self.growth.add(self.n, self.arguments.threads, measure, row.numbers);
        }
    }

    fn bare(&self) -> PathBuf {
        self.data.path("bare").join("bare.faiss")
    }
}

/// Reads a file of i64.
fn read_ids(path: &Path) -> Result<Vec<i64>> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    Ok(bytemuck::pod_collect_to_vec(&bytes))
}

//! Measurements of each stage and their goals.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::{
    cost,
    data::read_ids,
    duel::Duel,
    growth,
    pair::Pair,
    report::{Report, Row, Target, Unit},
    request::Request,
    stage::Stage,
    workload::{K, LARGE, NLIST, NPROBES, QUERIES, SINGLES},
};

/// Number of queries for LSH, which compares every code.
const LSH_QUERIES: usize = 1000;
/// Vectors added at a time.
const ADD_BLOCK: usize = 65_536;
/// Training vectors of k-means, which uses all of them: 64 per centroid.
const KMEANS_TRAINING: usize = 64 * NLIST;
/// Training vectors of product quantisers, which use all of them: 256 per codeword.
const PQ_TRAINING: usize = 65_536;
/// Allowed distortion relative to faiss's: one part in a hundred more.
const WITHIN_1_PERCENT: f64 = 1.0 / 1.01;
/// Allowed distortion relative to faiss's: one part in two hundred more.
const WITHIN_HALF_PERCENT: f64 = 1.0 / 1.005;

/// Runs one stage and reports its rows.
pub fn run(stage: Stage, duel: &mut Duel, report: &mut Report) -> Result<()> {
    match stage {
        Stage::Search => {
            let targets = [Target::Ratio(1.25), Target::None, Target::Ratio(3.0), Target::Ratio(3.0)];
            Batches { name: "IVF4096,PQ8x8", file: "ivfpq.faiss", targets }.run(duel, report)
        }
        Stage::Single => single(duel, report),
        Stage::Fastscan => {
            let targets = [Target::Ratio(1.0); 4];
            Batches { name: "IVF4096,PQ64x4fs", file: "fastscan.faiss", targets }.run(duel, report)
        }
        Stage::Lsh => lsh(duel, report),
        Stage::Kmeans => KMEANS.run(duel, report),
        Stage::Pq => PQ.run(duel, report),
        Stage::Opq => OPQ.run(duel, report),
        Stage::Add => add(duel, report),
        Stage::Open => open(duel, report),
        Stage::Cost => cost::run(duel, &mut report.appendix),
        Stage::Growth => growth::run(duel, report),
    }
}

/// Batches of all queries against one inverted file.
struct Batches {
    name: &'static str,
    file: &'static str,
    /// For each of [`NPROBES`].
    targets: [Target; 4],
}

impl Batches {
    fn run(&self, duel: &mut Duel, report: &mut Report) -> Result<()> {
        duel.search_in(self.file)?;
        for (nprobe, target) in NPROBES.into_iter().zip(self.targets) {
            let pair = duel.measure(duel.short, &Request::Batch { nprobe, count: QUERIES, k: K })?;
            let note = agreement(duel, nprobe, QUERIES)?;
            let what = format!("{}: 10,000 queries, nprobe {nprobe}", self.name);
            report.row(&Row { what, pair, unit: Unit::Seconds, target, note });
        }
        report.memory(self.name, duel.memory()?);
        Ok(())
    }
}

fn single(duel: &mut Duel, report: &mut Report) -> Result<()> {
    duel.search_in("ivfpq.faiss")?;
    for nprobe in [1, 16] {
        let pair = duel.measure(duel.short, &Request::Single { nprobe, count: SINGLES, k: K })?;
        let note = agreement(duel, nprobe, SINGLES)?;
        let what = format!("IVF4096,PQ8x8: one query, median, nprobe {nprobe}");
        report.row(&Row { what, pair, unit: Unit::Seconds, target: Target::Ratio(2.0), note });
    }
    report.memory("IVF4096,PQ8x8, one query", duel.memory()?);
    Ok(())
}

fn lsh(duel: &mut Duel, report: &mut Report) -> Result<()> {
    duel.search_in("lsh.faiss")?;
    let pair = duel.measure(duel.short, &Request::Batch { nprobe: 1, count: LSH_QUERIES, k: K })?;
    let note = agreement(duel, 1, LSH_QUERIES)?;
    let what = "LSH 512: 1000 queries".to_owned();
    report.row(&Row { what, pair, unit: Unit::Seconds, target: Target::Ratio(1.5), note });
    report.memory("LSH 512", duel.memory()?);
    Ok(())
}

/// Measures a training and the distortion of its result.
struct Training {
    name: &'static str,
    vectors: &'static str,
    count: usize,
    factory: &'static str,
    iterations: usize,
    max_points_per_centroid: usize,
    time: Target,
    distortion: Target,
}

const KMEANS: Training = Training {
    name: "k-means 4096, 10 iterations",
    vectors: "base.f32",
    count: KMEANS_TRAINING,
    factory: "IVF4096,Flat",
    iterations: 10,
    max_points_per_centroid: KMEANS_TRAINING / NLIST,
    time: Target::Ratio(1.0 / 0.75),
    distortion: Target::Ratio(WITHIN_HALF_PERCENT),
};

/// Training on residuals, which a single coarse cell hardly changes.
const PQ: Training = Training {
    name: "PQ8x8 on residuals, 25 iterations",
    vectors: "residuals.f32",
    count: PQ_TRAINING,
    factory: "IVF1,PQ8x8",
    iterations: 25,
    max_points_per_centroid: 256,
    time: Target::None,
    distortion: Target::Ratio(WITHIN_1_PERCENT),
};

const OPQ: Training = Training {
    name: "OPQ8 and PQ8x8, 10 iterations",
    vectors: "base.f32",
    count: PQ_TRAINING,
    factory: "OPQ8,IVF1,PQ8x8",
    iterations: 10,
    max_points_per_centroid: 256,
    time: Target::None,
    distortion: Target::Ratio(WITHIN_1_PERCENT),
};

impl Training {
    fn run(&self, duel: &mut Duel, report: &mut Report) -> Result<()> {
        let count = duel.ask(&Request::Load { path: duel.path(self.vectors), count: self.count })?;
        let pair = duel.measure(duel.long, &self.request())?;
        let what = format!("{}: training", self.name);
        let note = format!("{} vectors", count.ours);
        report.row(&Row { what, pair, unit: Unit::Seconds, target: self.time, note });
        report.memory(self.name, duel.memory()?);
        let pair = self.distortion(duel)?;
        let what = format!("{}: mean squared error", self.name);
        let note = "both evaluated by faiss".to_owned();
        report.row(&Row { what, pair, unit: Unit::Distortion, target: self.distortion, note });
        Ok(())
    }

    fn request(&self) -> Request {
        let Self { factory, iterations, max_points_per_centroid, .. } = *self;
        Request::Train { factory: factory.to_owned(), iterations, max_points_per_centroid, to: self.file() }
    }

    fn distortion(&self, duel: &mut Duel) -> Result<Pair> {
        let [ours, faiss] = [&duel.ours, &duel.faiss].map(|side| side.folder.join(self.file()));
        let ours = duel.faiss.ask(&Request::Distortion { index: ours })?;
        Ok(Pair { ours, faiss: duel.faiss.ask(&Request::Distortion { index: faiss })? })
    }

    fn file(&self) -> PathBuf {
        format!("{}.faiss", self.factory).into()
    }
}

fn add(duel: &mut Duel, report: &mut Report) -> Result<()> {
    let (count, to) = (duel.data.n, PathBuf::from("added.faiss"));
    let [index, vectors] = ["empty.faiss", "base.f32"].map(|name| duel.path(name));
    let request = Request::Add { index, vectors, count, block: ADD_BLOCK, to: to.clone() };
    let pair = duel.measure(duel.long, &request)?;
    let memory = duel.memory()?;
    let [ours, theirs] = [&duel.ours, &duel.faiss].map(|side| side.folder.join(&to));
    let equal = duel.faiss.ask(&Request::Agreement { ours, theirs })?;
    let what = format!("IVF4096,PQ8x8: add {count} in blocks of {ADD_BLOCK}");
    let note = format!("equal codes {:.3} %", 100.0 * equal);
    report.row(&Row { what, pair, unit: Unit::Seconds, target: Target::Ratio(1.3), note });
    report.memory("IVF4096,PQ8x8: add", memory);
    Ok(())
}

fn open(duel: &mut Duel, report: &mut Report) -> Result<()> {
    let path = duel.path(LARGE);
    let note = format!("{:.2} GB, in the page cache", std::fs::metadata(&path)?.len() as f64 / 1e9);
    duel.ask(&Request::Load { path: duel.path("query.f32"), count: 1 })?;
    let request = |queries| Request::Open { path: path.clone(), queries };
    let pair = duel.measure(duel.short, &request(0))?;
    let what = "open a large IVF4096,PQ8x8".to_owned();
    report.row(&Row { what, pair, unit: Unit::Seconds, target: Target::AtMost(0.05), note: note.clone() });
    report.memory("open a large IVF4096,PQ8x8", duel.memory()?);
    let pair = duel.measure(duel.short, &request(1))?;
    let what = "open it and answer one query, nprobe 16".to_owned();
    report.row(&Row { what, pair, unit: Unit::Seconds, target: Target::None, note });
    Ok(())
}

/// Agreement of the sides: recall of the vector each query was made from, and the share of equal first ids.
fn agreement(duel: &mut Duel, nprobe: usize, count: usize) -> Result<String> {
    let to = PathBuf::from("answers.i64");
    duel.ask(&Request::Answers { nprobe, count, k: K, to: to.clone() })?;
    let truth = read_ids(&duel.path("truth.i64"))?;
    let ours = read_ids(&duel.ours.folder.join(&to))?;
    let faiss = read_ids(&duel.faiss.folder.join(&to))?;
    ensure!(ours.len() == count * K && faiss.len() == count * K, "answers of another size");
    let recall = |ids: &[i64]| share(ids.chunks_exact(K).zip(&truth).map(|(found, id)| found.contains(id)));
    let firsts = ours.chunks_exact(K).zip(faiss.chunks_exact(K));
    let equal = share(firsts.map(|(ours, faiss)| ours[0] == faiss[0]));
    let (ours, faiss) = (recall(&ours), recall(&faiss));
    Ok(format!("recall at {K} {ours:.4} and {faiss:.4}, equal first ids {:.2} %", 100.0 * equal))
}

fn share(holds: impl ExactSizeIterator<Item = bool>) -> f64 {
    let n = holds.len();
    holds.filter(|&holds| holds).count() as f64 / n as f64
}

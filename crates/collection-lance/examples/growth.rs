//! Measures a collection in a Lance dataset: appending, indexing, compaction, finds and bytes.
//!
//! `growth ADDRESS N train:NLIST:M:D|QUANTISER.faiss [NPROBE..]` makes a collection of `N` random unit vectors, and finds
//! entries from noisy copies of them. A collection that is there is measured as it is.

#![allow(clippy::print_stdout, missing_docs, reason = "a program that prints what it measured")]

use std::{
    env,
    error::Error,
    path::Path,
    time::{Duration, Instant},
};

use active_index_collection_lance as collection_lance;
use burn::tensor::{Device, Tensor, TensorData};
use collection::{Collection, FindSettings, NewEntry};
use index::{Index, TrainConfig};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Entries stored at a time.
const BATCH: usize = 65_536;
/// Queries of each measurement, one at a time.
const QUERIES: usize = 200;
/// Length of the noise of a query.
const NOISE: f32 = 0.3;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, n, quantiser, nprobes @ ..] = arguments.as_slice() else {
        return Err("growth ADDRESS N train:NLIST:M:D|QUANTISER.faiss [NPROBE..]".into());
    };
    let (n, device) = (n.parse::<usize>()?, Device::flex());
    let nprobes: Vec<usize> = nprobes.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    if collection_lance::open(address, &device).is_err() {
        make(address, n, &trained(quantiser, &device)?)?;
    }
    let shop = Collection::new(collection_lance::open(address, &device)?);
    let d = shop.description().d;
    let info = shop.info()?;
    println!("entries {} segments {} outside {} bytes {}", info.live, info.segments, info.fresh, info.bytes);
    for nprobe in nprobes {
        let cold = Collection::new(collection_lance::open(address, &device)?);
        let settings = FindSettings { k: 10, nprobe, ..FindSettings::default() };
        for (name, seed) in [("cold", 1), ("again", 1), ("warm", 1)] {
            measure(&cold, name, &settings, d, seed)?;
        }
    }
    Ok(())
}

/// Quantiser of a file, or one that is trained on random vectors.
fn trained(name: &str, device: &Device) -> Result<Index, Box<dyn Error>> {
    let Some(kind) = name.strip_prefix("train:") else { return Ok(Index::open(Path::new(name), device)?) };
    let numbers: Vec<usize> = kind.split(':').map(str::parse).collect::<Result<_, _>>()?;
    let [nlist, m, d] = *numbers else { return Err("train:NLIST:M:D".into()) };
    let vectors = tensor(&vectors(nlist * 16, d, 99), d);
    let config = TrainConfig { iterations: 4, ..TrainConfig::default() };
    Ok(Index::train(&format!("IVF{nlist},PQ{m}x8").parse()?, vectors, &config)?)
}

fn make(address: &str, n: usize, quantiser: &Index) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let shop = Collection::new(collection_lance::create(address, quantiser, None)?);
    // Indexed at the end, so that each step is measured by itself.
    shop.set_segment_entries(usize::MAX >> 1)?;
    println!("created {:.2} s", began.elapsed().as_secs_f64());
    let (d, began) = (quantiser.d(), Instant::now());
    let (mut making, mut done) = (Duration::ZERO, 0);
    while done < n {
        let count = BATCH.min(n - done);
        let from = Instant::now();
        let rows: Vec<f32> = (done..done + count).flat_map(|number| vector(number, d)).collect();
        let rows = tensor(&rows, d);
        making += from.elapsed();
        let entries: Vec<NewEntry> =
            (done..done + count).map(|i| NewEntry::added(format!("{i}.jpg"), None)).collect();
        shop.store(&entries, rows)?;
        done += count;
    }
    let seconds = (began.elapsed() - making).as_secs_f64();
    println!("appended {n} in {seconds:.1} s, {:.0} per second", n as f64 / seconds);
    let began = Instant::now();
    shop.compact()?;
    println!("indexed and compacted in {:.1} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    shop.compact()?;
    println!("compacted again in {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// Times finds of noisy copies, one at a time.
fn measure(
    shop: &Collection,
    name: &str,
    settings: &FindSettings,
    d: usize,
    seed: u64,
) -> Result<(), Box<dyn Error>> {
    let n = shop.searchable()? as usize;
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut times, mut found) = (Vec::with_capacity(QUERIES), 0);
    for _ in 0..QUERIES {
        let number = rng.random_range(0..n);
        let mut query = vector(number, d);
        let noise = vectors(1, d, rng.random());
        query.iter_mut().zip(noise).for_each(|(value, noise)| *value += NOISE * noise);
        let query = tensor(&query, d);
        let began = Instant::now();
        let matches = shop.find(query, settings)?;
        times.push(began.elapsed());
        found += usize::from(matches[0].first().is_some_and(|first| first.cosine > 0.9));
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let (p50, p99, recall) = (at(0.5), at(0.99), found as f64 / QUERIES as f64);
    println!("{name} nprobe {} p50 {p50:.3} ms p99 {p99:.3} ms found {recall:.3}", settings.nprobe);
    Ok(())
}

/// Descriptor of the entry of a number.
fn vector(number: usize, d: usize) -> Vec<f32> {
    vectors(1, d, number as u64 + 1000)
}

/// `n` random unit vectors of a seed.
fn vectors(n: usize, d: usize, seed: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut rows = Vec::with_capacity(n * d);
    for _ in 0..n {
        let row: Vec<f32> = (0..d).map(|_| (0..4).map(|_| rng.random_range(-1.0..1.0f32)).sum()).collect();
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        rows.extend(row.iter().map(|x| x / length));
    }
    rows
}

fn tensor(rows: &[f32], d: usize) -> Tensor<2> {
    Tensor::from_data(TensorData::new(rows.to_vec(), [rows.len() / d, d]), &Device::flex())
}

//! Calibrates a collection of descriptors and counts the results of queries without a match, beside the promised shares.
//!
//! ```text
//! cargo run --release -p active-index-find --example promised_shares -- QUANTISER.faiss ENTRIES.npy BACKGROUND.npy QUERIES.npy
//! ```
//!
//! `BACKGROUND.npy` may be `entries`, for a calibration by the entries themselves.

use std::{error::Error, path::Path};

use active_index_find::{Calibrator, Finder, Settings, promised_share};
use burn::tensor::Device;
use collection::{Collection, NewEntry};
use device_math::transfer::{download, upload_rows};
use index::{Index, npy};

/// Entries that are stored at once.
const BLOCK: usize = 4096;
/// Entries that stand for the background where none is given.
const OWN: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [quantiser, entries, background, queries] = &arguments[..] else {
        return Err("expected QUANTISER.faiss ENTRIES.npy BACKGROUND.npy QUERIES.npy".into());
    };
    let folder = tempfile::tempdir()?;
    let quantiser = Index::open(Path::new(quantiser), &Device::flex())?;
    let collection = Collection::create(&folder.path().join("collection"), &quantiser)?;
    for block in rows(entries)?.chunks(BLOCK) {
        let new: Vec<NewEntry> = block.iter().map(|_| NewEntry::added("", None)).collect();
        collection.store(&new, upload_rows(block, &Device::flex()))?;
    }
    let queries = rows(queries)?;
    for nprobe in [1, 4, 16] {
        report(&collection, background, &queries, nprobe)?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example prints its result")]
fn report(
    collection: &Collection,
    background: &str,
    queries: &[Vec<f32>],
    nprobe: usize,
) -> Result<(), Box<dyn Error>> {
    let settings = Settings {
        looks: 1,
        nprobe,
        least_entries: 0,
        max_e: 0.0,
        possible_e: f64::INFINITY,
        ..Settings::default()
    };
    let mut calibrator = Calibrator::new(collection, &settings)?;
    match background {
        "entries" => calibrator.add_entries(OWN, 1)?,
        file => calibrator.add_descriptors(rows(file)?),
    }
    let calibration = calibrator.finish(0)?;
    println!("{calibration}; {:.4} a decade", calibration.decade());
    let finder = Finder::new(collection, settings)?.with_calibration(calibration);
    let answers = finder.find_descriptors(queries.to_vec())?;
    for e in [0.001, 0.01, 0.1, 1.0] {
        let first = |answer: &active_index_find::Answer| answer.matches.first().map(|first| first.e_value);
        let seen = answers.iter().filter(|answer| first(answer).is_some_and(|found| found <= e)).count();
        let n = answers.len();
        let cosine = finder.calibration().cosine_for(e, collection.searchable()?, 1, nprobe);
        let promised = promised_share(e) * n as f64;
        println!("nprobe {nprobe}, E <= {e}: {seen} of {n}, {promised:.1} promised; cosine {cosine:.3}");
    }
    Ok(())
}

/// Rows of a file of descriptors.
fn rows(path: &str) -> Result<Vec<Vec<f32>>, Box<dyn Error>> {
    let tensor = npy::read_descriptors(Path::new(path), &Device::flex())?;
    let [_, d] = tensor.dims();
    Ok(download(tensor)?.chunks_exact(d).map(<[f32]>::to_vec).collect())
}

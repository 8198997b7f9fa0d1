//! Time that a lookup costs beyond the descriptions of its views, among a million entries, on one thread.
//!
//! ```text
//! cargo bench -p benches --bench find
//! cargo bench -p benches --bench find -- --collection target/bench-data/collection-1000000-4096/collection/collection --photos samples
//! ```
//!
//! The collection is that of the benchmark `collection`, which makes it first. Every entry has a witness: that of one of the
//! photographs' first half, read from a second collection in the same way. Unrelated queries are of the second half.
//! Descriptors come from a stand-in for the network, so that times are those of everything else: planning and making of
//! views, searches, comparisons.
#![expect(clippy::print_stdout, reason = "benchmarks print their tables")]

mod stand_in;

use std::{path::PathBuf, time::Instant};

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use clap::Parser;
use collection::Collection;
use find::{Answer, Finder, Query, Settings};
use image::RgbImage;
use image_file::Reader;

use crate::stand_in::{Shared, StandIn};

/// Longest side of a query in pixels, as `find` reads it.
const LONGEST: u32 = 1024;

/// Settings of the benchmark.
#[derive(Debug, Parser)]
struct Arguments {
    /// Collection that is searched
    #[arg(long, default_value = "target/bench-data/collection-1000000-4096/collection/collection")]
    collection: PathBuf,
    /// Folder of photographs
    #[arg(long, default_value = "samples")]
    photos: PathBuf,
    /// Lookups of each kind
    #[arg(long, default_value_t = 40)]
    lookups: usize,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// Medians over lookups, in milliseconds.
struct Cost {
    looks: f64,
    cells: f64,
    comparisons: f64,
    views: f64,
    search: f64,
    witness: f64,
    all: f64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    let path = benches::root().join(&arguments.collection);
    let collection = Collection::open(&path, &Device::flex())
        .context("the benchmark `collection` makes it: `cargo bench -p benches --bench collection`")?;
    let photographs = photographs(&benches::root().join(&arguments.photos))?;
    let (kept, others) = photographs.split_at(photographs.len() / 2);
    let shared = Shared::new(kept, collection.quantiser())?;
    let settings = Settings { explain: true, ..Settings::default() };
    let finder = Finder::new(&collection, settings)?.with_witnesses(&shared);
    let entries = collection.searchable()?;
    println!(
        "{entries} entries, {} photographs, one thread, medians of {} lookups",
        photographs.len(),
        arguments.lookups
    );
    println!("| query | looks | cells | compared | views ms | search ms | witness ms | all ms |");
    println!("|---|---|---|---|---|---|---|---|");
    let known = collection.sample(arguments.lookups, 1)?;
    let mut cases = [
        ("confirmed by its cosine", kept, StandIn::near(&known, 0.9)),
        ("confirmed by the picture in the first look", kept, StandIn::near(&known, 0.3)),
        ("nothing confirms", others, StandIn::unrelated(known.len(), collection.description().d)),
    ];
    for (name, pictures, network) in &mut cases {
        let mut costs = Vec::new();
        // The first round brings the pages that are visited into memory, and is not counted.
        for _round in 0..2 {
            costs.clear();
            for (number, (id, _)) in known.iter().enumerate() {
                // The entry's witness is that of this photograph, if it is one of the first half.
                let query = Query::picture(cropped(&pictures[shared.photograph(*id) % pictures.len()]));
                network.turn_to(number);
                let started = Instant::now();
                let answer = finder.find(std::slice::from_ref(&query), network)?.remove(0);
                costs.push((started.elapsed().as_secs_f64(), answer));
            }
        }
        println!("| {name} {}", Cost::of(&costs).row());
    }
    Ok(())
}

impl Cost {
    fn of(costs: &[(f64, Answer)]) -> Self {
        let median = |of: &dyn Fn(&(f64, Answer)) -> f64| {
            let mut values: Vec<f64> = costs.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        Self {
            looks: median(&|(_, answer)| answer.looks as f64),
            cells: median(&|(_, answer)| answer.cells as f64),
            comparisons: median(&|(_, answer)| answer.comparisons as f64),
            views: median(&|(_, answer)| 1e3 * answer.times.network.as_secs_f64()),
            search: median(&|(_, answer)| 1e3 * answer.times.search.as_secs_f64()),
            witness: median(&|(_, answer)| 1e3 * answer.times.witness.as_secs_f64()),
            all: median(&|(seconds, _)| 1e3 * seconds),
        }
    }

    fn row(&self) -> String {
        let Self { looks, cells, comparisons, views, search, witness, all } = self;
        format!("| {looks} | {cells} | {comparisons} | {views:.1} | {search:.1} | {witness:.1} | {all:.1} |")
    }
}

/// Photographs of a folder, as large as lookups see them.
fn photographs(folder: &std::path::Path) -> Result<Vec<RgbImage>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for file in folder.read_dir().with_context(|| folder.display().to_string())? {
        paths.push(file?.path());
    }
    paths.sort();
    let reader = Reader::default();
    let open = |path: &PathBuf| reader.open(path).ok().map(|picture| picture.pixels.into_reduced(LONGEST));
    let photographs: Vec<RgbImage> = paths.iter().filter_map(open).collect();
    ensure!(photographs.len() >= 2, "{}: has fewer than two photographs", folder.display());
    Ok(photographs)
}

/// Central half of a picture's area: a copy that its witness confirms.
fn cropped(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let (w, h) = (width * 7 / 10, height * 7 / 10);
    image::imageops::crop_imm(picture, (width - w) / 2, (height - h) / 2, w, h).to_image()
}

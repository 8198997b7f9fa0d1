//! `eval retrieval`: how many edited copies an index finds.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use eval::{Comparison, Setting, quality::Quality, retrieval::Measures};
use image::RgbImage;
use index::{Index, npy};
use rand::{SeedableRng, seq::IteratorRandom};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::activate::{Pair, Releaser, plan};
use crate::{
    Outcome,
    args::{EvalRetrieval, Format, Globals},
    engine::Engine,
    files::write_whole,
    images::{self, Input},
    output::{Output, SCHEMA},
    progress,
    table::{decimal, table},
};

/// Edits compared with a progress bar.
pub fn compare(
    engine: &Engine,
    setting: &Setting<'_>,
    originals: &[&RgbImage],
    released: Option<&[&RgbImage]>,
) -> Result<Comparisons> {
    let sides = if released.is_some() { 2 } else { 1 };
    let bar = progress::bar(setting.transforms.len() * originals.len() * sides, "editing and searching");
    let describe = |images: &[&RgbImage]| engine.describe(images);
    let rows = setting.compare(originals, released, &describe, &|n| bar.inc(n as u64))?;
    bar.finish_and_clear();
    Ok(Comparisons { nprobe: setting.nprobe, rows })
}

/// What all edits do to retrieval.
pub struct Comparisons {
    nprobe: usize,
    pub rows: Vec<Comparison>,
}

impl Comparisons {
    fn mean(&self, measure: impl Fn(&Comparison) -> Option<f64>) -> Option<f64> {
        let values = self.rows.iter().map(measure).collect::<Option<Vec<_>>>()?;
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }

    /// The table of the main job.
    pub fn before_and_after(&self) -> String {
        let row = |name: String, queries: String, before, after: Option<f64>| {
            vec![name, queries, decimal(before, 2), decimal(after, 2)]
        };
        let edits = self.rows.iter().map(|c| {
            let after = c.released.as_ref().map(|m| m.r1);
            row(c.transform.to_string(), c.passive.queries.to_string(), Some(c.passive.r1), after)
        });
        let before = self.mean(|c| Some(c.passive.r1));
        let mean =
            row("mean".to_owned(), String::new(), before, self.mean(|c| Some(c.released.as_ref()?.r1)));
        let headings = ["edited copies found", "queries", "R@1 originals", "R@1 released"];
        format!("{}\nnprobe {}", table(&headings, 1, edits.chain([mean])), self.nprobe)
    }
}

impl Serialize for Comparisons {
    /// As `retrieval` of `activate --json`.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let transform = |c: &Comparison| {
            let after = c.released.as_ref().map(|m| m.r1);
            let (name, param) = (c.transform.name(), c.transform.param());
            serde_json::json!({ "name": name, "param": param, "queries": c.passive.queries,
                "before": c.passive.r1, "after": after })
        };
        let transforms: Vec<_> = self.rows.iter().map(transform).collect();
        let before = self.mean(|c| Some(c.passive.r1));
        let after = self.mean(|c| Some(c.released.as_ref()?.r1));
        let mean = serde_json::json!({ "before": before, "after": after });
        serde_json::json!({ "nprobe": self.nprobe, "mean": mean, "transforms": transforms })
            .serialize(serializer)
    }
}

pub fn retrieval(arguments: &EvalRetrieval, globals: &Globals, output: &Output) -> Result<Outcome> {
    let engine = Engine::start(globals, output)?;
    let mut index = engine.index(Some(&arguments.index))?;
    let inputs = sample(images::find(&arguments.images)?, arguments);
    let released_folder = arguments.released.clone().unwrap_or_else(|| "activated".into());
    if arguments.activate {
        release(&engine, &index, &inputs, &released_folder, arguments, output)?;
    }
    let compares = arguments.activate || arguments.released.is_some();
    let pairs = load(&inputs, compares.then_some(released_folder.as_path()))?;

    for path in &arguments.distractors {
        index
            .add(npy::read_descriptors(path, &engine.device)?)
            .with_context(|| path.display().to_string())?;
    }
    let distractors = index.ntotal();
    let originals: Vec<&RgbImage> = pairs.originals.iter().collect();
    let released: Option<Vec<&RgbImage>> = pairs.released.as_ref().map(|images| images.iter().collect());
    let truth: Vec<i64> = index.add(engine.describe_batches(&originals)?)?.collect();
    let setting = Setting {
        index: &index,
        truth: &truth,
        transforms: &arguments.transforms.0,
        nprobe: arguments.nprobe.get(),
        seed: arguments.optimisation.seed,
    };
    let comparisons = compare(&engine, &setting, &originals, released.as_deref())?;
    let document = Document::new(&comparisons, originals.len(), distractors, pairs.qualities()?);
    output.result(&document, || document.text())?;
    if let Some(path) = &arguments.csv {
        write_whole(path, |file| Ok(file.write_all(document.csv().as_bytes())?))?;
    }
    Ok(Outcome::Done)
}

/// The originals to evaluate: all of them, or some drawn by the seed, in their order.
fn sample(inputs: Vec<Input>, arguments: &EvalRetrieval) -> Vec<Input> {
    let Some(n) = arguments.sample else { return inputs };
    let mut rng = ChaCha8Rng::seed_from_u64(arguments.optimisation.seed);
    let mut drawn = inputs.into_iter().sample(&mut rng, n.get());
    drawn.sort();
    drawn
}

fn release(
    engine: &Engine,
    index: &Index,
    inputs: &[Input],
    folder: &Path,
    arguments: &EvalRetrieval,
    output: &Output,
) -> Result<()> {
    let jobs = plan(inputs.to_vec(), folder, Format::Png, false);
    let releaser = Releaser::new(engine, index, (&arguments.optimisation).into())?;
    let rows = releaser.release(&jobs, output, &mut |_: Pair| ())?;
    let failed = rows.iter().filter(|row| row.failed()).count();
    ensure!(failed == 0, "{failed} of {} originals could not be activated: leave them out", rows.len());
    Ok(())
}

/// Originals and, where they are compared, released images in the same order.
struct Loaded {
    originals: Vec<RgbImage>,
    released: Option<Vec<RgbImage>>,
}

fn load(inputs: &[Input], released: Option<&Path>) -> Result<Loaded> {
    let read = |path: &Path| images::read(path).with_context(|| path.display().to_string());
    let originals = inputs.iter().map(|input| read(&input.path)).collect::<Result<Vec<_>>>()?;
    let counterpart = |folder: &Path, input: &Input| read(&released_file(folder, input)?);
    let released = released.map(|folder| inputs.iter().map(|input| counterpart(folder, input)).collect());
    Ok(Loaded { originals, released: released.transpose()? })
}

/// The released image of an original: its name below `folder`, whatever the ending.
fn released_file(folder: &Path, input: &Input) -> Result<PathBuf> {
    let formats = [Format::Png, Format::Jpeg, Format::Webp];
    let mut candidates = formats.iter().map(|format| folder.join(input.name.with_extension(format.ending())));
    match candidates.find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!(
            "{} has no released image in {}: activate it, or pass --activate",
            input.path.display(),
            folder.display()
        ),
    }
}

impl Loaded {
    fn qualities(&self) -> Result<Option<Vec<Quality>>> {
        let pairs = |released: &Vec<RgbImage>| {
            self.originals.iter().zip(released).map(|(a, b)| Ok(eval::quality::measure(a, b)?)).collect()
        };
        self.released.as_ref().map(pairs).transpose()
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document {
    schema: u32,
    nprobe: usize,
    images: usize,
    distractors: usize,
    transforms: Vec<Row>,
    mean: Sides,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<QualitySummary>,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    param: Option<f32>,
    #[serde(flatten)]
    sides: Sides,
}

#[derive(Serialize)]
struct Sides {
    passive: Rates,
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<Rates>,
}

#[derive(Serialize, Clone, Copy)]
struct Rates {
    r1: f64,
    r10: f64,
    r100: f64,
    map: f64,
}

#[derive(Serialize)]
struct QualitySummary {
    psnr: MeanAndMin,
    ssim: MeanAndMin,
    linf: f64,
}

#[derive(Serialize)]
struct MeanAndMin {
    mean: f64,
    min: f64,
}

impl From<&Measures> for Rates {
    fn from(m: &Measures) -> Self {
        Self { r1: m.r1, r10: m.r10, r100: m.r100, map: m.map }
    }
}

impl Rates {
    fn mean(rates: &[Self]) -> Self {
        let of = |field: fn(&Self) -> f64| rates.iter().map(field).sum::<f64>() / rates.len() as f64;
        Self { r1: of(|r| r.r1), r10: of(|r| r.r10), r100: of(|r| r.r100), map: of(|r| r.map) }
    }

    fn cells(self) -> [String; 4] {
        [self.r1, self.r10, self.r100, self.map].map(|rate| format!("{rate:.3}"))
    }
}

impl QualitySummary {
    fn new(qualities: &[Quality]) -> Self {
        let of = |field: fn(&Quality) -> f64| {
            let values = || qualities.iter().map(field);
            let mean = values().sum::<f64>() / qualities.len() as f64;
            MeanAndMin { mean, min: values().fold(f64::INFINITY, f64::min) }
        };
        Self { psnr: of(|q| q.psnr), ssim: of(|q| q.ssim), linf: of(|q| f64::from(q.linf)).mean }
    }
}

impl Document {
    fn new(
        comparisons: &Comparisons,
        images: usize,
        distractors: usize,
        quality: Option<Vec<Quality>>,
    ) -> Self {
        let rows = &comparisons.rows;
        let row = |c: &Comparison| Row {
            name: c.transform.name(),
            param: c.transform.param(),
            sides: Sides { passive: (&c.passive).into(), released: c.released.as_ref().map(Rates::from) },
        };
        let passive: Vec<Rates> = rows.iter().map(|c| (&c.passive).into()).collect();
        let released: Option<Vec<Rates>> =
            rows.iter().map(|c| c.released.as_ref().map(Rates::from)).collect();
        let mean = Sides { passive: Rates::mean(&passive), released: released.as_deref().map(Rates::mean) };
        Self {
            schema: SCHEMA,
            nprobe: comparisons.nprobe,
            images,
            distractors,
            transforms: rows.iter().map(row).collect(),
            mean,
            quality: quality.as_deref().map(QualitySummary::new),
        }
    }

    fn rows(&self) -> impl Iterator<Item = Vec<String>> {
        let cells = |name: String, sides: &Sides| {
            let released = sides.released.map_or([const { String::new() }; 4], Rates::cells);
            [name].into_iter().chain(sides.passive.cells()).chain(released).collect()
        };
        let name = |row: &Row| match row.param {
            Some(param) => format!("{} {param}", row.name),
            None => row.name.to_owned(),
        };
        let edits = self.transforms.iter().map(move |row| cells(name(row), &row.sides));
        edits.chain([cells("mean".to_owned(), &self.mean)])
    }

    const HEADINGS: [&str; 9] =
        ["edit", "R@1", "R@10", "R@100", "mAP", "released R@1", "R@10", "R@100", "mAP"];

    fn text(&self) -> String {
        let mut text = table(&Self::HEADINGS, 1, self.rows());
        let setting = (self.images, self.distractors, self.nprobe);
        let _ =
            write!(text, "\n{} images among {} other entries, nprobe {}", setting.0, setting.1, setting.2);
        if let Some(QualitySummary { psnr, ssim, linf }) = &self.quality {
            let _ = write!(text, "\nreleased: PSNR {:.2} dB (least {:.2}), ", psnr.mean, psnr.min);
            let _ = write!(text, "SSIM {:.4} (least {:.4}), L-inf {linf:.1}", ssim.mean, ssim.min);
        }
        text
    }

    fn csv(&self) -> String {
        let headings = "edit,passive_r1,passive_r10,passive_r100,passive_map,\
            released_r1,released_r10,released_r100,released_map";
        self.rows().fold(format!("{headings}\n"), |csv, row| csv + &row.join(",") + "\n")
    }
}

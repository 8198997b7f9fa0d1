//! `eval retrieval`: how many edited copies an index finds.

use std::{
    collections::HashMap,
    fmt::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use eval::{Comparison, Setting, quality::Quality, retrieval::Measures};
use image::RgbImage;
use image_file::{Encoding, Reader};
use index::Index;
use rand::{SeedableRng, seq::IteratorRandom};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::index::add_file;
use crate::{
    Outcome,
    args::{EvalRetrieval, Globals},
    comparisons::Comparisons,
    engine::Engine,
    files::write_whole,
    images::{self, Input},
    names::{self, Names},
    output::{Output, SCHEMA, one_line},
    provenance::Known,
    release::{Releaser, plan},
    table::table,
};

pub fn retrieval(arguments: &EvalRetrieval, globals: &Globals, output: &Output) -> Result<Outcome> {
    let engine = Engine::start_for(globals, arguments.optimisation.precision, output)?;
    let mut index = engine.index(Some(&arguments.index), output)?;
    let names = names::of_entries(&arguments.index, index.ntotal())?;
    let released = arguments.released.clone().unwrap_or_else(|| "activated".into());
    let inputs = sample(images::find(&arguments.images, Some(&released))?, arguments);
    if arguments.activate {
        let is_same = |folder: &PathBuf| folder.canonicalize().ok() == released.canonicalize().ok();
        let mixes = released.exists() && arguments.images.iter().any(is_same);
        ensure!(!mixes, "{} holds the originals: name another folder for --released", released.display());
        release(&engine, &index, &inputs, &released, arguments, output)?;
    }
    let compares = arguments.activate || arguments.released.is_some();
    let reader = (&arguments.reading).into();
    let photos = Photos::load(&reader, &inputs, compares.then_some(released.as_path()), output)?;
    let quality = photos.qualities()?;

    for path in &arguments.distractors {
        Known::descriptors(path)?.check(&Known::weights(engine.provenance()), output)?;
        add_file(&mut index, path, &engine.device)?;
    }
    let (truth, added) = store(&engine, &mut index, &photos, &names)?;
    let setting = Setting {
        index: &index,
        truth: &truth,
        transforms: &arguments.transforms.0,
        nprobe: arguments.nprobe.get(),
        seed: arguments.optimisation.seed,
    };
    let originals: Vec<&RgbImage> = photos.originals.iter().collect();
    let released: Option<Vec<&RgbImage>> = photos.released.as_ref().map(|images| images.iter().collect());
    let comparisons = Comparisons::measure(&engine, &setting, &originals, released.as_deref())?;
    let document = Document::new(&comparisons, &photos, index.ntotal() - photos.names.len(), added, quality)?;
    if let Some(path) = &arguments.csv {
        write_whole(path, |file| file.write_all(document.csv().as_bytes()))?;
    }
    output.result(&document, || document.text())?;
    Ok(Outcome::of(photos.names.len() < inputs.len()))
}

/// Ids of the originals, those that the index does not name added in memory; and how many those are.
fn store(engine: &Engine, index: &mut Index, photos: &Photos, names: &Names) -> Result<(Vec<i64>, usize)> {
    let ids: HashMap<&str, i64> = names.iter().map(|(id, name)| (name.as_str(), *id)).collect();
    let known = |name: &String| ids.get(name.as_str()).copied();
    let unknown = photos.names.iter().zip(&photos.originals).filter(|(name, _)| known(name).is_none());
    let unknown: Vec<&RgbImage> = unknown.map(|(_, image)| image).collect();
    if unknown.is_empty() {
        return Ok((photos.names.iter().filter_map(known).collect(), 0));
    }
    let mut added = index.add(engine.describe_batches(&unknown)?)?;
    let truth = photos.names.iter().map(|name| known(name).or_else(|| added.next()));
    Ok((truth.collect::<Option<_>>().context("as many ids as images")?, unknown.len()))
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
    let jobs = plan(inputs.to_vec(), folder, Encoding::Png, false);
    let releaser = Releaser::new(engine, index, arguments.into())?;
    releaser.release(&jobs, output, None)?;
    Ok(())
}

/// Originals and, where they are compared, released images in the same order.
struct Photos {
    /// Paths of the originals.
    names: Vec<String>,
    originals: Vec<RgbImage>,
    released: Option<Vec<RgbImage>>,
}

impl Photos {
    /// What can be read; the rest is named and left out.
    fn load(reader: &Reader, inputs: &[Input], released: Option<&Path>, output: &Output) -> Result<Self> {
        let mut photos =
            Self { names: Vec::new(), originals: Vec::new(), released: released.map(|_| Vec::new()) };
        for input in inputs {
            let name = input.path.display().to_string();
            match photos.push(reader, input, released) {
                Ok(()) => photos.names.push(name),
                Err(error) => output.failure(&name, &one_line(&error)),
            }
        }
        ensure!(!photos.names.is_empty(), "none of the {} images can be evaluated", inputs.len());
        Ok(photos)
    }

    fn push(&mut self, reader: &Reader, input: &Input, folder: Option<&Path>) -> Result<()> {
        let read = |path: &Path| Ok::<_, image_file::Error>(reader.open(path)?.pixels.into_rgb8());
        let original = read(&input.path)?;
        if let (Some(folder), Some(all)) = (folder, &mut self.released) {
            let path = released_file(folder, input)?;
            let released = read(&path).with_context(|| path.display().to_string())?;
            let sizes = (original.dimensions(), released.dimensions());
            ensure!(sizes.0 == sizes.1, "is {:?} pixels, but {} is {:?}", sizes.0, path.display(), sizes.1);
            all.push(released);
        }
        self.originals.push(original);
        Ok(())
    }

    fn qualities(&self) -> Result<Option<Vec<Quality>>> {
        let pairs = |released: &Vec<RgbImage>| {
            self.originals.iter().zip(released).map(|(a, b)| Ok(eval::quality::measure(a, b)?)).collect()
        };
        self.released.as_ref().map(pairs).transpose()
    }
}

/// The released image of an original: its name below `folder`, whatever the ending.
fn released_file(folder: &Path, input: &Input) -> Result<PathBuf> {
    let jpeg = Encoding::Jpeg { quality: 100, full_chroma: true };
    let endings = [Encoding::Png, jpeg, Encoding::WebP].map(Encoding::ending);
    let mut candidates = endings.iter().map(|ending| folder.join(input.name.with_extension(ending)));
    match candidates.find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!("has no released image in {}: activate it first, or pass --activate", folder.display()),
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document {
    schema: u32,
    nprobe: usize,
    images: usize,
    /// Entries of the index that are none of the images.
    distractors: usize,
    /// How many of the images were put into the index for the evaluation.
    added: usize,
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

#[derive(Serialize, Clone, Copy)]
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
        photos: &Photos,
        distractors: usize,
        added: usize,
        quality: Option<Vec<Quality>>,
    ) -> Result<Self> {
        let sides = |passive: &Measures, released: Option<&Measures>| Sides {
            passive: passive.into(),
            released: released.map(Rates::from),
        };
        let row = |c: &Comparison| Row {
            name: c.transform.name(),
            param: c.transform.param(),
            sides: sides(&c.passive, c.released.as_ref()),
        };
        let (passive, released) = comparisons.mean()?;
        Ok(Self {
            schema: SCHEMA,
            nprobe: comparisons.nprobe,
            images: photos.names.len(),
            distractors,
            added,
            transforms: comparisons.rows.iter().map(row).collect(),
            mean: sides(&passive, released.as_ref()),
            quality: quality.as_deref().map(QualitySummary::new),
        })
    }

    fn table(&self) -> String {
        let compares = self.mean.released.is_some();
        let headings = ["edit", "R@1", "R@10", "R@100", "mAP", "released R@1", "R@10", "R@100", "mAP"];
        let headings = if compares { &headings[..] } else { &headings[..5] };
        let cells = |name: String, sides: &Sides| {
            let released = sides.released.iter().flat_map(|rates| rates.cells());
            [name].into_iter().chain(sides.passive.cells()).chain(released).collect()
        };
        let name = |row: &Row| row.param.map_or(row.name.to_owned(), |param| format!("{} {param}", row.name));
        let edits = self.transforms.iter().map(|row| cells(name(row), &row.sides));
        table(headings, 1, edits.chain([cells("mean".to_owned(), &self.mean)]))
    }

    fn text(&self) -> String {
        let mut text = self.table();
        let Self { images, distractors, added, nprobe, .. } = self;
        let _ = write!(text, "\n{images} images among {distractors} other entries, nprobe {nprobe}");
        if *added > 0 {
            let _ = write!(text, "; {added} of the images were added to the index for this");
        }
        if let Some(QualitySummary { psnr, ssim, linf }) = &self.quality {
            let _ = write!(text, "\nreleased: PSNR {:.2} dB (least {:.2}), ", psnr.mean, psnr.min);
            let _ = write!(text, "SSIM {:.4} (least {:.4}), L-inf {linf:.1}", ssim.mean, ssim.min);
        }
        text
    }

    /// One line an edit; the released columns are empty where nothing is released.
    fn csv(&self) -> String {
        let rates = |rates: Option<Rates>| match rates {
            Some(Rates { r1, r10, r100, map }) => format!("{r1},{r10},{r100},{map}"),
            None => ",,,".to_owned(),
        };
        let heading = "name,param,passive_r1,passive_r10,passive_r100,passive_map,\
            released_r1,released_r10,released_r100,released_map\n";
        self.transforms.iter().fold(heading.to_owned(), |csv, row| {
            let param = row.param.map_or(String::new(), |param| param.to_string());
            let Sides { passive, released } = row.sides;
            format!("{csv}{},{param},{},{}\n", row.name, rates(Some(passive)), rates(released))
        })
    }
}

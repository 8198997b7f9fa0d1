//! The images that are edited, and their released images.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use image_file::Encoding;
use index::Index;
use rand::{SeedableRng, seq::IteratorRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    args::Editing,
    engine::Engine,
    images::{self, Input},
    output::Output,
    release::{Releaser, Row, plan},
};

/// An image to edit.
#[derive(Debug, Clone)]
pub struct Subject {
    pub path: PathBuf,
    /// What is released of it, where that is compared.
    pub released: Option<PathBuf>,
}

impl Subject {
    /// Its path as the caller named it.
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// Where released images are looked for, and put.
fn folder(editing: &Editing) -> PathBuf {
    editing.released.clone().unwrap_or_else(|| "activated".into())
}

/// The originals to evaluate: all of them, or some drawn by the seed, in their order.
///
/// # Errors
/// If one of the folders is not there.
pub fn find(folders: &[PathBuf], editing: &Editing) -> Result<Vec<Input>> {
    for folder in folders {
        folder.metadata().with_context(|| folder.display().to_string())?;
    }
    let inputs = images::find(folders, Some(&folder(editing)))?;
    let Some(n) = editing.sample else { return Ok(inputs) };
    let mut rng = ChaCha8Rng::seed_from_u64(editing.optimisation.seed);
    let mut drawn = inputs.into_iter().sample(&mut rng, n.get());
    drawn.sort();
    Ok(drawn)
}

/// Activates what is asked for, and says what that made.
pub fn activate(
    engine: &Engine,
    index: &Index,
    folders: &[PathBuf],
    inputs: &[Input],
    editing: &Editing,
    output: &Output,
) -> Result<Vec<Row>> {
    if !editing.activate {
        return Ok(Vec::new());
    }
    let released = folder(editing);
    let is_same = |folder: &PathBuf| folder.canonicalize().ok() == released.canonicalize().ok();
    let mixes = released.exists() && folders.iter().any(is_same);
    ensure!(!mixes, "{} holds the originals: name another one for the released images", released.display());
    let jobs = plan(inputs.to_vec(), &released, Encoding::Png, editing.resume.is_some());
    Releaser::new(engine, std::slice::from_ref(index), editing.into())?.release(&jobs, output, None)
}

/// Pairs originals with their released images, where these are compared.
///
/// # Errors
/// If no original has one.
pub fn pair(inputs: Vec<Input>, editing: &Editing, output: &Output) -> Result<Vec<Subject>> {
    if !editing.activate && editing.released.is_none() {
        let alone = |input: Input| Subject { path: input.path, released: None };
        return Ok(inputs.into_iter().map(alone).collect());
    }
    let folder = folder(editing);
    let (count, first) = (inputs.len(), inputs.first().map(|input| input.name.clone()));
    let released: Vec<Option<PathBuf>> = inputs.iter().map(|input| released_file(&folder, input)).collect();
    if released.iter().all(Option::is_none) {
        ensure!(!editing.activate, "none of the {count} images could be activated");
        bail!(
            "none of the {count} originals has a released image of its name in {}, such as {}: name the folder that \
             `activate` wrote for these originals, or pass --activate",
            folder.display(),
            first.unwrap_or_default().with_extension(Encoding::Png.ending()).display(),
        );
    }
    let mut all = Vec::with_capacity(count);
    let mut taken = HashMap::<PathBuf, PathBuf>::new();
    for (input, released) in inputs.into_iter().zip(released) {
        if released.is_none() && editing.activate {
            // Activation said why.
            continue;
        }
        match claim(&mut taken, &input.path, released, &folder) {
            Ok(released) => all.push(Subject { path: input.path, released: Some(released) }),
            Err(error) => output.failure(&input.path.display().to_string(), &error.to_string()),
        }
    }
    Ok(all)
}

/// Released images in place of their originals.
pub fn released(subjects: &[Subject]) -> Vec<Subject> {
    let alone = |subject: &Subject| Subject {
        path: subject.released.clone().unwrap_or_else(|| subject.path.clone()),
        released: None,
    };
    subjects.iter().map(alone).collect()
}

/// A released image is of one original.
fn claim(
    taken: &mut HashMap<PathBuf, PathBuf>,
    original: &Path,
    released: Option<PathBuf>,
    folder: &Path,
) -> Result<PathBuf> {
    let Some(released) = released else {
        bail!("has no released image in {}: activate it first, or pass --activate", folder.display())
    };
    if let Some(other) = taken.insert(released.clone(), original.to_owned()) {
        bail!("{} is the released image of {} already", released.display(), other.display());
    }
    Ok(released)
}

/// The released image of an original: its name below `folder`, whatever the ending.
fn released_file(folder: &Path, input: &Input) -> Option<PathBuf> {
    let jpeg = Encoding::Jpeg { quality: 100, full_chroma: true };
    let endings = [Encoding::Png, jpeg, Encoding::WebP].map(Encoding::ending);
    let mut candidates = endings.iter().map(|ending| folder.join(input.name.with_extension(ending)));
    candidates.find(|path| path.is_file())
}

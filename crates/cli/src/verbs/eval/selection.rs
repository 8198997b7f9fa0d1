//! Originals to evaluate, and their released images, as the command line names them.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, ensure};
use describe::BatchRequest;
use evaluation::{
    Error,
    pipeline::{OriginalFile, Subject, pair, sample},
};
use image_file::{Encoding, Reader, path_text};
use index::Index;
use object_files::is_address;
use release::{Folder, ReleasedImage, Releaser};

use crate::{
    args::{Editing, Optimisation, Reading},
    inputs::{
        extractor::LoadedExtractor,
        image_files::{self, Found, Input},
        plan,
    },
    outputs::{Content, Outputs},
    session::{Session, release_events::ReleaseEvents, terminal_events::TerminalEvents},
    side_files::entry_names::Names,
};

/// Folder of released images, unless another one is named.
const RELEASED: &str = "activated";

/// Choice of originals and released images.
pub struct Selection<'a> {
    /// Folders of the originals.
    pub folders: &'a [PathBuf],
    /// Other images that the evaluation reads.
    pub others: &'a [Input],
    /// Number of originals to draw by the seed; all of them if not given.
    pub sample: Option<NonZeroUsize>,
    /// Folder of the released images, if they are compared.
    pub released: Option<PathBuf>,
    /// Files that are written beside the released images.
    pub outputs: Outputs,
    /// True if originals are activated first.
    pub activates: bool,
    /// True if images that are released already are not activated again.
    pub resumes: bool,
    pub optimisation: &'a Optimisation,
    pub reading: &'a Reading,
}

/// Checks that names tell the images apart, and which entry of the index in `path` is whose.
///
/// # Errors
/// If they do not.
pub fn check_names(names: &Names, images: &[Input], path: &Path) -> Result<()> {
    let images: Vec<String> = images.iter().map(|image| path_text(&image.path)).collect();
    evaluation::check_names(names, images.iter().map(String::as_str)).with_context(|| path_text(path))
}

/// Returns the files and the folder that an evaluation of either verb writes.
pub fn outputs(editing: &Editing) -> Outputs {
    let released = editing.released.as_ref().filter(|_| editing.activate);
    Outputs::default()
        .and_any(released, Content::Folder)
        .and_any(editing.report.as_ref(), Content::Page)
        .and_any(editing.resume.as_ref(), Content::Kept)
}

impl<'a> Selection<'a> {
    pub fn new(folders: &'a [PathBuf], editing: &'a Editing, outputs: Outputs) -> Self {
        let default = editing.activate.then(|| RELEASED.into());
        Self {
            folders,
            others: &[],
            sample: editing.sample,
            released: editing.released.clone().or(default),
            outputs,
            activates: editing.activate,
            resumes: editing.resume.is_some(),
            optimisation: &editing.optimisation,
            reading: &editing.reading,
        }
    }

    pub fn reader(&self) -> Reader {
        self.reading.into()
    }

    /// Finds the originals: all of them, or a sample, in order.
    ///
    /// # Errors
    /// If one of the folders does not exist, or there is no image.
    pub fn find(&self, session: &Session) -> Result<Found> {
        let is_path = |folder: &&PathBuf| !image_files::is_list(folder) && !is_address(folder);
        for folder in self.folders.iter().filter(is_path) {
            folder.metadata().with_context(|| path_text(folder))?;
        }
        let except = self.released.as_deref().unwrap_or(Path::new(RELEASED));
        let Found { mut images, left_out } = image_files::find(self.folders, Some(except), session)?;
        if let Some(n) = self.sample {
            images = sample(images, n.get(), self.optimisation.seed);
        }
        Ok(Found { images, left_out })
    }

    /// Activates the originals, if that is wanted. Returns one row per image.
    pub fn activate(
        &self,
        loaded: &LoadedExtractor,
        index: &Index,
        inputs: &[Input],
        session: &Session,
    ) -> Result<Vec<ReleasedImage>> {
        let Some(released) = self.released.as_deref().filter(|_| self.activates) else {
            return Ok(Vec::new());
        };
        let is_same = |folder: &PathBuf| folder.canonicalize().ok() == released.canonicalize().ok();
        let mixes = released.exists() && self.folders.iter().any(is_same);
        ensure!(
            !mixes,
            "{} holds the originals: name another folder for the released images",
            path_text(released)
        );
        let encoding = Encoding::Png;
        let jobs = plan(inputs.to_vec(), self.others, released, encoding, self.resumes);
        self.outputs.check_apart(jobs.iter().map(|job| &job.output))?;
        let options = self.optimisation.release_options(encoding, BatchRequest::Auto, self.reading);
        let indexes = std::slice::from_ref(index);
        let releaser = Releaser::new(&loaded.extractor, loaded.own_memory, indexes, options)?;
        Ok(releaser.release(&jobs, &Folder, &ReleaseEvents::new(session), None)?)
    }

    /// Pairs the originals with their released images, if these are compared.
    ///
    /// # Errors
    /// If no original has a released image.
    pub fn pair(&self, inputs: Vec<Input>, session: &Session) -> Result<Vec<Subject>> {
        let Some(released) = &self.released else {
            return Ok(inputs.into_iter().map(|input| Subject::of_file(input.path)).collect());
        };
        let original = |Input { path, name }| OriginalFile { path, name };
        let originals = inputs.into_iter().map(original).collect();
        // Activation has reported those that it could not release.
        pair(originals, released, self.activates, &TerminalEvents::new(session)).map_err(
            |error| match error {
                Error::NothingReleased { originals, .. } if self.activates => {
                    anyhow!("none of the {originals} images could be activated")
                }
                error @ Error::NothingReleased { .. } => anyhow!(
                    "{error}: name the folder that `activate` wrote for these originals, or pass --activate"
                ),
                error => error.into(),
            },
        )
    }
}

//! Images to descriptors of their edits.
//!
//! Threads of their own read, edit and resize while the network works, a few batches ahead of it. Images come one after
//! the other, each with all its edits, so that what is finished is finished for whole images, and little is in memory.

use std::{num::NonZeroUsize, path::Path};

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Tensor;
use describe::{BatchRequest, Describer, network_input, read_ahead, reading_threads};
use evaluation::{
    Edit,
    quality::{self, Quality},
};
use image::RgbImage;
use image_file::{Pixels, Reader};

use super::{
    gather::Gather,
    state::{Key, Keys, Known, State},
    subjects::Subject,
};
use crate::{engine::Engine, interrupt::Watch, output::Output, progress};

/// Edits of one image that a thread makes in one go: it reads the image once for them. With its released image they fill
/// two batches.
const EDITS: usize = 8;
/// Tasks that may be finished before the network needs them: with released images 16 inputs of 1 MB each.
const AHEAD: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// What all images go through.
pub struct Pipeline<'a> {
    pub engine: &'a Engine,
    pub reader: Reader,
    pub state: State,
    pub seed: u64,
    pub watch: Watch,
    pub describer: Describer<'a>,
}

/// Some edits of one image.
pub struct Task<'a> {
    pub subject: &'a Subject,
    /// Place of the subject among all, which the seed of its edits counts on from.
    pub number: usize,
    /// Place of the first of these edits among all.
    pub first: usize,
    pub edits: &'a [Edit],
}

/// Inputs of the network: all edits of the original, then all of the released image; with the first edits the quality.
pub struct Edited {
    pub inputs: Vec<(Key, Input)>,
    pub quality: Option<Quality>,
}

/// What the network is to describe.
pub enum Input {
    Known(Vec<f32>),
    Prepared(Box<Tensor<4>>),
}

/// The descriptors of one image.
#[derive(Debug)]
pub struct Described {
    /// Place of the subject among all.
    pub number: usize,
    /// `[edits][d]`.
    pub passive: Vec<Vec<f32>>,
    /// The same of the released image.
    pub released: Option<Vec<Vec<f32>>>,
    pub quality: Option<Quality>,
    /// Keys of `passive`.
    pub keys: Vec<Key>,
}

/// An image as it is.
pub struct Original {
    /// Place of the subject among all.
    pub number: usize,
    /// `[d]`.
    pub descriptor: Vec<f32>,
}

impl Original {
    pub fn row(&self) -> &[f32] {
        &self.descriptor
    }
}

/// How a pass over all images ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Finished,
    Interrupted,
}

impl<'a> Pipeline<'a> {
    pub fn new(engine: &'a Engine, reader: Reader, state: State, seed: u64) -> Self {
        let describer = engine.describer(BatchRequest::Auto);
        Self { engine, reader, state, seed, watch: Watch::start(), describer }
    }

    /// The unedited originals: each image and its descriptor. They are not described again as long as this lives.
    pub fn originals(&mut self, subjects: &[Subject], output: &Output) -> Result<(Vec<Original>, End)> {
        let alone: Vec<Subject> =
            subjects.iter().map(|subject| Subject { released: None, ..subject.clone() }).collect();
        let numbers: Vec<usize> = (0..subjects.len()).collect();
        let mut originals = Vec::with_capacity(subjects.len());
        let mut known = Vec::new();
        let mut finish = |described: Described| {
            let Some(descriptor) = described.passive.into_iter().next() else { bail!("no descriptor") };
            known.extend(described.keys.into_iter().map(|key| (key, descriptor.clone())));
            originals.push(Original { number: described.number, descriptor });
            Ok(())
        };
        let end = self.run("describing", &alone, &numbers, &[Edit::Identity], output, &mut finish)?;
        known.into_iter().for_each(|(key, descriptor)| self.state.remember(key, descriptor));
        Ok((originals, end))
    }

    /// Describes `edits` of the images that `numbers` name, and hands them to `finish` in order. An image that fails is
    /// named and left out.
    pub fn run(
        &mut self,
        what: &'static str,
        subjects: &[Subject],
        numbers: &[usize],
        edits: &[Edit],
        output: &Output,
        finish: &mut dyn FnMut(Described) -> Result<()>,
    ) -> Result<End> {
        let tasks: Vec<Task> =
            numbers.iter().flat_map(|&number| Task::split(&subjects[number], number, edits)).collect();
        let bar = progress::bar(tasks.iter().map(Task::queries).sum(), what);
        let (known, sink) = self.state.parts();
        let maker = Maker {
            engine: self.engine,
            reader: &self.reader,
            keys: Keys::new(&self.engine.computation()),
            known,
            seed: self.seed,
        };
        let mut gather = Gather::new(&mut self.describer, edits.len(), sink, &bar, output, finish);
        let mut next = tasks.iter();
        let take = |edited: Result<Edited>| {
            let task = next.next().context("more results than tasks")?;
            gather.take(task, edited)?;
            bar.inc(task.queries() as u64);
            if self.watch.is_requested() { bail!("interrupted") } else { Ok(()) }
        };
        let ended = read_ahead(&tasks, reading_threads(), AHEAD, |task: &Task| maker.edit(task), take);
        let ended = ended.and_then(|()| gather.flush());
        bar.finish_and_clear();
        match ended {
            Err(_) if self.watch.is_requested() => Ok(End::Interrupted),
            ended => ended.map(|()| End::Finished),
        }
    }
}

impl<'a> Task<'a> {
    /// The tasks of one image; one without edits where there are none.
    fn split(subject: &'a Subject, number: usize, edits: &'a [Edit]) -> impl Iterator<Item = Self> {
        let parts = edits.chunks(EDITS).scan(0, |first, edits| {
            *first += edits.len();
            Some((*first - edits.len(), edits))
        });
        parts.map(move |(first, edits)| Self { subject, number, first, edits })
    }

    fn queries(&self) -> usize {
        self.edits.len() * if self.subject.released.is_some() { 2 } else { 1 }
    }
}

/// What the threads need.
struct Maker<'a> {
    engine: &'a Engine,
    reader: &'a Reader,
    keys: Keys,
    known: &'a Known,
    seed: u64,
}

impl Maker<'_> {
    fn edit(&self, task: &Task) -> Result<Edited> {
        let original = self.read(&task.subject.path)?;
        let mut inputs = self.inputs(task, &original)?;
        let mut quality = None;
        if let Some(path) = &task.subject.released {
            let named = || path.display().to_string();
            let released = self.read(path).with_context(named)?;
            let sizes = (original.dimensions(), released.dimensions());
            ensure!(sizes.0 == sizes.1, "is {:?} pixels, but {} is {:?}", sizes.0, path.display(), sizes.1);
            inputs.extend(self.inputs(task, &released).with_context(named)?);
            quality = (task.first == 0).then(|| quality::measure(&original, &released)).transpose()?;
        }
        Ok(Edited { inputs, quality })
    }

    fn read(&self, path: &Path) -> Result<RgbImage> {
        Ok(self.reader.open(path)?.pixels.into_rgb8())
    }

    fn inputs(&self, task: &Task, image: &RgbImage) -> Result<Vec<(Key, Input)>> {
        let seed = self.seed.wrapping_add(task.number as u64);
        let keys = self.keys.of_image(image);
        let input = |edit: &Edit| {
            let key = keys.of_edit(edit, seed);
            if let Some(descriptor) = self.known.get(&key) {
                return Ok((key, Input::Known(descriptor.clone())));
            }
            let edited = edit.apply(image, seed).with_context(|| format!("edit `{edit}`"))?;
            Ok((
                key,
                Input::Prepared(Box::new(network_input(&self.engine.extractor, &Pixels::Eight(edited))?)),
            ))
        };
        task.edits.iter().map(input).collect()
    }
}

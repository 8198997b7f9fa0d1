//! Images to descriptors of their edited copies.
//!
//! Threads read, edit and resize images a few batches ahead of the network. Images come one after the other, each with
//! all its edits: after an interruption whole images are finished, and few copies are in memory.

mod assembly;
mod keys;
mod known_descriptors;
mod part;
mod subject;

use std::num::NonZeroUsize;

use describe::{Described, Describer};
use image_file::Reader;

use self::{
    assembly::Assembly,
    part::{Edited, Editor, Part},
};
pub(crate) use self::{
    assembly::{CopyDescriptors, ImageDescriptors, of_whole},
    keys::Keys,
    subject::released,
};
pub use self::{
    keys::Key,
    known_descriptors::{Known, KnownDescriptors},
    subject::{OriginalFile, Source, Subject, pair, sample},
};
use crate::{
    edits::Edit,
    error::{Error, Result},
    events::{Events, Task},
};

/// Parts that may be prepared before the network needs them: with released versions 16 inputs of 1 MB each.
const AHEAD: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// Descriptors of edited images, computed or known.
pub struct Pipeline<'a> {
    /// Network, with its time and the number of its descriptors.
    pub describer: Describer<'a>,
    /// Reader of image files.
    pub reader: Reader,
    /// Descriptors that need not be computed.
    pub known: KnownDescriptors,
    /// Seed of the edits: image `i` is edited with `seed + i`, the original and its released version alike.
    pub seed: u64,
    /// Receiver of progress and failures.
    pub events: &'a dyn Events,
}

/// End of a pass over all images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All images were passed.
    Finished,
    /// The caller cancelled, see [`Events::is_cancelled`].
    Interrupted,
}

/// Copies of each image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copies<'a> {
    /// Edits of each image.
    pub edits: &'a [Edit],
    /// Largest number of views of a copy that are described, at least 1: the whole copy.
    pub looks: usize,
}

/// An unedited image with its descriptor.
#[derive(Debug)]
pub(crate) struct Original {
    /// Number of the subject.
    pub number: usize,
    /// `[d]`.
    pub descriptor: Vec<f32>,
}

impl Pipeline<'_> {
    /// Describes the unedited originals. They are known from then on.
    pub(crate) fn originals(&mut self, subjects: &[Subject]) -> Result<(Vec<Original>, End)> {
        let alone: Vec<Subject> =
            subjects.iter().map(|subject| Subject { released: None, ..subject.clone() }).collect();
        let numbers: Vec<usize> = (0..subjects.len()).collect();
        let mut originals = Vec::with_capacity(subjects.len());
        let mut keys = Vec::with_capacity(subjects.len());
        let mut finish = |mut image: ImageDescriptors| {
            let number = image.number;
            let descriptor = of_whole(std::mem::take(&mut image.passive)).pop();
            originals.extend(descriptor.map(|descriptor| Original { number, descriptor }));
            keys.extend(image.keys);
            Ok(())
        };
        let copies = Copies { edits: &[Edit::Identity], looks: 1 };
        let end = self.run(Task::Describing, &alone, &numbers, copies, &mut finish)?;
        for (key, original) in keys.into_iter().zip(&originals) {
            self.known.remember(key, original.descriptor.clone());
        }
        Ok((originals, end))
    }

    /// Describes `copies` of the subjects with the given numbers, and hands each image to `finish`, in order. An image that
    /// fails is reported and left out.
    pub(crate) fn run(
        &mut self,
        task: Task,
        subjects: &[Subject],
        numbers: &[usize],
        copies: Copies<'_>,
        finish: &mut dyn FnMut(ImageDescriptors) -> Result<()>,
    ) -> Result<End> {
        let parts: Vec<Part<'_>> =
            numbers.iter().flat_map(|&number| Part::split(&subjects[number], number, copies.edits)).collect();
        self.events.begin(task, parts.iter().map(Part::copies).sum());
        let ended = self.stream(&parts, copies, finish);
        self.events.end();
        match ended {
            Err(_) if self.events.is_cancelled() => Ok(End::Interrupted),
            ended => ended.map(|()| End::Finished),
        }
    }

    fn stream(
        &mut self,
        parts: &[Part<'_>],
        copies: Copies<'_>,
        finish: &mut dyn FnMut(ImageDescriptors) -> Result<()>,
    ) -> Result<()> {
        let events = self.events;
        let extractor = self.describer.extractor();
        let (known, file) = self.known.parts();
        let keys = Keys::new(extractor);
        let (seed, looks) = (self.seed, copies.looks);
        let editor = Editor { extractor, reader: self.reader, keys, known, seed, looks };
        let mut assembly = Assembly::new(copies.edits.len());
        let progress = |part: &Part<'_>| {
            events.advance(part.copies());
            if events.is_cancelled() { Err(Error::Interrupted) } else { Ok(()) }
        };
        let take = |part: &Part<'_>, described: Result<Described<Edited>>| {
            if let Ok(Described { note, descriptors }) = &described {
                let copies = note.keys.iter().zip(descriptors);
                file.append(copies.filter(|(key, _)| !known.contains_key(*key)), events)?;
            }
            if let Some(error) = assembly.add(part, described) {
                events.failed(&part.subject.name, error);
            }
            assembly.finished().map_or(Ok(()), &mut *finish)
        };
        self.describer.stream(parts, AHEAD, |part| editor.prepare(part), progress, take)
    }
}

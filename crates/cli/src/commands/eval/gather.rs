//! Puts inputs of many images into batches for the network, and their descriptors back to the images.

use std::collections::VecDeque;

use anyhow::{Context, Result};
use burn::tensor::Tensor;
use describe::Describer;
use evaluation::quality::Quality;
use indicatif::ProgressBar;

use super::{
    pipeline::{Described, Edited, Input, Task},
    state::{Key, Sink},
};
use crate::output::{Output, one_line};

/// Gathers the results of tasks, which come in order.
pub struct Gather<'a, 'b> {
    describer: &'a mut Describer<'b>,
    /// Edits of each image.
    edits: usize,
    sink: &'a mut Sink,
    bar: &'a ProgressBar,
    output: &'a Output,
    finish: &'a mut dyn FnMut(Described) -> Result<()>,
    /// Images that lack something, the oldest first.
    open: VecDeque<Open>,
    /// How many images were closed.
    closed: usize,
    waiting: Vec<Waiting>,
}

/// An image with some of its descriptors.
struct Open {
    number: usize,
    /// `[sides * edits]`, those of the released image behind those of the original.
    descriptors: Vec<Option<Vec<f32>>>,
    keys: Vec<Key>,
    quality: Option<Quality>,
    compares: bool,
    /// Edits that no task has delivered yet.
    missing: usize,
    failed: bool,
}

/// An input that waits for others to fill its batch.
struct Waiting {
    /// Counts images from the first one on.
    image: usize,
    place: usize,
    key: Key,
    input: Tensor<4>,
}

impl<'a, 'b> Gather<'a, 'b> {
    pub fn new(
        describer: &'a mut Describer<'b>,
        edits: usize,
        sink: &'a mut Sink,
        bar: &'a ProgressBar,
        output: &'a Output,
        finish: &'a mut dyn FnMut(Described) -> Result<()>,
    ) -> Self {
        let (open, waiting) = (VecDeque::new(), Vec::new());
        Self { describer, edits, sink, bar, output, finish, open, closed: 0, waiting }
    }

    /// Takes what a task made, and describes what fills a batch.
    pub fn take(&mut self, task: &Task, edited: Result<Edited>) -> Result<()> {
        if task.first == 0 {
            self.open.push_back(Open::new(task, self.edits));
        }
        let image = self.closed + self.open.len() - 1;
        let open = self.open.back_mut().context("a task of no image")?;
        open.missing -= task.edits.len();
        match edited {
            Ok(edited) => open.put(image, task, edited, self.edits, &mut self.waiting),
            Err(error) if !open.failed => {
                open.failed = true;
                self.bar.suspend(|| self.output.failure(&task.subject.name(), &one_line(&error)));
            }
            Err(_) => {}
        }
        while self.waiting.len() >= self.describer.batch_size() {
            self.describe(self.describer.batch_size())?;
        }
        self.close()
    }

    /// Describes what still waits.
    pub fn flush(&mut self) -> Result<()> {
        self.describe(self.waiting.len())?;
        self.close()
    }

    /// Describes the first `n` inputs that wait.
    fn describe(&mut self, n: usize) -> Result<()> {
        let (places, inputs): (Vec<_>, Vec<_>) =
            self.waiting.drain(..n).map(|w| ((w.image, w.place, w.key), w.input)).unzip();
        let mut new = Vec::with_capacity(n);
        for ((image, place, key), row) in places.into_iter().zip(self.describer.describe(&inputs)?) {
            // An image that failed may be closed already.
            let open = image.checked_sub(self.closed).and_then(|i| self.open.get_mut(i));
            if let Some(open) = open {
                open.descriptors[place] = Some(row.clone());
            }
            new.push((key, row));
        }
        self.sink.keep(&new)
    }

    /// Hands over the images that lack nothing any more.
    fn close(&mut self) -> Result<()> {
        while let Some(open) = self.open.pop_front_if(|open| open.is_done()) {
            self.closed += 1;
            if let Some(described) = open.described(self.edits) {
                (self.finish)(described)?;
            }
        }
        Ok(())
    }
}

impl Open {
    fn new(task: &Task, edits: usize) -> Self {
        let compares = task.subject.released.is_some();
        let descriptors = vec![None; edits * if compares { 2 } else { 1 }];
        let (keys, quality) = (Vec::new(), None);
        Self { number: task.number, descriptors, keys, quality, compares, missing: edits, failed: false }
    }

    /// Keeps what is known and has the rest wait.
    fn put(&mut self, image: usize, task: &Task, edited: Edited, edits: usize, waiting: &mut Vec<Waiting>) {
        self.quality = self.quality.or(edited.quality);
        self.keys.extend(edited.inputs.iter().take(task.edits.len()).map(|(key, _)| *key));
        for (i, (key, input)) in edited.inputs.into_iter().enumerate() {
            let (side, edit) = (i / task.edits.len(), i % task.edits.len());
            let place = side * edits + task.first + edit;
            match input {
                Input::Known(descriptor) => self.descriptors[place] = Some(descriptor),
                Input::Prepared(input) => waiting.push(Waiting { image, place, key, input: *input }),
            }
        }
    }

    /// Whether nothing is missing, or nobody wants it any more and nothing of it waits.
    fn is_done(&self) -> bool {
        self.missing == 0 && (self.failed || self.descriptors.iter().all(Option::is_some))
    }

    /// `None` where the image failed.
    fn described(self, edits: usize) -> Option<Described> {
        let Self { number, descriptors, keys, quality, compares, failed, .. } = self;
        let mut passive = descriptors.into_iter().collect::<Option<Vec<_>>>().filter(|_| !failed)?;
        let released = compares.then(|| passive.split_off(edits));
        Some(Described { number, passive, released, quality, keys })
    }
}

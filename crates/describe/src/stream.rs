//! A stream of items with descriptors: read ahead, described in batches, delivered in order.

use std::{collections::VecDeque, num::NonZeroUsize};

use burn::tensor::Tensor;

use crate::{
    describer::Describer,
    error::{Error, Result},
    read_ahead::{read_ahead, reading_threads},
};

/// One item of a stream, ready for the network.
#[derive(Debug)]
pub struct Prepared<M> {
    /// Anything that goes with the item.
    pub note: M,
    /// Images to describe, any number of them.
    pub inputs: Vec<Input>,
}

/// One image of an item.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most inputs are images")]
pub enum Input {
    /// A network input `[1, 3, h, w]` in [0, 1], see [`crate::network_input`].
    Image(Tensor<4>),
    /// A descriptor `[d]` that is known already and not computed again.
    Known(Vec<f32>),
}

/// One item with its descriptors.
#[derive(Debug)]
pub struct Described<M> {
    /// [`Prepared::note`].
    pub note: M,
    /// `[inputs][d]`.
    pub descriptors: Vec<Vec<f32>>,
}

impl Describer<'_> {
    /// Describes a stream of items: threads call `prepare`, this thread runs the network.
    ///
    /// Batches are filled across items. `progress` is called after each item that was prepared, `take` with each item's
    /// descriptors or its failure; both in the order of `items`, on this thread, and both end the stream by an error. At
    /// most `ahead` prepared items wait for the network, beside the batch that is being filled.
    ///
    /// # Errors
    /// The first error of `progress` or `take`; [`Error::Device`], [`Error::Thread`], [`Error::ThreadEnded`].
    pub fn stream<T: Sync, M: Send, F: Send, E: From<Error>>(
        &mut self,
        items: &[T],
        ahead: NonZeroUsize,
        prepare: impl Fn(&T) -> Result<Prepared<M>, F> + Sync,
        mut progress: impl FnMut(&T) -> Result<(), E>,
        mut take: impl FnMut(&T, Result<Described<M>, F>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut queue = Queue { open: VecDeque::new(), delivered: 0, waiting: VecDeque::new() };
        let mut next = items.iter();
        let mut advance = |prepared: Result<Prepared<M>, F>| {
            let item = next.next().ok_or(Error::ThreadEnded)?;
            queue.push(item, prepared);
            while queue.waiting.len() >= self.batch_size() {
                queue.describe(self.batch_size(), self)?;
            }
            queue.deliver(&mut take)?;
            progress(item)
        };
        read_ahead(items, reading_threads(), ahead, prepare, &mut advance)?;
        queue.describe(queue.waiting.len(), self)?;
        queue.deliver(&mut take)
    }
}

/// Items and inputs between the threads and the consumer.
struct Queue<'a, T, M, F> {
    /// Items that lack descriptors, or wait for one that does; the oldest first.
    open: VecDeque<Open<'a, T, M, F>>,
    /// Number of items that were delivered.
    delivered: usize,
    /// Inputs without descriptors, the oldest first.
    waiting: VecDeque<Waiting>,
}

/// Descriptors of an item, those that are known so far.
type Descriptors = Vec<Option<Vec<f32>>>;

/// An item with the descriptors that it has so far.
struct Open<'a, T, M, F> {
    item: &'a T,
    outcome: Result<(M, Descriptors), F>,
}

/// An input that waits for its batch to fill.
struct Waiting {
    /// Number of its item, counted from the first of the stream.
    item: usize,
    /// Place among the inputs of the item.
    place: usize,
    input: Tensor<4>,
}

impl<'a, T, M, F> Queue<'a, T, M, F> {
    fn push(&mut self, item: &'a T, prepared: Result<Prepared<M>, F>) {
        let number = self.delivered + self.open.len();
        let outcome = prepared.map(|Prepared { note, inputs }| {
            let known = |(place, input)| match input {
                Input::Known(descriptor) => Some(descriptor),
                Input::Image(input) => {
                    self.waiting.push_back(Waiting { item: number, place, input });
                    None
                }
            };
            (note, inputs.into_iter().enumerate().map(known).collect())
        });
        self.open.push_back(Open { item, outcome });
    }

    /// Describes the oldest `n` inputs.
    fn describe(&mut self, n: usize, describer: &mut Describer<'_>) -> Result<()> {
        let (places, inputs): (Vec<_>, Vec<_>) =
            self.waiting.drain(..n).map(|waiting| ((waiting.item, waiting.place), waiting.input)).unzip();
        for ((item, place), descriptor) in places.into_iter().zip(describer.describe(&inputs)?) {
            if let Ok((_, descriptors)) = &mut self.open[item - self.delivered].outcome {
                descriptors[place] = Some(descriptor);
            }
        }
        Ok(())
    }

    /// Hands over the oldest items, as long as they lack nothing.
    fn deliver<E>(
        &mut self,
        take: &mut impl FnMut(&T, Result<Described<M>, F>) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(open) = self.open.pop_front_if(|open| open.is_done()) {
            self.delivered += 1;
            let described = open.outcome.map(|(note, descriptors)| Described {
                note,
                descriptors: descriptors.into_iter().flatten().collect(),
            });
            take(open.item, described)?;
        }
        Ok(())
    }
}

impl<T, M, F> Open<'_, T, M, F> {
    fn is_done(&self) -> bool {
        self.outcome.as_ref().map_or(true, |(_, descriptors)| descriptors.iter().all(Option::is_some))
    }
}

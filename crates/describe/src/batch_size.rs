//! Number of images that go through the network at once: the requested one, or the largest that fits the device.

use std::{fmt, num::NonZeroUsize, str::FromStr};

/// Requested batch size, written `auto` or as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchRequest {
    /// As many as fit the device.
    Auto,
    /// A number.
    Of(NonZeroUsize),
}

impl FromStr for BatchRequest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(count) => Ok(Self::Of(count)),
            Err(_) if text == "auto" => Ok(Self::Auto),
            Err(_) => Err("expected auto, or a number of at least 1".to_owned()),
        }
    }
}

impl fmt::Display for BatchRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Of(count) => count.fmt(f),
        }
    }
}

/// Current batch size of a device.
///
/// Under [`BatchRequest::Auto`] it doubles after each full batch that succeeds. When memory runs out it is halved and
/// never grows again, whatever was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSize {
    size: usize,
    /// Upper bound of growth.
    most: usize,
}

/// Sizes of [`BatchRequest::Auto`].
#[derive(Debug, Clone, Copy)]
pub struct AutoSizes {
    /// Size on a device that shares the CPU's memory, where larger batches are not faster.
    pub shared: usize,
    /// Initial size on a GPU with its own memory.
    pub first: usize,
    /// Largest size on a GPU with its own memory; it keeps the GPU busy.
    pub most: usize,
}

/// Work on a batch, with one result per item.
pub type Work<'a, T, R, E> = dyn FnMut(&[T]) -> Result<Vec<R>, E> + 'a;

impl BatchSize {
    /// Returns the size to begin with. `own_memory` tells whether the device is a GPU with its own memory.
    pub fn new(request: BatchRequest, own_memory: bool, sizes: AutoSizes) -> Self {
        match request {
            BatchRequest::Of(count) => Self { size: count.get(), most: count.get() },
            BatchRequest::Auto if own_memory => Self { size: sizes.first, most: sizes.most },
            BatchRequest::Auto => Self { size: sizes.shared, most: sizes.shared },
        }
    }

    /// Returns the current size.
    pub fn get(self) -> usize {
        self.size
    }

    /// Runs `work` on all items in batches, one result per item, in their order.
    ///
    /// A batch that runs out of memory is repeated in halves. A batch that fails otherwise is repeated item by item, so
    /// that one item does not spoil the others.
    ///
    /// # Panics
    /// If `work` succeeds on one item without a result.
    pub fn run<T, R, E>(
        &mut self,
        items: &[T],
        work: &mut Work<T, R, E>,
        is_out_of_memory: impl Fn(&E) -> bool,
    ) -> Vec<Result<R, E>> {
        let mut results = Vec::with_capacity(items.len());
        while let Some(part) = items.get(results.len()..).filter(|left| !left.is_empty()) {
            let part = &part[..part.len().min(self.size)];
            match work(part) {
                Ok(done) => {
                    self.grow(part.len());
                    results.extend(done.into_iter().map(Ok));
                }
                Err(error) if part.len() == 1 => results.push(Err(error)),
                Err(error) if is_out_of_memory(&error) => self.halve(part.len()),
                Err(_) => results.extend(part.iter().map(|item| one(work(std::slice::from_ref(item))))),
            }
        }
        results
    }

    fn grow(&mut self, count: usize) {
        if count == self.size {
            self.size = (self.size * 2).min(self.most);
        }
    }

    fn halve(&mut self, count: usize) {
        let half = (count / 2).max(1);
        *self = Self { size: half, most: half };
    }
}

fn one<R, E>(results: Result<Vec<R>, E>) -> Result<R, E> {
    Ok(results?.pop().expect("one result per item"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    /// Device that takes `room` items at once and fails on 13; `asked` receives the sizes of all batches.
    fn device<'a>(
        room: usize,
        asked: &'a mut Vec<usize>,
    ) -> impl FnMut(&[usize]) -> Result<Vec<usize>, Error> + 'a {
        move |items: &[usize]| {
            asked.push(items.len());
            if items.len() > room {
                return Err(device_math::Error::OutOfMemory("64 bytes".to_owned()).into());
            }
            if items.contains(&13) {
                return Err(device_math::Error::Device("13 is broken".to_owned()).into());
            }
            Ok(items.iter().map(|item| item * 10).collect())
        }
    }

    fn auto(first: usize, most: usize) -> BatchSize {
        BatchSize::new(BatchRequest::Auto, true, AutoSizes { shared: 1, first, most })
    }

    #[test]
    fn the_largest_batch_that_fits_is_found_and_kept() {
        let (mut size, mut asked) = (auto(1, 64), Vec::new());
        let items: Vec<usize> = (100..150).collect();
        let results = size.run(&items, &mut device(10, &mut asked), Error::is_out_of_memory);
        let found: Vec<usize> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!(found, items.iter().map(|item| item * 10).collect::<Vec<_>>());
        assert_eq!(asked, [1, 2, 4, 8, 16, 8, 8, 8, 8, 3]);
        assert_eq!(size.get(), 8);
    }

    #[test]
    fn a_requested_size_is_halved_and_never_grows() {
        let asked_for = BatchRequest::Of(NonZeroUsize::new(16).unwrap());
        let sizes = AutoSizes { shared: 8, first: 16, most: 64 };
        let (mut size, mut asked) = (BatchSize::new(asked_for, false, sizes), Vec::new());
        size.run(&[1; 40], &mut device(5, &mut asked), Error::is_out_of_memory)
            .into_iter()
            .for_each(|done| assert!(done.is_ok()));
        assert_eq!(asked, [16, 8, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4]);
        assert_eq!(BatchSize::new(BatchRequest::Auto, false, sizes).get(), 8, "in the CPU's memory");
    }

    #[test]
    fn an_image_that_does_not_fit_alone_fails_alone() {
        let (mut size, mut asked) = (auto(4, 64), Vec::new());
        let results = size.run(&[1, 2, 3], &mut device(0, &mut asked), Error::is_out_of_memory);
        assert_eq!(asked, [3, 1, 1, 1]);
        let said = results.into_iter().map(|result| result.unwrap_err().to_string());
        assert!(said.into_iter().all(|line| line == "the device is out of memory: 64 bytes"));
    }

    #[test]
    fn other_failures_do_not_spoil_the_rest_and_halve_nothing() {
        let (mut size, mut asked) = (auto(4, 4), Vec::new());
        let results = size.run(&[11, 12, 13, 14, 15], &mut device(9, &mut asked), Error::is_out_of_memory);
        let fine: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(fine, [true, true, false, true, true]);
        assert_eq!(size.get(), 4);
    }

    #[test]
    fn batches_are_auto_or_a_number() {
        for text in ["auto", "1", "64"] {
            assert_eq!(text.parse::<BatchRequest>().unwrap().to_string(), text);
        }
        for text in ["", "0", "-1", "all", "1.5"] {
            assert!(text.parse::<BatchRequest>().unwrap_err().contains("expected auto"), "{text}");
        }
    }
}

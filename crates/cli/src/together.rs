//! How many images go through the network together: as many as are asked for, or as a device has room for.

use std::{fmt, num::NonZeroUsize, str::FromStr};

use activate::Error;
use anyhow::Result;

/// What `--batch` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batch {
    /// What the device takes.
    Auto,
    Of(NonZeroUsize),
}

impl FromStr for Batch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(count) => Ok(Self::Of(count)),
            Err(_) if text == "auto" => Ok(Self::Auto),
            Err(_) => Err("expected auto, or a number of at least 1".to_owned()),
        }
    }
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Of(count) => count.fmt(f),
        }
    }
}

/// How many go together now. Where that is left to the device it doubles as long as all goes well; where memory runs out
/// it is halved and stays there, whoever chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Together {
    size: usize,
    /// The most that it may grow to.
    most: usize,
}

/// What [`Batch::Auto`] is.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Where the CPU's memory is what images take: more at once are not faster there.
    pub small: usize,
    /// What a GPU with memory of its own begins with.
    pub first: usize,
    /// What keeps it busy.
    pub most: usize,
}

impl Together {
    pub fn new(batch: Batch, own_memory: bool, sizes: Sizes) -> Self {
        match batch {
            Batch::Of(count) => Self { size: count.get(), most: count.get() },
            Batch::Auto if own_memory => Self { size: sizes.first, most: sizes.most },
            Batch::Auto => Self { size: sizes.small, most: sizes.small },
        }
    }

    pub fn size(self) -> usize {
        self.size
    }

    /// Does all of the work, one result of each item: together, in smaller parts where the device runs out of memory, and
    /// one by one where a part fails otherwise, so that one item does not spoil the others.
    pub fn work<T, R>(
        &mut self,
        items: &[T],
        work: &mut dyn FnMut(&[T]) -> Result<Vec<R>>,
    ) -> Vec<Result<R>> {
        let mut results = Vec::with_capacity(items.len());
        while let Some(part) = items.get(results.len()..).filter(|left| !left.is_empty()) {
            let part = &part[..part.len().min(self.size)];
            match work(part) {
                Ok(done) => {
                    self.went_well(part.len());
                    results.extend(done.into_iter().map(Ok));
                }
                Err(error) if part.len() == 1 => results.push(Err(error)),
                Err(error) if ran_out_of_memory(&error) => self.halve(part.len()),
                Err(_) => results.extend(part.iter().map(|item| one(work(std::slice::from_ref(item))))),
            }
        }
        results
    }

    fn went_well(&mut self, count: usize) {
        if count == self.size {
            self.size = (self.size * 2).min(self.most);
        }
    }

    fn halve(&mut self, count: usize) {
        let half = (count / 2).max(1);
        *self = Self { size: half, most: half };
    }
}

fn ran_out_of_memory(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Error>().is_some_and(Error::is_out_of_memory)
}

fn one<R>(results: Result<Vec<R>>) -> Result<R> {
    results?.pop().ok_or_else(|| anyhow::anyhow!("no result"))
}

#[cfg(test)]
mod tests {
    use activate::extractor::transfer::Failure;

    use super::*;

    /// A device with room for so many at once, which fails on 13, and the sizes that it was asked for.
    fn device<'a>(room: usize, asked: &'a mut Vec<usize>) -> impl FnMut(&[usize]) -> Result<Vec<usize>> + 'a {
        move |items: &[usize]| {
            asked.push(items.len());
            if items.len() > room {
                return Err(Error::from(Failure::OutOfMemory("64 bytes".to_owned())).into());
            }
            anyhow::ensure!(!items.contains(&13), "13 is broken");
            Ok(items.iter().map(|item| item * 10).collect())
        }
    }

    fn auto(first: usize, most: usize) -> Together {
        Together::new(Batch::Auto, true, Sizes { small: 1, first, most })
    }

    #[test]
    fn the_largest_batch_that_fits_is_found_and_kept() {
        let (mut together, mut asked) = (auto(1, 64), Vec::new());
        let items: Vec<usize> = (100..150).collect();
        let results = together.work(&items, &mut device(10, &mut asked));
        let found: Vec<usize> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!(found, items.iter().map(|item| item * 10).collect::<Vec<_>>());
        assert_eq!(asked, [1, 2, 4, 8, 16, 8, 8, 8, 8, 3]);
        assert_eq!(together.size(), 8);
    }

    #[test]
    fn what_was_asked_for_is_halved_too_and_never_grows() {
        let asked_for = Batch::Of(NonZeroUsize::new(16).unwrap());
        let sizes = Sizes { small: 8, first: 16, most: 64 };
        let (mut together, mut asked) = (Together::new(asked_for, false, sizes), Vec::new());
        together
            .work(&[1; 40], &mut device(5, &mut asked))
            .into_iter()
            .for_each(|done| assert!(done.is_ok()));
        assert_eq!(asked, [16, 8, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4]);
        assert_eq!(Together::new(Batch::Auto, false, sizes).size(), 8, "in the CPU's memory");
    }

    #[test]
    fn an_image_that_does_not_fit_alone_fails_alone() {
        let (mut together, mut asked) = (auto(4, 64), Vec::new());
        let results = together.work(&[1, 2, 3], &mut device(0, &mut asked));
        assert_eq!(asked, [3, 1, 1, 1]);
        let said = results.into_iter().map(|result| result.unwrap_err().to_string());
        assert!(said.into_iter().all(|line| line == "the device is out of memory: 64 bytes"));
    }

    #[test]
    fn other_failures_do_not_spoil_the_rest_and_halve_nothing() {
        let (mut together, mut asked) = (auto(4, 4), Vec::new());
        let results = together.work(&[11, 12, 13, 14, 15], &mut device(9, &mut asked));
        let fine: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(fine, [true, true, false, true, true]);
        assert_eq!(together.size(), 4);
    }

    #[test]
    fn batches_are_auto_or_a_number() {
        for text in ["auto", "1", "64"] {
            assert_eq!(text.parse::<Batch>().unwrap().to_string(), text);
        }
        for text in ["", "0", "-1", "all", "1.5"] {
            assert!(text.parse::<Batch>().unwrap_err().contains("expected auto"), "{text}");
        }
    }
}

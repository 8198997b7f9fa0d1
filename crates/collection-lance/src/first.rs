//! First values of a stream, in their order.

use std::collections::BinaryHeap;

/// At most so many of the smallest values of a stream. Memory is taken for these alone.
pub struct First<T> {
    most: usize,
    kept: BinaryHeap<T>,
    is_cut: bool,
}

impl<T: Ord> First<T> {
    /// Keeps at most `most` values.
    pub fn new(most: usize) -> Self {
        Self { most, kept: BinaryHeap::new(), is_cut: false }
    }

    /// Takes a value of the stream.
    pub fn push(&mut self, value: T) {
        if self.kept.len() < self.most {
            self.kept.push(value);
            return;
        }
        self.is_cut = true;
        if let Some(mut largest) = self.kept.peek_mut()
            && value < *largest
        {
            *largest = value;
        }
    }

    /// Values that are kept, ascending, and true if the stream had more.
    pub fn into_sorted(self) -> (Vec<T>, bool) {
        (self.kept.into_sorted_vec(), self.is_cut)
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn they_are_those_of_a_sorted_list() {
        let mut rng = StdRng::seed_from_u64(3);
        for most in [0, 1, 2, 7, 40, 41, usize::MAX] {
            let mut values: Vec<u32> = (0..40).map(|_| rng.random_range(0..50)).collect();
            let mut first = First::new(most);
            values.iter().for_each(|value| first.push(*value));
            values.sort_unstable();
            let is_cut = values.len() > most;
            values.truncate(most);
            assert_eq!(first.into_sorted(), (values, is_cut), "{most}");
        }
    }
}

//! Values of at least 0, counted in groups of one width.

use std::collections::BTreeMap;

/// Counts of the values in `[i width, (i + 1) width)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Grouped {
    width: f64,
    counts: BTreeMap<u32, u64>,
}

impl Grouped {
    /// Groups of a width, without values.
    pub fn new(width: f64) -> Self {
        Self { width, counts: BTreeMap::new() }
    }

    /// Groups of a width, with values.
    #[cfg(test)]
    pub fn of(values: impl IntoIterator<Item = f64>, width: f64) -> Self {
        let mut grouped = Self::new(width);
        values.into_iter().for_each(|value| grouped.add(value, 1));
        grouped
    }

    /// Adds a value `count` times; one below 0 counts as 0.
    pub fn add(&mut self, value: f64, count: u64) {
        // Values on an edge belong to the group above it, also after rounding.
        *self.counts.entry((value / self.width + 1e-9) as u32).or_default() += count;
    }

    /// Width of the groups.
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Number of values.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Groups that end at `end` or before: first value, end, count.
    pub fn within(&self, end: f64) -> impl Iterator<Item = (f64, f64, u64)> {
        let edges = self.counts.iter().map(|(&group, &count)| {
            let from = f64::from(group);
            (from * self.width, (from + 1.0) * self.width, count)
        });
        edges.take_while(move |(_, to, _)| *to <= end + 1e-9)
    }

    /// Number of values in the groups that end at `end` or before.
    pub fn count_within(&self, end: f64) -> u64 {
        self.within(end).map(|(_, _, count)| count).sum()
    }

    /// End of the last group with values that ends at `end` or before.
    pub fn last_within(&self, end: f64) -> Option<f64> {
        self.within(end).map(|(_, to, _)| to).last()
    }

    /// End of the group in which a share of the values is reached.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = share * self.total() as f64;
        let mut below = 0;
        let reached = |(_, _, count): &(f64, f64, u64)| {
            below += count;
            below as f64 >= wanted
        };
        self.within(f64::INFINITY).find(reached).map(|(_, to, _)| to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_in_their_groups() {
        let grouped = Grouped::of([0.0, 0.05, 0.1, 0.19, 0.7], 0.1);
        assert_eq!(grouped.total(), 5);
        assert_eq!(grouped.count_within(0.2), 4);
        assert_eq!(grouped.quantile(0.4), Some(0.1));
        assert!((grouped.last_within(0.5).unwrap() - 0.2).abs() < 1e-12);
        assert_eq!(Grouped::new(1.0).last_within(f64::INFINITY), None);
    }
}

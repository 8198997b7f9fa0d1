//! Cost of lookups.

use serde::Serialize;

use super::lookup::Lookup;

/// Mean cost of lookups.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Number of lookups.
    pub lookups: usize,
    /// Mean number of views that were described.
    pub looks: f64,
    /// Mean number of cells that were visited by all views.
    pub cells: f64,
    /// Mean number of entries whose pictures were compared.
    pub comparisons: f64,
    /// Mean duration in milliseconds.
    pub milliseconds: f64,
}

impl Cost {
    /// Returns the mean cost of lookups; `None` without any.
    pub fn of<'a>(lookups: impl Iterator<Item = &'a Lookup>) -> Option<Self> {
        let (mut count, mut sums) = (0_usize, [0.0; 4]);
        for Lookup { looks, cells, comparisons, seconds, .. } in lookups {
            let own = [*looks as f64, *cells as f64, *comparisons as f64, 1e3 * seconds];
            sums.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
            count += 1;
        }
        let [looks, cells, comparisons, milliseconds] = sums.map(|sum| sum / count as f64);
        (count > 0).then_some(Self { lookups: count, looks, cells, comparisons, milliseconds })
    }
}

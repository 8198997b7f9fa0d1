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
    /// Mean duration in milliseconds; `None` if that of a lookup is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<f64>,
}

impl Cost {
    /// Returns the mean cost of lookups; `None` without any.
    pub fn of<'a>(lookups: impl Iterator<Item = &'a Lookup>) -> Option<Self> {
        let (mut count, mut sums, mut duration) = (0_usize, [0.0; 3], Some(0.0));
        for Lookup { looks, cells, comparisons, seconds, .. } in lookups {
            let own = [*looks, *cells, *comparisons].map(|number| number as f64);
            sums.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
            duration = duration.zip(*seconds).map(|(sum, own)| sum + own);
            count += 1;
        }
        let [looks, cells, comparisons] = sums.map(|sum| sum / count as f64);
        let milliseconds = duration.map(|sum| 1e3 * sum / count as f64);
        (count > 0).then_some(Self { lookups: count, looks, cells, comparisons, milliseconds })
    }
}

//! Score normalisation by a background.

use std::ops::Range;

/// Neighbours in the background whose similarity is subtracted, from 0: those of SSCD's evaluation (Pizzi et al. 2022,
/// section 5.2).
pub const BACKGROUND_NEIGHBOURS: Range<usize> = 0..2;

/// Subtracts from a score `weight` times the query's mean similarity to [`BACKGROUND_NEIGHBOURS`], images that it is no copy
/// of.
///
/// `background` holds the query's similarities to its nearest background images, highest first, on the scale of `score`.
/// An empty one leaves the score unchanged.
///
/// ```
/// assert_eq!(active_index_evaluation::copy_detection::normalise(0.9, &[0.5, 0.25, 0.1], 1.0), 0.525);
/// ```
pub fn normalise(score: f64, background: &[f64], weight: f64) -> f64 {
    let Range { start, end } = BACKGROUND_NEIGHBOURS;
    let nearest = &background[start.min(background.len())..end.min(background.len())];
    match nearest {
        [] => score,
        _ => score - weight * nearest.iter().sum::<f64>() / nearest.len() as f64,
    }
}

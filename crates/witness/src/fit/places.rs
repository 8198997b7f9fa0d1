//! Count of distinct places: several keypoints at one corner, at different levels, are one witness.

use super::{affine::Affine, pair::Pair};

/// Least distance of two places, pixels of the entry and, scaled by the fit, of the query.
const APART: f64 = 8.0;

/// Keeps, nearest descriptor first, the pairs whose places are apart on both sides.
pub(super) fn distinct(pairs: &[Pair], map: &Affine) -> Vec<Pair> {
    let mut sorted: Vec<&Pair> = pairs.iter().collect();
    sorted.sort_by_key(|pair| pair.distance);
    // In a reduced query, places apart in the entry may share a pixel.
    let radii = [APART, APART * map.determinant().abs().sqrt()];
    let mut kept: Vec<Pair> = Vec::new();
    for pair in sorted {
        let is_apart = |other: &Pair| (0..2).all(|side| squared(pair, other, side) >= radii[side].powi(2));
        if kept.iter().all(is_apart) {
            kept.push(*pair);
        }
    }
    kept
}

fn squared(a: &Pair, b: &Pair, side: usize) -> f64 {
    let ([x, y], [u, v]) = (a.places[side], b.places[side]);
    (x - u).powi(2) + (y - v).powi(2)
}

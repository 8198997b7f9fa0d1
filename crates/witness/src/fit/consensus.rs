//! Map of an entry to a query that most matches agree with.
//!
//! RANSAC (Fischler, Bolles, CACM 24(6), 1981) without chance: every two of the nearest matches, if the turn and the scale
//! that each says by itself fit the two, propose a similarity. The best one is refined by least squares on what agrees
//! (Chum, Matas, Kittler: *Locally optimized RANSAC*, DAGM 2003), affine where there is enough, and then collects
//! further pairs where it says they should be.

use super::{
    affine::{Affine, Weighted},
    guided::guided,
    pair::Pair,
    places::distinct,
};
use crate::features::Features;

/// Matches that propose; the nearest ones.
const PROPOSING: usize = 120;
/// Least distance of two that propose, pixels of the entry.
const APART: f64 = 10.0;
/// Largest error of a match that agrees, pixels of the entry: at first, and refined.
const ERRORS: [f64; 4] = [6.0, 6.0, 5.0, 4.0];
/// Matches that an affine map needs; fewer give a similarity.
const AFFINE: usize = 9;
/// Matches that agree with a proposal by no chance, so that no better one is looked for.
const ENOUGH: usize = 40;
/// Matches of a proposal that is worth refining.
const LEAST: usize = 3;

/// Best map and what agrees with it.
#[derive(Debug, Clone)]
pub(crate) struct Consensus {
    /// Map from pixels of the entry to pixels of the query.
    pub map: Affine,
    /// Distinct places that agree.
    pub inliers: usize,
}

/// Finds the map with most agreement. `pairs` are sorted, nearest first.
pub(crate) fn consensus(pairs: &[Pair], entry: &Features, query: &Features) -> Option<Consensus> {
    let proposed = propose(pairs)?;
    let mut map = proposed;
    for error in ERRORS {
        map = refined(&agreeing(pairs, &map, error), &map)?;
    }
    for error in [6.0, 4.0] {
        map = refined(&guided(&map, entry, query, error), &map)?;
    }
    let inliers = distinct(&guided(&map, entry, query, ERRORS[3]), &map).len();
    Some(Consensus { map, inliers })
}

/// Similarity of two matches that most of all agree with.
fn propose(pairs: &[Pair]) -> Option<Affine> {
    let proposing = &pairs[..pairs.len().min(PROPOSING)];
    let mut best = (LEAST - 1, None);
    for (i, a) in proposing.iter().enumerate() {
        for map in proposing[..i].iter().filter_map(|b| similarity(a, b)) {
            let count = count(pairs, &map, ERRORS[0]);
            if count > best.0 {
                best = (count, Some(map));
            }
            if count >= ENOUGH {
                return Some(map);
            }
        }
    }
    best.1
}

/// Similarity that takes both places of the entry to those of the query, if both patches turn and scale like it.
fn similarity(a: &Pair, b: &Pair) -> Option<Affine> {
    let [from, to] = [0, 1].map(|side| [0, 1].map(|axis| b.places[side][axis] - a.places[side][axis]));
    let square = from[0] * from[0] + from[1] * from[1];
    if square < APART * APART {
        return None;
    }
    let re = (from[0] * to[0] + from[1] * to[1]) / square;
    let im = (from[0] * to[1] - from[1] * to[0]) / square;
    (a.is_like([re, im]) && b.is_like([re, im])).then(|| Affine::similarity([re, im], a.places))
}

fn count(pairs: &[Pair], map: &Affine, error: f64) -> usize {
    let (turn, limit) = (map.turn(), squared_limit(map, error));
    pairs.iter().filter(|pair| pair.squared_error(map) <= limit && pair.is_like(turn)).count()
}

fn agreeing(pairs: &[Pair], map: &Affine, error: f64) -> Vec<Pair> {
    let (turn, limit) = (map.turn(), squared_limit(map, error));
    pairs.iter().filter(|pair| pair.squared_error(map) <= limit && pair.is_like(turn)).copied().collect()
}

/// Squared error in pixels of the query for one in pixels of the entry.
pub(super) fn squared_limit(map: &Affine, error: f64) -> f64 {
    error * error * map.determinant().abs()
}

/// Least-squares map of the pairs; `old` where they do not determine a better one, `None` where a map is no sane one.
fn refined(pairs: &[Pair], old: &Affine) -> Option<Affine> {
    let kept = distinct(pairs, old);
    let places: Vec<Weighted> = kept.iter().map(|pair| (pair.places, pair.weight)).collect();
    let affine = (kept.len() >= AFFINE).then(|| Affine::fit(&places)).flatten().filter(is_sane);
    let similarity = || if kept.len() >= 2 { Affine::fit_similarity(&places) } else { None };
    Some(affine.or_else(similarity).unwrap_or(*old)).filter(is_sane)
}

/// Checks that a map keeps its side and neither shrinks a picture to nothing nor to a line.
fn is_sane(map: &Affine) -> bool {
    let [large, small] = map.stretches();
    map.determinant() > 0.0 && small >= 0.05 && large <= 20.0 && large <= 2.6 * small
}

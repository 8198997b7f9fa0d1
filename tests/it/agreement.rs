//! Agreement of answers with faiss's.

use index::{Neighbours, RangeNeighbours};

use crate::fixtures::Array;

/// Tolerance relative to the largest distance found for any query. For many queries at once faiss computes
/// `|x|^2 + |y|^2 - 2 x y`: the terms have about that size, and the distance of a near neighbour can be much
/// smaller. For one query at a time faiss itself differs from that by 7e-6 of the largest distance of the
/// query.
const TOLERANCE: f32 = 1e-5;

/// faiss's answers to all queries: `[n, k]`, or the results of a range search.
pub struct Answers {
    /// Distances in faiss's order.
    pub distances: Vec<f32>,
    /// Ids; -1 if there is no neighbour.
    pub ids: Vec<i64>,
}

impl Answers {
    /// From golden arrays.
    pub fn from_arrays(distances: &Array, ids: &Array) -> Self {
        assert_eq!(distances.values.len(), ids.values.len());
        Self {
            distances: distances.values.iter().map(|&v| v as f32).collect(),
            ids: ids.values.iter().map(|&v| v as i64).collect(),
        }
    }

    /// Largest allowed error of a distance.
    fn tolerance(&self) -> f32 {
        let real = self.distances.iter().zip(&self.ids).filter(|&(_, &id)| id >= 0);
        TOLERANCE * real.map(|(distance, _)| distance.abs()).fold(f32::MIN_POSITIVE, f32::max)
    }
}

/// One query's neighbours.
#[derive(Clone, Copy)]
struct Row<'a> {
    distances: &'a [f32],
    ids: &'a [i64],
}

impl Row<'_> {
    /// Returns true if another neighbour is as near as number `i`: one of the list, or one just beyond its
    /// end.
    fn is_tied(self, i: usize, tolerance: f32) -> bool {
        let is_near = |j: usize| (self.distances[j] - self.distances[i]).abs() <= 2.0 * tolerance;
        is_near(self.ids.len() - 1) || (0..self.ids.len()).any(|j| j != i && is_near(j))
    }
}

/// Asserts the same distances, and the same ids except where a tie explains a swap.
pub fn agree(name: &str, found: &Neighbours, expected: &Answers) {
    assert_eq!(found.ids.len(), expected.ids.len(), "{name}");
    let tolerance = expected.tolerance();
    let rows = expected.distances.chunks_exact(found.k).zip(expected.ids.chunks_exact(found.k));
    let lower = name.to_lowercase();
    let (is_fast_scan, is_refined) = (
        lower.contains("4fs"),
        lower.contains("rflat") || lower.contains("refine") || lower.contains('+') || lower.contains("plus"),
    );
    let mut excused = 0;
    for (query, (distances, ids)) in rows.enumerate() {
        let found = Row { distances: found.distances_of(query), ids: found.ids_of(query) };
        let Err(difference) = agree_in_row(found, Row { distances, ids }, tolerance) else { continue };
        excused += 1;
        let is_excused = is_fast_scan && is_tip(found.distances, distances, tolerance)
            || is_refined && is_cut_elsewhere(found.ids, ids);
        assert!(is_excused, "{name}, query {query}: {difference}");
    }
    assert!(excused * 20 <= expected.ids.len() / found.k, "{name}: {excused} queries differ");
}

/// Returns true if rounding in fast scan explains the difference. Fast scan rounds the entries of its look-up
/// tables to 8 bits, and another order of float32 sums may round an entry the other way. That moves a
/// distance by one 255th of the widest row of a table, here at most 0.5 % of the distance, and may change the
/// order. Allowed for one query in 20.
fn is_tip(found: &[f32], expected: &[f32], tolerance: f32) -> bool {
    found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 500.0 * tolerance)
}

/// Returns true if another choice of candidates explains the difference. Candidates for re-ranking end at the
/// `k`-th by code; if the next code is as near, the order of float32 sums decides between them. Allowed for
/// one query in 20.
fn is_cut_elsewhere(found: &[i64], expected: &[i64]) -> bool {
    expected.iter().filter(|id| !found.contains(id)).count() == 1
}

fn agree_in_row(found: Row<'_>, expected: Row<'_>, tolerance: f32) -> Result<(), String> {
    for i in 0..expected.ids.len() {
        let (mine, theirs) = (found.distances[i], expected.distances[i]);
        let (id, expected_id) = (found.ids[i], expected.ids[i]);
        if (id < 0) != (expected_id < 0) {
            return Err(format!("{i}: id {id} for {expected_id}"));
        }
        if expected_id < 0 {
            continue;
        }
        if (mine - theirs).abs() > tolerance {
            return Err(format!("{i}: distance {mine} for {theirs}"));
        }
        if id != expected_id && !expected.is_tied(i, tolerance) {
            return Err(format!("{i}: id {id} for {expected_id} without a tie"));
        }
    }
    Ok(())
}

/// Asserts the same ids and distances in any order; `limits` are faiss's.
pub fn agree_in_range(name: &str, found: &RangeNeighbours, limits: &[usize], expected: &Answers) {
    assert_eq!(found.limits, limits, "{name}: limits");
    let ours = by_id(limits, &found.distances, &found.ids);
    let theirs = by_id(limits, &expected.distances, &expected.ids);
    for ((query, ours), theirs) in ours.iter().enumerate().zip(&theirs) {
        for (mine, their) in ours.iter().zip(theirs) {
            let close = (mine.1 - their.1).abs() <= expected.tolerance();
            assert!(mine.0 == their.0 && close, "{name}, query {query}: {mine:?} for {their:?}");
        }
    }
}

/// (id, distance) pairs of every query, ordered by id.
fn by_id(limits: &[usize], distances: &[f32], ids: &[i64]) -> Vec<Vec<(i64, f32)>> {
    let of_query = |limits: &[usize]| {
        let range = limits[0]..limits[1];
        let mut pairs: Vec<_> =
            ids[range.clone()].iter().copied().zip(distances[range].iter().copied()).collect();
        pairs.sort_by_key(|&(id, _)| id);
        pairs
    };
    limits.windows(2).map(of_query).collect()
}

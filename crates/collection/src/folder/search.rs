//! Search of all segments and of the entries in memory.

use half::f16;
use index::{EntryLists, FoundEntry, Index, ProbedVectors};
use rayon::prelude::*;
use simd::prefetch_second_level;

use super::view::View;
use crate::{cosine::Query, engine::Candidate, error::Result};

/// Descriptors prefetched ahead of the one being compared, because they are scattered in memory.
const AHEAD: usize = 8;

/// The `k` live entries of the largest cosines among the `compared` nearest codes; see
/// [`Engine::nearest`](crate::Engine::nearest). If `allowed` is given, only these ids, which are ascending.
pub fn nearest(
    view: &View,
    quantiser: &Index,
    probed: &ProbedVectors,
    queries: &[f32],
    (compared, k): (usize, usize),
    allowed: Option<&[i64]>,
) -> Result<Vec<Vec<Candidate>>> {
    let passes = |id: i64| {
        view.withdrawn.binary_search(&id).is_err()
            && allowed.is_none_or(|allowed| allowed.binary_search(&id).is_ok())
    };
    let parts: Vec<&EntryLists> =
        view.segments.iter().map(|segment| &segment.lists).chain([&view.fresh.lists]).collect();
    let query = |i: usize| &queries[i * quantiser.d()..][..quantiser.d()];
    if view.withdrawn.is_empty() && allowed.is_none() {
        let each = |i, row: Vec<FoundEntry>| nearest_of(ranked(view, &row, query(i)), k);
        return Ok(quantiser.search_lists_with(&parts, probed, compared, each)?);
    }
    let mut asked = compared;
    let rows = loop {
        let mut rows = quantiser.search_lists(&parts, probed, asked)?;
        let cut_off: Vec<bool> = rows.iter().map(|row| row.len() == asked).collect();
        rows.iter_mut().for_each(|row| row.retain(|entry| passes(entry.id)));
        // Where others took the places of live entries, more must be looked at.
        let lacking = rows.iter().zip(cut_off).any(|(row, cut_off)| cut_off && row.len() < compared);
        if !lacking {
            break rows;
        }
        asked = asked.saturating_mul(2);
    };
    let rank = |(i, row): (usize, &Vec<FoundEntry>)| {
        nearest_of(ranked(view, &row[..compared.min(row.len())], query(i)), k)
    };
    match rows.as_slice() {
        // Waking a thread costs as much as ranking one query.
        [only] => Ok(vec![rank((0, only))]),
        _ => Ok(rows.par_iter().enumerate().map(rank).collect()),
    }
}

/// The entries found for a query with their cosines.
fn ranked(view: &View, row: &[FoundEntry], query: &[f32]) -> Vec<Candidate> {
    let query = Query::new(query);
    let descriptors: Vec<&[f16]> = row.iter().map(|found| view.descriptor(found)).collect();
    descriptors.iter().take(AHEAD).for_each(|first| prefetch_second_level(first));
    let candidate = |(place, (found, descriptor)): (usize, (&FoundEntry, &&[f16]))| {
        descriptors.get(place + AHEAD).into_iter().for_each(|ahead| prefetch_second_level(ahead));
        Candidate { id: found.id, distance: found.distance, cosine: query.cosine(descriptor) }
    };
    row.iter().zip(&descriptors).enumerate().map(candidate).collect()
}

/// The `k` candidates of the largest cosines, the largest first.
fn nearest_of(candidates: Vec<Candidate>, k: usize) -> Vec<Candidate> {
    let order = |a: &Candidate, b: &Candidate| b.cosine.total_cmp(&a.cosine).then(a.id.cmp(&b.id));
    let mut nearest: Vec<Candidate> = Vec::with_capacity(k.min(candidates.len()) + 1);
    for candidate in candidates {
        if nearest.len() < k || nearest.last().is_some_and(|last| order(&candidate, last).is_lt()) {
            let place = nearest.partition_point(|other| order(other, &candidate).is_lt());
            nearest.insert(place, candidate);
            nearest.truncate(k);
        }
    }
    nearest
}

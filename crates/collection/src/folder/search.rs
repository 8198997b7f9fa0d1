//! Search of all segments and of the entries in memory.

use index::{EntryLists, FoundEntry, Index, ProbedVectors};
use rayon::prelude::*;
use simd::prefetch;

use super::view::View;
use crate::{cosine::Query, engine::Candidate, error::Result};

/// Descriptors prefetched ahead of the one being compared, because they are scattered in memory.
const AHEAD: usize = 4;

/// The `k` nearest live entries of each query by the distances of their codes; see
/// [`Engine::nearest`](crate::Engine::nearest). If `allowed` is given, only these ids, which are ascending.
pub fn nearest(
    view: &View,
    quantiser: &Index,
    probed: &ProbedVectors,
    queries: &[f32],
    k: usize,
    allowed: Option<&[i64]>,
) -> Result<Vec<Vec<Candidate>>> {
    let passes = |id: i64| {
        view.withdrawn.binary_search(&id).is_err()
            && allowed.is_none_or(|allowed| allowed.binary_search(&id).is_ok())
    };
    let all_pass = view.withdrawn.is_empty() && allowed.is_none();
    let parts: Vec<&EntryLists> = view.parts().collect();
    let mut asked = k;
    let mut rows = loop {
        let mut rows = quantiser.search_lists(&parts, probed, asked)?;
        let full = |row: &Vec<FoundEntry>| row.len() == asked;
        let cut_off: Vec<bool> = rows.iter().map(full).collect();
        if !all_pass {
            rows.iter_mut().for_each(|row| row.retain(|entry| passes(entry.id)));
        }
        // Where others took the places of live entries, more must be looked at.
        let lacking = rows.iter().zip(cut_off).any(|(row, cut_off)| cut_off && row.len() < k);
        if !lacking {
            break rows;
        }
        asked = asked.saturating_mul(2);
    };
    rows.iter_mut().for_each(|row| row.truncate(k));
    let rank = |(row, query): (&Vec<FoundEntry>, &[f32])| ranked(view, row, query);
    match *rows {
        // Waking a thread costs as much as ranking one query.
        [ref row] => Ok(vec![rank((row, queries))]),
        _ => Ok(rows.par_iter().zip(queries.par_chunks_exact(quantiser.d())).map(rank).collect()),
    }
}

/// The entries found for a query with their cosines.
fn ranked(view: &View, row: &[FoundEntry], query: &[f32]) -> Vec<Candidate> {
    let query = Query::new(query);
    let candidate = |(place, found): (usize, &FoundEntry)| {
        row.get(place + AHEAD).into_iter().for_each(|ahead| prefetch(view.descriptor(ahead)));
        let cosine = query.cosine(view.descriptor(found));
        Candidate { id: found.id, distance: found.distance, cosine }
    };
    row.iter().enumerate().map(candidate).collect()
}

//! Search of all segments and of the entries in memory.

use half::f16;
use index::{FoundEntry, Index, Metric, ProbedVectors};
use rayon::prelude::*;

use super::view::View;
use crate::{cosine::Query, engine::Candidate, error::Result};

/// Entry found in one of the places of a view.
#[derive(Clone, Copy)]
struct Place {
    found: FoundEntry,
    /// Number of the segment; their number for the entries in memory.
    part: usize,
}

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
    let mut rows: Vec<Vec<Place>> = vec![Vec::new(); queries.len() / quantiser.d()];
    let lists = view.segments.iter().map(|segment| &segment.lists).chain([&view.fresh.lists]);
    for (part, lists) in lists.enumerate() {
        let mut asked = k;
        let found = loop {
            let mut found = quantiser.search_lists(lists, probed, asked)?;
            let full = |row: &Vec<FoundEntry>| row.len() == asked;
            let cut_off: Vec<bool> = found.iter().map(full).collect();
            if !all_pass {
                found.iter_mut().for_each(|row| row.retain(|entry| passes(entry.id)));
            }
            // Where others took the places of live entries, more must be looked at.
            let lacking = found.iter().zip(cut_off).any(|(row, cut_off)| cut_off && row.len() < k);
            if !lacking {
                break found;
            }
            asked = asked.saturating_mul(2);
        };
        let places = |row: Vec<FoundEntry>| row.into_iter().take(k).map(move |found| Place { found, part });
        rows.iter_mut().zip(found).for_each(|(row, found)| row.extend(places(found)));
    }
    let rank = |(row, query): (&mut Vec<Place>, &[f32])| ranked(view, quantiser.metric(), row, query, k);
    Ok(rows.par_iter_mut().zip(queries.par_chunks_exact(quantiser.d())).map(rank).collect())
}

/// The `k` nearest of the places found for a query, with their cosines.
fn ranked(view: &View, metric: Metric, row: &mut Vec<Place>, query: &[f32], k: usize) -> Vec<Candidate> {
    let key = |place: &Place| match metric {
        Metric::L2 => place.found.distance,
        Metric::InnerProduct => -place.found.distance,
    };
    row.sort_unstable_by(|a, b| key(a).total_cmp(&key(b)).then(a.found.id.cmp(&b.found.id)));
    row.truncate(k);
    let mut query = Query::new(query);
    let candidate = |place: &Place| Candidate {
        id: place.found.id,
        distance: place.found.distance,
        cosine: query.cosine(descriptor(view, place)),
    };
    row.iter().map(candidate).collect()
}

fn descriptor<'a>(view: &'a View, place: &Place) -> &'a [f16] {
    match view.segments.get(place.part) {
        Some(segment) => segment.descriptors.row(segment.row(&place.found)),
        None => view.fresh.descriptor(&place.found),
    }
}

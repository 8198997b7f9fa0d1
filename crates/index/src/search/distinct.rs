//! Searches that return each id once, although several entries may carry it.

use std::collections::HashSet;

use super::candidates::Candidate;
use crate::{error::Result, vectors::Vectors};

/// Keeps the nearest candidate of each id.
pub(crate) fn keep_distinct(row: &mut Vec<Candidate>) {
    let mut ids: Vec<i64> = row.iter().map(|candidate| candidate.id).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        let mut seen = HashSet::with_capacity(row.len());
        row.retain(|candidate| seen.insert(candidate.id));
    }
}

/// Finds the `keep` nearest distinct ids of each query, nearest first, in an index of `ntotal` entries
/// searched by `nearest`. If ids repeat among the candidates, searches again with a doubled number.
pub(crate) fn distinct(
    queries: &Vectors,
    keep: usize,
    ntotal: usize,
    nearest: impl Fn(&Vectors, usize) -> Result<Vec<Vec<Candidate>>>,
) -> Result<Vec<Vec<Candidate>>> {
    let mut rows = nearest(queries, keep)?;
    let mut lacking = Vec::new();
    for (query, row) in rows.iter_mut().enumerate() {
        let was_full = row.len() == keep;
        keep_distinct(row);
        lacking.extend((was_full && row.len() < keep).then_some(query));
    }
    let mut k = keep;
    while !lacking.is_empty() && k < ntotal {
        k = k.saturating_mul(2).min(ntotal);
        let found = nearest(&queries.select(&lacking), k)?;
        let mut still = Vec::new();
        for (&query, mut row) in lacking.iter().zip(found) {
            let was_full = row.len() == k;
            keep_distinct(&mut row);
            still.extend((was_full && row.len() < keep).then_some(query));
            row.truncate(keep);
            rows[query] = row;
        }
        lacking = still;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(key: f32, id: i64) -> Candidate {
        Candidate { key, id }
    }

    #[test]
    fn an_id_is_kept_at_its_smallest_distance() {
        let mut row: Vec<Candidate> =
            [(1.0, 4), (1.5, 2), (2.0, 4), (3.0, 7), (3.0, 2)].map(|(key, id)| candidate(key, id)).into();
        keep_distinct(&mut row);
        assert_eq!(row, [candidate(1.0, 4), candidate(1.5, 2), candidate(3.0, 7)]);
    }
}

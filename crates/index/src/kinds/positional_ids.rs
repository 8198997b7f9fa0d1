//! Indexes without ids of their own, as faiss has them: an entry's id is its position.

use std::collections::HashSet;

use crate::{Error, Result, stored_bytes::Bytes};

/// The file format keeps no ids here: only those that entries after `ntotal` get anyway are taken.
pub(crate) fn check(ntotal: usize, ids: &[i64]) -> Result<()> {
    let next = ntotal as i64..;
    match ids.iter().zip(next).find(|&(&id, expected)| id != expected) {
        Some((id, expected)) => Err(Error::argument(
            "id in an index without inverted file",
            format!("its position {expected}"),
            id,
        )),
        None => Ok(()),
    }
}

/// Removes the rows of `row` bytes at some positions; those behind move up. Says how many there were.
pub(crate) fn remove(rows: &mut Bytes, row: usize, positions: &HashSet<i64>) -> usize {
    let ntotal = rows.len() / row;
    let kept = (0..ntotal).filter(|&position| !positions.contains(&(position as i64)));
    let kept: Vec<u8> =
        kept.flat_map(|position| &rows[position * row..(position + 1) * row]).copied().collect();
    let removed = ntotal - kept.len() / row;
    if removed > 0 {
        *rows = Bytes::Owned(kept);
    }
    removed
}

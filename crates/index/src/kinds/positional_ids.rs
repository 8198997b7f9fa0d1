//! Ids of indexes that store none: an entry's id is its position, as in faiss.

use std::collections::HashSet;

use crate::{
    error::{Error, Result},
    stored_bytes::Bytes,
};

/// Checks that `ids` are the positions the new entries get anyway, because the file format stores no ids.
pub(crate) fn check(ntotal: usize, ids: &[i64]) -> Result<()> {
    let next = ntotal as i64..;
    match ids.iter().zip(next).find(|&(&id, expected)| id != expected) {
        Some((id, expected)) => Err(Error::argument(
            "id in an index without an inverted file",
            format!("its position {expected}"),
            id,
        )),
        None => Ok(()),
    }
}

/// Removes the rows of `row` bytes at `positions`, shifting later rows down, and returns the number removed.
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

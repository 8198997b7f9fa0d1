//! `index remove`: removes entries from an index.

use anyhow::{Context, Result};
use burn::tensor::Device;
use image_file::path_text;
use index::Index;

use super::{Change, open, save};
use crate::{
    args::{IdSet, IdSpan, IndexRemove},
    session::Session,
    side_files::{
        entry_ids,
        entry_names::{self, Names},
    },
};

/// Maximum number of ids without an entry that the message lists.
const LISTED: usize = 5;

/// Removes entries, and reports the ids that have none.
///
/// # Errors
/// If a file cannot be read or written, or the index does not support removal.
pub fn remove(arguments: &IndexRemove, device: &Device, session: &Session) -> Result<(Index, Change)> {
    let path = &arguments.index;
    let _lock = session.lock(path)?;
    let mut index = open(path, device)?;
    let file = arguments.ids_file.as_deref().map(entry_ids::read).transpose()?.unwrap_or_default();
    let asked: IdSet = arguments.ids.iter().copied().chain(file.into_iter().map(IdSpan::from)).collect();
    let found = found(&index, &asked);
    let missing = asked.len() - found.len() as u64;
    let removed = index.remove(&found).with_context(|| path_text(path))?;
    if removed > 0 {
        let names = entry_names::of_entries(path, index.ntotal() + removed)?;
        save(&index, path, Some(without(names, &found, index.ids_are_positions())))?;
    }
    if missing > 0 {
        session.failure(&path_text(path), &refusal(&asked, &found, missing));
    }
    Ok((index, Change { removed: Some(removed), missing: Some(missing), ..Change::default() }))
}

/// Returns the ids asked for that have an entry, in ascending order, each once.
fn found(index: &Index, asked: &IdSet) -> Vec<i64> {
    let mut found = index.ids();
    found.retain(|&id| asked.contains(id));
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns the names of the entries that remain. If ids are positions, names move up with their entries.
fn without(names: Names, removed: &[i64], positions: bool) -> Names {
    let stay = |(id, name): (i64, String)| match removed.binary_search(&id) {
        Ok(_) => None,
        Err(before) if positions => Some((id - before as i64, name)),
        Err(_) => Some((id, name)),
    };
    names.into_iter().filter_map(stay).collect()
}

/// Returns the message about ids without an entry.
fn refusal(asked: &IdSet, found: &[i64], missing: u64) -> String {
    let absent = asked.iter().filter(|id| found.binary_search(id).is_err());
    let listed: Vec<String> = absent.take(LISTED).map(|id| id.to_string()).collect();
    let more = if missing > LISTED as u64 { ", ..." } else { "" };
    format!("{missing} of {} ids have no entry: {}{more}", asked.len(), listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_entries() {
        let names = |pairs: &[(i64, &str)]| -> Names {
            pairs.iter().map(|&(id, name)| (id, name.to_owned())).collect()
        };
        let all = names(&[(0, "a"), (1, "b"), (3, "d"), (4, "e"), (9, "j")]);
        let kept = names(&[(0, "a"), (4, "e"), (9, "j")]);
        assert_eq!(without(all.clone(), &[1, 3, 5], false), kept);
        let moved = names(&[(0, "a"), (2, "e"), (6, "j")]);
        assert_eq!(without(all, &[1, 3, 5], true), moved);
    }

    #[test]
    fn only_some_of_many_missing_ids_are_listed() {
        let asked: IdSet =
            ["3", "10..=1000000000000"].iter().map(|text| text.parse::<IdSpan>().unwrap()).collect();
        let found = [3, 10, 12, 13, 15];
        let missing = asked.len() - found.len() as u64;
        assert_eq!(
            refusal(&asked, &found, missing),
            "999999999987 of 999999999992 ids have no entry: 11, 14, 16, 17, 18, ..."
        );
    }
}

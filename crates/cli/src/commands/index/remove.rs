//! `index remove`.

use anyhow::{Context, Result};
use burn::tensor::Device;
use index::Index;

use super::{Change, open, read_ids, save};
use crate::{
    args::IndexRemove,
    ids::{IdSet, IdSpan},
    names::{self, Names},
    output::Output,
};

/// Ids that are listed where they are in no entry.
const LISTED: usize = 5;

/// Removes the entries that are there, and says which are not.
pub fn remove(arguments: &IndexRemove, device: &Device, output: &Output) -> Result<(Index, Change)> {
    let path = &arguments.index;
    let mut index = open(path, device)?;
    let file = arguments.ids_file.as_deref().map(read_ids).transpose()?.unwrap_or_default();
    let asked: IdSet = arguments.ids.iter().copied().chain(file.into_iter().map(IdSpan::from)).collect();
    let found = found(&index, &asked);
    let missing = asked.len() - found.len() as u64;
    let removed = index.remove(&found).with_context(|| path.display().to_string())?;
    if removed > 0 {
        let names = names::of_entries(path, index.ntotal() + removed)?;
        save(&index, path, Some(without(names, &found, index.ids_are_positions())))?;
    }
    if missing > 0 {
        output.failure(&path.display().to_string(), &refusal(&asked, &found, missing));
    }
    Ok((index, Change { removed: Some(removed), missing: Some(missing), ..Change::default() }))
}

/// The ids in question that are in some entry: ascending, each once.
fn found(index: &Index, asked: &IdSet) -> Vec<i64> {
    let mut found = index.ids();
    found.retain(|&id| asked.contains(id));
    found.sort_unstable();
    found.dedup();
    found
}

/// Names of the entries that stay; where ids are positions, they move up with them.
fn without(names: Names, removed: &[i64], positions: bool) -> Names {
    let stay = |(id, name): (i64, String)| match removed.binary_search(&id) {
        Ok(_) => None,
        Err(before) if positions => Some((id - before as i64, name)),
        Err(_) => Some((id, name)),
    };
    names.into_iter().filter_map(stay).collect()
}

fn refusal(asked: &IdSet, found: &[i64], missing: u64) -> String {
    let absent = asked.iter().filter(|id| found.binary_search(id).is_err());
    let listed: Vec<String> = absent.take(LISTED).map(|id| id.to_string()).collect();
    let more = if missing > LISTED as u64 { ", ..." } else { "" };
    format!("{missing} of {} ids are in no entry: {}{more}", asked.len(), listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_with_their_entries() {
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
            "999999999987 of 999999999992 ids are in no entry: 11, 14, 16, 17, 18, ..."
        );
    }
}

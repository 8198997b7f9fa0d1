//! CSV file of `eval find`: one row per lookup and entry found.

use anyhow::Result;
use csv::{Terminator, WriterBuilder};
use evaluation::find::FoundEntry;

use super::Evaluated;

const HEADINGS: [&str; 14] = [
    "image", "edit", "is_copy", "looks", "cells", "compared", "seconds", "rank", "id", "is_right", "verdict",
    "e_value", "cosine", "inliers",
];

/// Writes one row for each lookup and entry found, with empty columns for a lookup that found none.
pub fn lookups(evaluated: &Evaluated) -> Result<Vec<u8>> {
    let mut writer = WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(Vec::new());
    writer.write_record(HEADINGS)?;
    let Evaluated { config, photographs, findings, .. } = evaluated;
    for lookup in &findings.lookups {
        let photograph = &photographs.all[findings.photographs[lookup.photograph]];
        let own = [
            photograph.name.clone(),
            config.edits[lookup.edit].to_string(),
            u8::from(lookup.is_copy()).to_string(),
            lookup.looks.to_string(),
            lookup.cells.to_string(),
            lookup.comparisons.to_string(),
            lookup.seconds.map_or_else(String::new, |seconds| format!("{seconds:.6}")),
        ];
        if lookup.found.is_empty() {
            let empty = std::iter::repeat_n(String::new(), HEADINGS.len() - own.len());
            writer.write_record(own.iter().cloned().chain(empty))?;
        }
        for (place, found) in lookup.found.iter().enumerate() {
            writer.write_record(own.iter().cloned().chain(entry(place, found, &lookup.right)))?;
        }
    }
    Ok(writer.into_inner()?)
}

fn entry(place: usize, found: &FoundEntry, right: &[i64]) -> [String; 7] {
    let FoundEntry { id, is_match, e_value, cosine, inliers, is_related, .. } = found;
    let is_right = match (right.contains(id), is_related) {
        (true, _) => "1",
        (false, true) => "related",
        (false, false) => "0",
    };
    [
        (place + 1).to_string(),
        id.to_string(),
        is_right.to_owned(),
        if *is_match { "match" } else { "possible" }.to_owned(),
        format!("{e_value:e}"),
        cosine.to_string(),
        inliers.map_or_else(String::new, |inliers| inliers.to_string()),
    ]
}

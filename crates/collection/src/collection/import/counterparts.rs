//! Entries of one collection in another.

use crate::{
    engine::Engine,
    entry::{Digest, Entry, State},
    error::Result,
};

/// Place of an entry in another collection.
#[derive(Debug, Clone, PartialEq)]
pub enum Counterpart {
    /// This entry.
    Here(Entry),
    /// None yet.
    Missing,
    /// None yet. It has no original, and its id is that of another entry: it is to be known by this digest.
    Displaced(Digest),
    /// None, and there will be none: it was dropped, and its id is that of another entry.
    Lost,
}

/// Places in `to` of entries of `from`.
pub fn counterparts(from: &dyn Engine, to: &dyn Engine, entries: &[Entry]) -> Result<Vec<Counterpart>> {
    let originals: Vec<Digest> = entries.iter().filter_map(telling_original).cloned().collect();
    let others = entries.iter().filter(|entry| telling_original(entry).is_none());
    let ids: Vec<i64> = others.map(|entry| entry.id).collect();
    let mut by_original = to.known(&originals)?.into_iter();
    let mut by_id = to.entries(&ids)?.into_iter();
    let (mut places, mut displaced) = (Vec::with_capacity(entries.len()), Vec::new());
    for entry in entries {
        let found = match telling_original(entry) {
            Some(_) => by_original.next().flatten(),
            None => by_id.next().flatten(),
        };
        places.push(match found {
            None => {
                // It may be here under another id.
                let is_kept = telling_original(entry).is_none() && entry.state != State::Dropped;
                displaced.extend(is_kept.then_some((places.len(), entry)));
                Counterpart::Missing
            }
            Some(own) if telling_original(entry).is_some() || own.is_same_row(entry) => {
                Counterpart::Here(own)
            }
            Some(_) => {
                displaced.extend((entry.state != State::Dropped).then_some((places.len(), entry)));
                Counterpart::Lost
            }
        });
    }
    let (at, entries): (Vec<usize>, Vec<&Entry>) = displaced.into_iter().unzip();
    for (place, (original, own)) in at.into_iter().zip(displaced_counterparts(from, to, &entries)?) {
        places[place] = match (own, &places[place]) {
            (Some(own), _) => Counterpart::Here(own),
            (None, Counterpart::Missing) => Counterpart::Missing,
            (None, _) => Counterpart::Displaced(original),
        };
    }
    Ok(places)
}

/// Original by which an entry is known again. Of several entries that were dropped, one may have had the same.
fn telling_original(entry: &Entry) -> Option<&Digest> {
    entry.original.as_ref().filter(|_| entry.state != State::Dropped)
}

/// Digests of entries without originals, and the entries that stand for them under other ids.
fn displaced_counterparts(
    from: &dyn Engine,
    to: &dyn Engine,
    entries: &[&Entry],
) -> Result<Vec<(Digest, Option<Entry>)>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
    let encoded = from.encoded(&ids)?.into_iter();
    let originals = entries.iter().zip(encoded).map(|(entry, encoded)| {
        Digest::of_copy(entry, encoded.as_ref().map_or(&[], |own| own.descriptor.as_slice()))
    });
    let originals: Vec<Digest> = originals.collect();
    let known = to.known(&originals)?;
    Ok(originals.into_iter().zip(known).collect())
}

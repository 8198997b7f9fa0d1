//! faiss's direct map from ids to positions in the inverted lists.
//!
//! Look-ups in this crate scan the lists instead; the map is only maintained so that files with one stay
//! consistent.

use std::collections::HashMap;

use crate::{
    error::{Error, Result},
    kinds::ivf::inverted_lists::Position,
};

/// Place of an id that is in no list.
const NOWHERE: i64 = -1;

/// The map as stored in the file; places are packed as `cell << 32 | offset`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum DirectMap {
    #[default]
    None,
    /// Place of id `i` at index `i`, or -1.
    Array(Vec<i64>),
    /// (id, place) pairs with distinct ids, in no particular order.
    Hashtable(Vec<(i64, i64)>),
}

impl DirectMap {
    /// Checks that vectors may be added under caller-supplied `ids`.
    ///
    /// # Errors
    /// A negative id; an array map, which can only hold consecutive ids.
    pub fn check_new_ids(&self, ids: &[i64]) -> Result<()> {
        check_not_negative(ids)?;
        match self {
            Self::Array(_) => {
                Err(Error::argument("direct map", "none or a hash table when ids are given", "an array"))
            }
            Self::None | Self::Hashtable(_) => Ok(()),
        }
    }

    /// Records entries just appended to the lists; a repeated id gets its newest place.
    pub fn extend(&mut self, entries: &[(i64, Position)]) {
        match self {
            Self::None => {}
            Self::Array(places) => places.extend(entries.iter().map(|&(_, position)| position.packed())),
            Self::Hashtable(pairs) => extend_pairs(pairs, entries),
        }
    }

    /// Rebuilds the map from all entries after removals; of repeated ids the last one is kept.
    pub fn rebuild(&mut self, entries: impl Iterator<Item = (i64, Position)>) {
        match self {
            Self::None => {}
            Self::Hashtable(pairs) => {
                pairs.clear();
                extend_pairs(pairs, &entries.collect::<Vec<_>>());
            }
            // The ids are no longer consecutive, which an array cannot express.
            Self::Array(_) => *self = Self::None,
        }
    }

    /// Checks that every place exists in lists of the given sizes. The ids stored there are not compared: for
    /// vectors added without ids, faiss 1.15 records hash-table entries under ids that are too large by the
    /// number added.
    ///
    /// # Errors
    /// [`Error::Field`] for the first place that does not exist, or for an array whose length is not
    /// `ntotal`.
    pub fn check(&self, sizes: &[usize]) -> Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Array(places) if places.len() != sizes.iter().sum::<usize>() => {
                Err(Error::field("direct map array count", sizes.iter().sum::<usize>(), places.len()))
            }
            Self::Array(places) => check_places(
                "direct map array",
                sizes,
                places.iter().copied().filter(|&place| place != NOWHERE),
            ),
            Self::Hashtable(pairs) => {
                check_places("direct map pairs", sizes, pairs.iter().map(|&(_, place)| place))
            }
        }
    }
}

/// Checks that no id is negative, which would be indistinguishable from a missing neighbour.
pub(crate) fn check_not_negative(ids: &[i64]) -> Result<()> {
    match ids.iter().find(|&&id| id < 0) {
        Some(id) => Err(Error::argument("id", "at least 0", id)),
        None => Ok(()),
    }
}

fn check_places(field: &'static str, sizes: &[usize], mut places: impl Iterator<Item = i64>) -> Result<()> {
    let exists = |position: Position| sizes.get(position.cell).is_some_and(|&size| position.offset < size);
    match places.find(|&place| !exists(Position::unpacked(place))) {
        Some(place) => Err(Error::field(field, "places in the inverted lists", place)),
        None => Ok(()),
    }
}

fn extend_pairs(pairs: &mut Vec<(i64, i64)>, entries: &[(i64, Position)]) {
    let mut slots: HashMap<i64, usize> =
        pairs.iter().enumerate().map(|(slot, &(id, _))| (id, slot)).collect();
    for &(id, position) in entries {
        let slot = *slots.entry(id).or_insert(pairs.len());
        if slot == pairs.len() {
            pairs.push((id, NOWHERE));
        }
        pairs[slot].1 = position.packed();
    }
}

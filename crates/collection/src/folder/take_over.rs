//! Entries and reviews that are taken over from another collection.

use half::f16;
use rusqlite::Connection;

use super::{
    Folder,
    reviews::{Asked, add_to},
    store::{MAX_KEPT, NEXT_ID},
};
use crate::{
    catalogue::{
        entries::{self, EntryRow},
        fresh, reviews,
        settings::{self, LAYOUT, STATES},
        witnesses,
    },
    engine::shared::{check_kept_entries, decided_as},
    entry::{Entry, State, Stored},
    error::{Error, Result},
    kept::{EncodedEntry, KeptEntry, KeptReview},
    review::{AddedReview, Decision, Review},
};

/// Takes over entries in one transaction; see [`Engine::take_over`](crate::Engine::take_over).
pub fn take_over(folder: &Folder, kept: &[KeptEntry]) -> Result<Vec<Stored>> {
    check_kept_entries(kept, &folder.quantiser, folder.description.witness_kind.as_deref())?;
    let path = folder.catalogue_path();
    folder.write(|connection| take_over_rows(connection, kept).map_err(Error::catalogue(&path)))
}

fn take_over_rows(connection: &Connection, kept: &[KeptEntry]) -> rusqlite::Result<Vec<Stored>> {
    let largest = kept.iter().map(|kept| kept.entry.id).filter(|id| *id <= MAX_KEPT).max().unwrap_or(0);
    let next: i64 = settings::get(connection, NEXT_ID)?.unwrap_or(1);
    settings::advance(connection, NEXT_ID, (largest + 1 - next).max(0))?;
    let stored: Vec<Stored> =
        kept.iter().map(|kept| take_over_row(connection, kept)).collect::<rusqlite::Result<_>>()?;
    if kept.iter().any(|kept| kept.entry.state == State::Withdrawn) {
        settings::advance(connection, STATES, 1)?;
    }
    Ok(stored)
}

fn take_over_row(connection: &Connection, kept: &KeptEntry) -> rusqlite::Result<Stored> {
    let entry = &kept.entry;
    let at_id = entries::of_id(connection, entry.id)?;
    match counterpart(connection, kept, at_id.as_ref())? {
        Some(known) if known.pending && kept.encoded.is_some() => {
            complete(connection, known.id, kept)?;
            Ok(Stored::Completed(known.id))
        }
        Some(known) => Ok(Stored::Known(known)),
        None => {
            let is_free = at_id.is_none() && (0..=MAX_KEPT).contains(&entry.id);
            let id = if is_free { entry.id } else { settings::advance(connection, NEXT_ID, 1)? };
            entries::insert(connection, &EntryRow { id, ..EntryRow::of(entry) })?;
            insert_parts(connection, id, kept)?;
            Ok(Stored::New(id))
        }
    }
}

/// Entry of the collection that is the given one of another collection, if there is one.
fn counterpart(
    connection: &Connection,
    kept: &KeptEntry,
    at_id: Option<&Entry>,
) -> rusqlite::Result<Option<Entry>> {
    match (&kept.entry.original, &kept.encoded) {
        (Some(original), Some(_)) => entries::of_original(connection, original),
        // Of a dropped entry nothing is left to be stored under another id.
        (_, None) => Ok(at_id.cloned()),
        (None, Some(_)) => Ok(at_id.filter(|own| own.is_same_row(&kept.entry)).cloned()),
    }
}

/// Gives a pending entry all that another collection keeps of it.
fn complete(connection: &Connection, id: i64, kept: &KeptEntry) -> rusqlite::Result<()> {
    entries::replace(connection, id, &kept.to_new())?;
    if kept.entry.state == State::Withdrawn {
        entries::set_state(connection, id, State::Withdrawn)?;
    }
    fresh::remove(connection, id)?;
    witnesses::remove(connection, id)?;
    insert_parts(connection, id, kept)?;
    settings::advance(connection, LAYOUT, 1).map(drop)
}

/// Inserts code, descriptor and witness of an entry.
fn insert_parts(connection: &Connection, id: i64, kept: &KeptEntry) -> rusqlite::Result<()> {
    let Some(EncodedEntry { cell, code, descriptor }) = &kept.encoded else { return Ok(()) };
    let descriptor: Vec<u8> = descriptor.iter().copied().flat_map(f16::to_le_bytes).collect();
    fresh::insert(connection, id, *cell, code, &descriptor)?;
    kept.witness.as_ref().map_or(Ok(()), |witness| witnesses::insert(connection, id, witness))
}

/// Takes over reviews in one transaction; see [`Engine::take_over_reviews`](crate::Engine::take_over_reviews).
pub fn take_over_reviews(folder: &Folder, kept: &[KeptReview]) -> Result<Vec<AddedReview>> {
    for KeptReview { review, .. } in kept {
        decided_as(review.decision, review.by.as_deref())?;
    }
    let path = folder.catalogue_path();
    folder.write(|connection| {
        kept.iter()
            .map(|kept| {
                let Review { id, asked, decision, .. } = kept.review;
                let asked = Asked { wanted: Some(id), at: asked, waits: decision == Decision::Undecided };
                let added = add_to(connection, &kept.to_new(), &asked, &path)?;
                decide(connection, added, &kept.review).map_err(Error::catalogue(&path))?;
                Ok(added)
            })
            .collect()
    })
}

/// Gives a review the decision of another collection, unless it has one.
fn decide(connection: &Connection, added: AddedReview, review: &Review) -> rusqlite::Result<()> {
    let Review { decision, decided, ref by, .. } = *review;
    let own = reviews::of_id(connection, added.id())?;
    let is_open = own.is_some_and(|own| own.decision == Decision::Undecided);
    match decision {
        Decision::Confirmed | Decision::Rejected if is_open => {
            reviews::decide(connection, added.id(), decision, decided, by.as_deref())
        }
        _ => Ok(()),
    }
}

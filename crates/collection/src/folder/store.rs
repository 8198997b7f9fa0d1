//! Storing of entries, and changes of their states.

use std::collections::HashSet;

use device_math::transfer::upload_matrix;
use half::f16;
use index::EncodedVectors;
use rusqlite::Connection;

use super::Folder;
use crate::{
    catalogue::{
        entries::{self, EntryRow},
        fresh,
        settings::{self, LAYOUT, STATES},
        witnesses,
    },
    engine::shared::{check_new_entries, now, to_float16},
    entry::{Digest, NewEntry, State, Stored},
    error::{Error, Result},
};

/// Key of the id of the next entry.
pub const NEXT_ID: &str = "next_id";

/// Largest id that is kept; behind it, there are as many again for new entries.
pub const MAX_KEPT: i64 = i64::MAX / 2;

/// Entry with all that is stored of it.
struct Row<'a> {
    entry: &'a NewEntry,
    /// Id that the entry takes if it is free.
    wanted: Option<i64>,
    cell: usize,
    code: &'a [u8],
    descriptor: Vec<u8>,
}

/// Stores entries with their descriptors in one transaction; see [`Engine::store`](crate::Engine::store).
pub fn store(
    folder: &Folder,
    new: &[NewEntry],
    wanted: Option<&[i64]>,
    descriptors: &[f32],
) -> Result<Vec<Stored>> {
    let d = folder.quantiser.d();
    check_new_entries(new, descriptors, d, folder.description.witness_kind.as_deref())?;
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let halves: Vec<Vec<u8>> = descriptors.chunks_exact(d).map(to_bytes).collect::<Result<_>>()?;
    let device = folder.quantiser.device();
    let EncodedVectors { cells, codes } =
        folder.quantiser.encode(upload_matrix(descriptors.to_vec(), d, &device))?;
    let codes = codes.chunks_exact(folder.quantiser.code_size());
    let wanted = |place: usize| wanted.map(|wanted| wanted[place]);
    let rows = new.iter().enumerate().zip(cells).zip(codes).zip(halves);
    let row = |((((place, entry), cell), code), descriptor)| Row {
        entry,
        wanted: wanted(place),
        cell,
        code,
        descriptor,
    };
    let rows: Vec<Row> = rows.map(row).collect();
    let path = folder.catalogue_path();
    folder.write(|connection| store_rows(connection, &rows).map_err(Error::catalogue(&path)))
}

/// Little-endian float16 of a descriptor.
fn to_bytes(descriptor: &[f32]) -> Result<Vec<u8>> {
    Ok(to_float16(descriptor)?.into_iter().flat_map(f16::to_le_bytes).collect())
}

fn store_rows(connection: &Connection, rows: &[Row]) -> rusqlite::Result<Vec<Stored>> {
    let added = now();
    let first = first_id(connection, rows)?;
    let mut here: HashSet<&Digest> = HashSet::new();
    let mut stored = Vec::with_capacity(rows.len());
    for (row, id) in rows.iter().zip(first..) {
        let known = row.entry.original.as_ref().map(|original| entries::of_original(connection, original));
        stored.push(match known.transpose()?.flatten() {
            Some(known)
                if known.pending && !row.entry.original.iter().any(|digest| here.contains(digest)) =>
            {
                entries::replace(connection, known.id, row.entry)?;
                fresh::remove(connection, known.id)?;
                witnesses::remove(connection, known.id)?;
                insert_parts(connection, known.id, row)?;
                settings::advance(connection, LAYOUT, 1)?;
                Stored::Completed(known.id)
            }
            Some(known) => Stored::Known(known),
            None => {
                let id = kept_id(connection, row)?.unwrap_or(id);
                entries::insert(connection, &EntryRow::of_new(id, row.entry, added))?;
                insert_parts(connection, id, row)?;
                Stored::New(id)
            }
        });
        here.extend(&row.entry.original);
    }
    Ok(stored)
}

/// Inserts code, descriptor and witness of an entry.
fn insert_parts(connection: &Connection, id: i64, row: &Row) -> rusqlite::Result<()> {
    fresh::insert(connection, id, row.cell, row.code, &row.descriptor)?;
    row.entry.witness.as_ref().map_or(Ok(()), |witness| witnesses::insert(connection, id, witness))
}

/// Takes as many new ids as there are rows, behind all ids that are given or wanted, and returns the first.
fn first_id(connection: &Connection, rows: &[Row]) -> rusqlite::Result<i64> {
    let behind = rows.iter().filter_map(|row| row.wanted).filter(|id| *id <= MAX_KEPT).max();
    let next: i64 = settings::get(connection, NEXT_ID)?.unwrap_or(1);
    let first = behind.map_or(next, |largest| next.max(largest + 1));
    settings::advance(connection, NEXT_ID, first - next + rows.len() as i64)?;
    Ok(first)
}

/// Id that a row wants, if it is free.
fn kept_id(connection: &Connection, row: &Row) -> rusqlite::Result<Option<i64>> {
    let Some(id) = row.wanted.filter(|id| (0..=MAX_KEPT).contains(id)) else { return Ok(None) };
    Ok(entries::of_id(connection, id)?.is_none().then_some(id))
}

/// Withdraws or restores entries in one transaction; see [`Engine::set_state`](crate::Engine::set_state).
pub fn set_state(folder: &Folder, ids: &[i64], state: State) -> Result<()> {
    let path = folder.catalogue_path();
    folder.write(|connection| {
        for &id in ids {
            let entry = entries::of_id(connection, id).map_err(Error::catalogue(&path))?;
            match entry.map(|entry| entry.state) {
                None => return Err(Error::UnknownEntry(id.to_string())),
                Some(State::Dropped) => return Err(Error::Dropped(id)),
                Some(_) => entries::set_state(connection, id, state).map_err(Error::catalogue(&path))?,
            }
        }
        settings::advance(connection, STATES, 1).map_err(Error::catalogue(&path)).map(drop)
    })
}

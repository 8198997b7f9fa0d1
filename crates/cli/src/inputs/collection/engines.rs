//! Engines of collections, chosen by their addresses.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use burn::tensor::Device;
use collection::{Collection, Error};
use index::Index;

use super::lance;
use crate::args::Address;

/// Opens a collection with its quantiser on `device`.
///
/// # Errors
/// An error of the collection, which is one of [`Error`]; an address of an engine that this program was built without.
pub fn open(address: &Address, device: &Device) -> Result<Collection> {
    match address {
        Address::Folder(folder) if !lance::is_collection(address) => Ok(Collection::open(folder, device)?),
        _ => lance::open(address, device),
    }
}

/// Opens a collection as [`open`] does; `None` if the address holds none.
///
/// # Errors
/// The other errors of [`open`].
pub fn open_if_there(address: &Address, device: &Device) -> Result<Option<Collection>> {
    match open(address, device) {
        Err(error) if matches!(error.downcast_ref(), Some(Error::NotACollection(_))) => Ok(None),
        opened => opened.map(Some),
    }
}

/// Creates a collection for witnesses of a kind or for none, and the folders above it.
///
/// # Errors
/// If something is at the address, or it cannot be written; if the index cannot be a quantiser; an address of an engine that
/// this program was built without.
pub fn create(address: &Address, quantiser: &Index, witnesses: Option<&str>) -> Result<Collection> {
    let folder = match address {
        Address::Folder(folder) if !lance::is_asked_for(address) => folder,
        _ => return lance::create(address, quantiser, witnesses),
    };
    let above = folder.parent().filter(|above| *above != Path::new(""));
    above.map_or(Ok(()), fs::create_dir_all).with_context(|| address.to_string())?;
    Ok(match witnesses {
        None => Collection::create(folder, quantiser)?,
        Some(kind) => Collection::create_with_witnesses(folder, quantiser, kind)?,
    })
}

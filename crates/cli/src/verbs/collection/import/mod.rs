//! `collection import`: takes over another collection, or an index with the descriptors of its entries.

mod collection;
mod index;

use anyhow::{Result, bail};

use self::index::IndexFiles;
use crate::{
    args::CollectionImport,
    session::{Outcome, Session},
};

pub fn run(arguments: &CollectionImport, session: &Session) -> Result<Outcome> {
    let CollectionImport { from, descriptors, names, ids, collection } = arguments;
    match (from.folder(), descriptors) {
        (Some(index), Some(descriptors)) => {
            let (names, ids) = (names.as_deref(), ids.as_deref());
            index::run(&IndexFiles { index, descriptors, names, ids }, collection, session)
        }
        (None, Some(_)) => bail!("{from}: is an address, and --descriptors is for an index in a file"),
        (Some(file), None) if file.is_file() => {
            bail!("{from}: is a file: an index is imported with its --descriptors")
        }
        (_, None) => collection::run(from, collection, session),
    }
}

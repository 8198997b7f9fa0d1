//! Writing of segments.

use std::{fs, io, path::Path};

use index::{EntryLists, Index};

use super::{descriptors, descriptors_path, lists_path};
use crate::{
    catalogue::segments::SegmentRecord,
    error::{Error, Result},
    hashed_file::{Hashed, hex},
};

/// Bytes of the hash in a segment's name.
const NAME_BYTES: usize = 12;

/// Entries of a segment to be written.
pub struct SegmentEntries<'a> {
    pub lists: EntryLists,
    /// Descriptors in the order of the lists, each `d` little-endian float16.
    pub descriptors: Vec<&'a [u8]>,
}

/// Writes the files of a segment into `folder`, named by the hash of its index, and returns its record.
///
/// The files are whole and on the disk when the function returns. Nothing refers to them until the record is in the
/// catalogue.
pub fn write(folder: &Path, quantiser: &Index, entries: SegmentEntries) -> Result<SegmentRecord> {
    let SegmentEntries { lists, descriptors: rows } = entries;
    let (n, d) = (rows.len(), quantiser.d());
    let mut hash = Hashed::new(io::sink());
    lists.write_to(&mut hash)?;
    let record = hash.record();
    let name = hex(&record.sha256[..NAME_BYTES]);
    let path = lists_path(folder, &name);
    atomic_file::replace(&path, |out| lists.write_to(out).map_err(io::Error::other))
        .map_err(Error::io(&path))?;
    let lists = record;
    let path = descriptors_path(folder, &name);
    let mut record = None;
    atomic_file::replace(&path, |out| {
        let mut hashed = Hashed::new(out);
        descriptors::write(&mut hashed, n, d, rows.iter().copied())?;
        record = Some(hashed.record());
        Ok(())
    })
    .map_err(Error::io(&path))?;
    let descriptors = record.expect("written above");
    Ok(SegmentRecord { name, entries: n, lists, descriptors })
}

/// Removes the files of a segment, as far as they are there.
pub fn remove_files(folder: &Path, name: &str) -> Result<()> {
    for path in [lists_path(folder, name), descriptors_path(folder, name)] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io(&path)(error)),
            _ => {}
        }
    }
    Ok(())
}

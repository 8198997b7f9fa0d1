//! Reading of inverted lists that are in a file of their own, faiss's `OnDiskInvertedLists`.
//!
//! | field | type | content |
//! |---|---|---|
//! | fourcc | `ilod` | |
//! | `nlist`, `code_size` | u64 each | |
//! | lists | vector of three u64 each | size and capacity in entries, offset of the codes in the data file in bytes |
//! | slots | vector of two u64 each | offset and size in bytes of free parts; not used |
//! | file name | vector of bytes | path of the data file as faiss was given it |
//! | `totsize` | u64 | size of the data file |
//!
//! A list has its codes at its offset and its ids, i64, behind the room for `capacity` codes. An empty list has
//! any offset.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::*;
use crate::{
    files::regular_file::open_regular,
    kernels::Map,
    kinds::ivf::{array_lists::ArrayList, entry_ids::EntryIds},
    stored_bytes::Bytes,
};

/// Longest path of a data file.
const MAX_PATH: usize = 1 << 16;

/// Place of a list in the data file.
struct Place {
    size: usize,
    capacity: usize,
    offset: usize,
}

impl Reader<'_, '_> {
    /// Reads the places of lists of codes of `code_size` bytes, `[nlist]`, and maps the data file; returns the
    /// lists and the path of the file, `None` if all are empty.
    pub fn on_disk_lists(
        &mut self,
        nlist: usize,
        code_size: usize,
    ) -> Result<(Vec<ArrayList>, Option<PathBuf>)> {
        let places = self.places(nlist)?;
        let slots = self.numbers("slots of the inverted lists", 2)?;
        let stored = self.stored_path()?;
        let length = self.source.size("size of the inverted lists' file")?;
        check_places(&places, code_size, length)?;
        if slots.chunks_exact(2).any(|slot| end(slot[0], slot[1], 1).is_none_or(|end| end > length)) {
            let expected = format!("parts of {length} bytes");
            return Err(Error::field("slots of the inverted lists", expected, "one beyond the end"));
        }
        if places.iter().all(|place| place.size == 0) {
            return Ok((vec![ArrayList::default(); nlist], None));
        }
        let (path, file) = self.data_file(&stored)?;
        let map = Map::new(&file).map_err(|reason| missing(&path, reason))?;
        if map.len() < length {
            let reason = io::Error::other(format!("is {} bytes long instead of {length}", map.len()));
            return Err(missing(&path, reason));
        }
        let map = Arc::new(map);
        let lists = places.iter().map(|place| place.list(&map, code_size)).collect();
        Ok((lists, Some(path)))
    }

    fn places(&mut self, nlist: usize) -> Result<Vec<Place>> {
        let numbers = self.numbers("places of the inverted lists", 3)?;
        expect("places of the inverted lists", nlist, numbers.len() / 3)?;
        let place = |place: &[usize]| Place { size: place[0], capacity: place[1], offset: place[2] };
        Ok(numbers.chunks_exact(3).map(place).collect())
    }

    /// Reads a count and that many rows of `width` numbers; those that do not fit in memory become the largest.
    fn numbers(&mut self, field: &'static str, width: usize) -> Result<Vec<usize>> {
        let count = product(field, self.source.size(field)?, width)?;
        let numbers = self.source.u64s(field, count)?;
        Ok(numbers.into_iter().map(|number| usize::try_from(number).unwrap_or(usize::MAX)).collect())
    }

    fn stored_path(&mut self) -> Result<PathBuf> {
        let field = "file name of the inverted lists";
        let length = self.source.size(field)?;
        if !(1..=MAX_PATH).contains(&length) {
            return Err(Error::field(field, format!("1 to {MAX_PATH} bytes"), length));
        }
        path_of(&self.source.bytes(field, length)?)
    }

    /// Opens the data file: the one with the stored path, as faiss does, or else the one of the same name in the
    /// folder of the index.
    fn data_file(&self, stored: &Path) -> Result<(PathBuf, File)> {
        let Some(folder) = self.folder else {
            let reason = io::Error::other("is only found for an index that is opened by its path");
            return Err(missing(stored, reason));
        };
        let beside = stored.file_name().map(|name| folder.join(name));
        let reason = match open_regular(stored) {
            Ok(file) => return Ok((stored.to_owned(), file)),
            Err(reason) => reason,
        };
        match beside.map(|path| (open_regular(&path), path)) {
            Some((Ok(file), path)) => Ok((path, file)),
            Some((Err(_), path)) => {
                let reason = io::Error::new(reason.kind(), format!("{reason}; nor is it {}", path.display()));
                Err(missing(stored, reason))
            }
            None => Err(missing(stored, reason)),
        }
    }
}

impl Place {
    /// Bytes of the list in the data file.
    fn end(&self, code_size: usize) -> Option<usize> {
        end(self.offset, self.capacity, code_size.checked_add(size_of::<i64>())?)
    }

    /// The list; its place was checked.
    fn list(&self, map: &Arc<Map>, code_size: usize) -> ArrayList {
        if self.size == 0 {
            return ArrayList::default();
        }
        let mapped =
            |start: usize, bytes: usize| Bytes::Mapped { map: map.clone(), range: start..start + bytes };
        let ids = self.offset + self.capacity * code_size;
        ArrayList {
            codes: mapped(self.offset, self.size * code_size),
            ids: EntryIds::new(mapped(ids, self.size * size_of::<i64>())),
        }
    }
}

/// Checks that all lists that have entries are within a file of `length` bytes and that none overlaps another:
/// their total size is then at most the file's.
fn check_places(places: &[Place], code_size: usize, length: usize) -> Result<()> {
    let mut filled: Vec<&Place> = places.iter().filter(|place| place.size > 0).collect();
    filled.sort_unstable_by_key(|place| place.offset);
    let mut free = 0;
    for place in filled {
        let end = place.end(code_size).filter(|&end| end <= length);
        let (true, true, Some(end)) = (place.size <= place.capacity, place.offset >= free, end) else {
            let expected =
                format!("lists beside one another in {length} bytes, no larger than their capacity");
            let found = format!("{} of {} entries at byte {}", place.size, place.capacity, place.offset);
            return Err(Error::field("places of the inverted lists", expected, found));
        };
        free = end;
    }
    Ok(())
}

fn end(offset: usize, count: usize, size: usize) -> Option<usize> {
    count.checked_mul(size)?.checked_add(offset)
}

fn missing(path: &Path, reason: io::Error) -> Error {
    Error::ListsFile { path: path.to_owned(), reason }
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> Result<PathBuf> {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    Ok(PathBuf::from(OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Result<PathBuf> {
    let text = std::str::from_utf8(bytes);
    text.map(PathBuf::from).map_err(|error| Error::field("file name of the inverted lists", "UTF-8", error))
}

//! Compaction: entries in the catalogue become a segment, and segments are merged.
//!
//! One process compacts at a time, under a lock that a crash releases. A segment's files are whole before the catalogue
//! names them, and removed only when it names them no more; readers that have them open go on with them.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
    thread,
};

use atomic_file::WriteLock;
use index::{EntryLists, Index};
use rusqlite::Connection;

use super::{CATALOGUE, Folder, SEGMENTS, create::connect, write_to};
use crate::{
    catalogue::{
        self, Access, entries,
        fresh::{self, FreshRow},
        segments::{self, SegmentRecord},
        settings::{self, LAYOUT, STATES},
        witnesses,
    },
    engine::Indexed,
    entry::State,
    error::{Error, Result},
    segment::{self, Segment, SegmentEntries},
};

/// Entries in the catalogue from which a segment is made of them in the background, unless [`SEGMENT_KEY`] says otherwise.
const SEGMENT: usize = 16_384;
/// Key of the number of entries in the place of [`SEGMENT`].
pub const SEGMENT_KEY: &str = "segment_entries";
/// Name that the lock is taken for; no file has it.
const TURN: &str = "compaction";
/// Segments of about one size from which they are merged in the background.
const FAN: usize = 4;
/// Largest number of entries of a segment that is made of the catalogue's entries at once; bounds the memory.
const SEALED: usize = 4 * SEGMENT;

/// Entries from which a segment is made of them.
fn segment_entries(connection: &Connection) -> rusqlite::Result<usize> {
    let text: Option<String> = settings::get(connection, SEGMENT_KEY)?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(SEGMENT))
}

impl Folder {
    /// Starts a compaction in the background if one is due and none runs.
    pub(super) fn compact_in_background(&self) {
        let due = self.read(|connection| Ok(fresh::count(connection)? >= segment_entries(connection)?));
        let due = due.unwrap_or(false);
        let mut running = self.compaction.lock().unwrap_or_else(PoisonError::into_inner);
        if !due || running.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let (path, quantiser) = (self.path.clone(), self.quantiser.clone());
        *running = Some(thread::spawn(move || {
            // Another process that compacts does this work too.
            match Compactor::new(&path, quantiser, false)? {
                Some(mut compactor) => compactor.compact_due(),
                None => Ok(()),
            }
        }));
    }
}

/// Merges everything into one segment and drops withdrawn entries.
pub fn compact_all(folder: &Folder) -> Result<()> {
    waited_for(folder)?.compact_all()
}

/// Makes segments of all entries that are in none.
pub fn index(folder: &Folder, shares: u32) -> Result<Indexed> {
    if shares > 1 {
        let location = folder.description.location.clone();
        let reason = "one machine keeps a collection in a folder, and indexes it whole: leave out the shard"
            .to_owned();
        return Err(Error::Engine { location, reason });
    }
    let mut compactor = waited_for(folder)?;
    let mut entries = 0;
    loop {
        match compactor.seal(1)? {
            0 => break,
            sealed => entries += sealed as u64,
        }
    }
    compactor.merge_due()?;
    Ok(Indexed { entries, waiting: Vec::new() })
}

/// Process in its turn to compact, after those before it.
fn waited_for(folder: &Folder) -> Result<Compactor> {
    if folder.access == Access::Read {
        let source = std::io::ErrorKind::ReadOnlyFilesystem.into();
        return Err(Error::Io { path: folder.path.clone(), source });
    }
    let compactor = Compactor::new(&folder.path, folder.quantiser.clone(), true)?;
    Ok(compactor.expect("waits for its turn"))
}

/// Waits until no other process compacts, and keeps others from it.
pub fn take_turn(segments: &Path) -> Result<WriteLock> {
    WriteLock::acquire(&segments.join(TURN), || ()).map_err(Error::io(segments))
}

/// Process in its turn to compact.
struct Compactor {
    segments: PathBuf,
    catalogue: PathBuf,
    connection: Connection,
    quantiser: Arc<Index>,
    _turn: WriteLock,
}

impl Compactor {
    /// Takes the turn. If another has it, waits, or returns `None`.
    fn new(path: &Path, quantiser: Arc<Index>, wait: bool) -> Result<Option<Self>> {
        let (segments, catalogue) = (path.join(SEGMENTS), path.join(CATALOGUE));
        let turn = match wait {
            true => Some(take_turn(&segments)?),
            false => WriteLock::try_acquire(&segments.join(TURN)).map_err(Error::io(&segments))?,
        };
        let Some(turn) = turn else { return Ok(None) };
        let compactor = Self { segments, catalogue, connection: connect(path)?, quantiser, _turn: turn };
        compactor.remove_orphans()?;
        Ok(Some(compactor))
    }

    /// Makes segments of the catalogue's entries, and merges segments of about one size.
    fn compact_due(&mut self) -> Result<()> {
        let segment = self.read(segment_entries)?;
        while self.seal(segment)? > 0 {}
        self.merge_due()
    }

    /// Merges segments of about one size.
    fn merge_due(&mut self) -> Result<()> {
        let segment = self.read(segment_entries)?;
        while let Some(group) = due(&self.records()?, segment) {
            self.merge(&group, false)?;
        }
        Ok(())
    }

    /// Merges everything into one segment and drops withdrawn entries.
    fn compact_all(&mut self) -> Result<()> {
        while self.seal(1)? > 0 {}
        let records = self.records()?;
        let withdrawn = self.read(entries::withdrawn)?;
        if records.len() > 1 || !withdrawn.is_empty() && !records.is_empty() {
            self.merge(&records, true)?;
        }
        // Pages that entries have left go back to the file system.
        self.read(catalogue::give_back_pages)?;
        self.connection
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
            .map_err(Error::catalogue(&self.catalogue))
    }

    /// Makes a segment of the catalogue's entries if there are at least `least`, and returns their number.
    fn seal(&mut self, least: usize) -> Result<usize> {
        let rows = self.read(|connection| fresh::sealable(connection, SEALED))?;
        if rows.len() < least.max(1) {
            return Ok(0);
        }
        let record = self.write_segment(&rows)?;
        let Self { connection, catalogue, .. } = self;
        write_to(connection, catalogue, |connection| {
            let publish = || {
                rows.iter().try_for_each(|row| fresh::remove(connection, row.id))?;
                segments::insert(connection, &record)?;
                settings::advance(connection, LAYOUT, 1).map(drop)
            };
            publish().map_err(Error::catalogue(catalogue))
        })?;
        self.read(catalogue::give_back_pages)?;
        Ok(rows.len())
    }

    fn write_segment(&self, rows: &[FreshRow]) -> Result<SegmentRecord> {
        let (nlist, code_size) = (self.quantiser.nlist().unwrap_or(0), self.quantiser.code_size());
        let mut sorted: Vec<&FreshRow> = rows.iter().collect();
        sorted.sort_by_key(|row| row.cell);
        let mut lists = self.quantiser.lists()?;
        for row in &sorted {
            super::fresh_entries::check(row, nlist, code_size, self.quantiser.d())
                .map_err(|error| Error::damaged(&self.catalogue, error))?;
            lists.push(row.cell, &row.code, row.id);
        }
        let descriptors = sorted.iter().map(|row| row.descriptor.as_slice()).collect();
        segment::write(&self.segments, &self.quantiser, SegmentEntries { lists, descriptors })
    }

    /// Merges segments into one; drops their withdrawn entries if `drops`.
    fn merge(&mut self, records: &[SegmentRecord], drops: bool) -> Result<()> {
        let open = |record| Segment::open(&self.segments, record, &self.quantiser);
        let opened: Vec<Segment> = records.iter().map(open).collect::<Result<_>>()?;
        let withdrawn = if drops { self.read(entries::withdrawn)? } else { Vec::new() };
        let Merged { entries, dropped } = merged(&self.quantiser, &opened, &withdrawn)?;
        let record = match entries.descriptors.is_empty() {
            true => None,
            false => Some(segment::write(&self.segments, &self.quantiser, entries)?),
        };
        let Self { connection, catalogue, .. } = self;
        write_to(connection, catalogue, |connection| {
            publish(connection, records, record.as_ref(), &dropped).map_err(Error::catalogue(catalogue))
        })?;
        // A file that cannot be removed now is an orphan, and removed by the next compaction.
        let gone = records.iter().filter(|old| record.as_ref().is_none_or(|new| new.name != old.name));
        gone.for_each(|old| drop(segment::remove_files(&self.segments, &old.name)));
        Ok(())
    }

    fn records(&self) -> Result<Vec<SegmentRecord>> {
        self.read(segments::all)
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        read(&self.connection).map_err(Error::catalogue(&self.catalogue))
    }

    /// Removes the files of segments that a killed compaction left, which the catalogue does not name.
    fn remove_orphans(&self) -> Result<()> {
        let named: HashSet<String> = self.records()?.into_iter().map(|record| record.name).collect();
        for file in fs::read_dir(&self.segments).map_err(Error::io(&self.segments))?.flatten() {
            let path = file.path();
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let is_segment = path.extension().is_some_and(|end| end == "faiss" || end == "npy");
            if is_segment && !named.contains(&stem) {
                fs::remove_file(&path).map_err(Error::io(&path))?;
            }
        }
        Ok(())
    }
}

/// Segments that should be merged: the first [`FAN`] of one size class, the smallest class first.
fn due(records: &[SegmentRecord], segment: usize) -> Option<Vec<SegmentRecord>> {
    let mut classes: HashMap<u32, Vec<SegmentRecord>> = HashMap::new();
    for record in records {
        let class = (record.entries / segment.max(1)).max(1).ilog(FAN);
        classes.entry(class).or_default().push(record.clone());
    }
    let full = classes.into_iter().filter(|(_, group)| group.len() >= FAN).min_by_key(|(class, _)| *class);
    full.map(|(_, mut group)| {
        group.truncate(FAN);
        group
    })
}

/// Entries of several segments, and those that are left out, each with its cell.
struct Merged<'a> {
    entries: SegmentEntries<'a>,
    dropped: Vec<DroppedEntry<'a>>,
}

/// Withdrawn entry that a merge leaves out.
struct DroppedEntry<'a> {
    id: i64,
    cell: usize,
    code: &'a [u8],
    descriptor: &'a [u8],
}

/// Joins the lists of segments cell by cell, without the entries in `withdrawn`, which is ascending.
fn merged<'a>(quantiser: &Index, opened: &'a [Segment], withdrawn: &[i64]) -> Result<Merged<'a>> {
    let mut lists: EntryLists = quantiser.lists()?;
    let (mut descriptors, mut dropped) = (Vec::new(), Vec::new());
    let mut rows = vec![0; opened.len()];
    for cell in 0..lists.nlist() {
        for (segment, row) in opened.iter().zip(&mut rows) {
            for (id, code) in segment.lists.entries(cell) {
                let descriptor = segment.descriptors.bytes(*row);
                *row += 1;
                if withdrawn.binary_search(&id).is_ok() {
                    dropped.push(DroppedEntry { id, cell, code, descriptor });
                } else {
                    lists.push(cell, code, id);
                    descriptors.push(descriptor);
                }
            }
        }
    }
    Ok(Merged { entries: SegmentEntries { lists, descriptors }, dropped })
}

/// Puts a merged segment in the place of others. Entries that were restored meanwhile go back to the catalogue.
fn publish(
    connection: &Connection,
    old: &[SegmentRecord],
    new: Option<&SegmentRecord>,
    dropped: &[DroppedEntry],
) -> rusqlite::Result<()> {
    old.iter().try_for_each(|record| segments::remove(connection, &record.name))?;
    new.map_or(Ok(()), |record| segments::insert(connection, record))?;
    for entry in dropped {
        let state = entries::of_id(connection, entry.id)?.map(|entry| entry.state);
        if state == Some(State::Live) {
            fresh::insert(connection, entry.id, entry.cell, entry.code, entry.descriptor)?;
        } else {
            entries::set_state(connection, entry.id, State::Dropped)?;
            witnesses::remove(connection, entry.id)?;
        }
    }
    settings::advance(connection, LAYOUT, 1)?;
    settings::advance(connection, STATES, 1).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::segments::FileRecord;

    fn record(name: usize, entries: usize) -> SegmentRecord {
        let file = FileRecord { bytes: 0, sha256: Vec::new() };
        SegmentRecord { name: name.to_string(), entries, lists: file.clone(), descriptors: file }
    }

    #[test]
    fn segments_are_merged_with_those_of_their_size() {
        let mut records: Vec<SegmentRecord> = (1..FAN).map(|i| record(i, SEGMENT + i)).collect();
        records.extend((1..FAN).map(|i| record(FAN + i, FAN * SEGMENT + i)));
        assert_eq!(due(&records, SEGMENT), None);
        records.push(record(0, SEGMENT));
        let group = due(&records, SEGMENT).expect("enough small ones");
        assert_eq!(group.len(), FAN);
        assert!(group.iter().all(|record| record.entries < 2 * SEGMENT));
    }
}

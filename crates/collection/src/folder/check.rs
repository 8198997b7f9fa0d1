//! Numbers and sizes of a collection, and the check of everything that is kept.

use std::{collections::HashMap, fs, path::Path};

use rusqlite::Connection;

use super::{Folder, QUANTISER, compact};
use crate::{
    catalogue::{
        Access, entries, entry_counts, fresh, reviews,
        segments::{self, FileRecord, SegmentRecord},
        witnesses,
    },
    engine::{Finding, Info},
    entry::State,
    error::{Error, Result},
    hashed_file::{hex, record_of},
    listing::Day,
    segment::{Segment, descriptors_path, lists_path},
};

/// Numbers and sizes; see [`Engine::info`](crate::Engine::info).
pub fn info(folder: &Folder) -> Result<Info> {
    let bytes = bytes_of(&folder.path)? + bytes_of(&folder.segments_path())?;
    folder.read(|connection| {
        let Day { live, withdrawn, dropped, .. } = entry_counts::total(connection)?;
        let (pending, reviews) = (entries::pending(connection)?, reviews::counts(connection)?.total());
        let (segments, fresh) = (segments::all(connection)?.len(), fresh::count(connection)?);
        let (witnesses, witness_bytes) = witnesses::counts(connection)?;
        Ok(Info {
            live,
            withdrawn,
            dropped,
            pending,
            segments,
            fresh,
            witnesses,
            witness_bytes,
            bytes,
            reviews,
        })
    })
}

/// Bytes of the files in a folder, without its folders.
fn bytes_of(folder: &Path) -> Result<u64> {
    let files = fs::read_dir(folder).map_err(Error::io(folder))?;
    // A file that a compaction removes meanwhile counts as 0.
    let sizes = files.flatten().filter_map(|file| file.metadata().ok()).filter(fs::Metadata::is_file);
    Ok(sizes.map(|metadata| metadata.len()).sum())
}

/// Reads everything; see [`Engine::check`](crate::Engine::check).
///
/// The check sees one moment of the catalogue. Compactions, which remove segments, wait for its end; others read and write.
pub fn check(folder: &Folder, progress: &mut dyn FnMut(&str)) -> Result<Vec<Finding>> {
    let _turn = match folder.access {
        Access::Write => Some(compact::take_turn(&folder.segments_path())?),
        Access::Read => None,
    };
    let connection = folder.connection();
    let mut check = Check { folder, findings: Vec::new(), places: HashMap::new(), progress };
    let path = folder.catalogue_path();
    let transaction = connection.unchecked_transaction().map_err(Error::catalogue(&path))?;
    check.catalogue(&transaction, &path)?;
    check.quantiser();
    for record in segments::all(&transaction).map_err(Error::catalogue(&path))? {
        check.segment(&record);
    }
    check.fresh(&transaction, &path)?;
    check.entries(&transaction, &path)?;
    Ok(check.findings)
}

/// Queries that name damaged rows, and the damage.
const RULES: [(&str, &str); 4] = [
    (SUMS, "is not as it was written"),
    (COUNTS, "is not that of the rows"),
    (LEFT_WITNESSES, "is kept, but the entry is dropped"),
    (
        "SELECT \"table\" || ' row ' || rowid FROM pragma_foreign_key_check",
        "refers to a row that does not exist",
    ),
];

/// Rows whose sums are wrong, and counters that cannot be right.
const SUMS: &str = "
    SELECT 'entry ' || id FROM entries
    WHERE sum != sum_of(id, name, original, state, file, pending, added, meta)
    UNION ALL SELECT 'the descriptor of entry ' || id FROM fresh WHERE sum != sum_of(id, cell, code, descriptor)
    UNION ALL SELECT 'the witness of entry ' || id FROM witnesses WHERE sum != sum_of(id, bytes)
    UNION ALL SELECT 'review ' || id FROM reviews
        WHERE sum != sum_of(id, asked, query, name, entry, verdict, e_value, cosine, inliers, answer,
                            decision, decided, decided_by)
    UNION ALL SELECT 'the picture of review ' || id FROM review_pictures WHERE sum != sum_of(id, bytes)
    UNION ALL SELECT 'setting ' || key FROM settings WHERE sum != sum_of(key, value)
    UNION ALL SELECT 'setting ' || key FROM settings
        WHERE key = 'next_id' AND value <= (SELECT max(id) FROM entries)";

/// Counts that are not those of the rows they count, or lack.
const COUNTS: &str = "
    SELECT 'the count of entries of day ' || day || ' in state ' || state FROM (
        SELECT day, state, sum(entries) AS difference FROM (
            SELECT day, state, entries FROM entry_counts
            UNION ALL SELECT added / 86400, state, -count(*) FROM entries GROUP BY 1, 2
        ) GROUP BY day, state
    ) WHERE difference != 0
    UNION ALL SELECT 'the count of reviews of verdict ' || verdict || ' and decision ' || decision FROM (
        SELECT verdict, decision, sum(reviews) AS difference FROM (
            SELECT verdict, decision, reviews FROM review_counts
            UNION ALL SELECT verdict, decision, -count(*) FROM reviews GROUP BY 1, 2
        ) GROUP BY verdict, decision
    ) WHERE difference != 0";

/// Witnesses that a compaction should have removed.
const LEFT_WITNESSES: &str = "
    SELECT 'the witness of entry ' || id FROM witnesses WHERE id IN (SELECT id FROM entries WHERE state = 2)";

struct Check<'a> {
    folder: &'a Folder,
    findings: Vec<Finding>,
    /// Number of places in which each id was found.
    places: HashMap<i64, u32>,
    progress: &'a mut dyn FnMut(&str),
}

impl Check<'_> {
    fn find(&mut self, place: impl ToString, reason: impl ToString) {
        self.findings.push(Finding { place: place.to_string(), reason: reason.to_string() });
    }

    /// SQLite's own check of the file and of its references.
    fn catalogue(&mut self, connection: &Connection, path: &Path) -> Result<()> {
        (self.progress)("the catalogue");
        let lines = |sql: &str| -> rusqlite::Result<Vec<String>> {
            let mut statement = connection.prepare(sql)?;
            let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
            lines.collect()
        };
        let found = lines("PRAGMA integrity_check").map_err(Error::catalogue(path))?;
        for line in found.into_iter().filter(|line| line != "ok") {
            self.find(path.display(), line);
        }
        for (rows, damage) in RULES {
            for row in lines(rows).map_err(Error::catalogue(path))? {
                self.find(path.display(), format!("{row} {damage}"));
            }
        }
        Ok(())
    }

    fn quantiser(&mut self) {
        let path = self.folder.path.join(QUANTISER);
        (self.progress)(QUANTISER);
        let expected = &self.folder.description.fingerprint;
        match record_of(&path).map(|record| hex(&record.sha256)) {
            Ok(found) if found == *expected => {}
            Ok(found) => {
                self.find(path.display(), format!("expected SHA-256 {expected}, found {found}"));
            }
            Err(error) => self.find(path.display(), error),
        }
    }

    /// Hashes of a segment's files, then their content.
    fn segment(&mut self, record: &SegmentRecord) {
        let segments = self.folder.segments_path();
        (self.progress)(&record.name);
        let [lists, descriptors] =
            [lists_path(&segments, &record.name), descriptors_path(&segments, &record.name)];
        let sound = self.file(&lists, &record.lists) & self.file(&descriptors, &record.descriptors);
        match Segment::open(&segments, record, &self.folder.quantiser) {
            Ok(segment) => {
                let cells = 0..segment.lists.nlist();
                let ids = cells.flat_map(|cell| segment.lists.entries(cell).map(|(id, _)| id));
                ids.for_each(|id| *self.places.entry(id).or_default() += 1);
            }
            Err(error) if sound => self.find(lists.display(), error),
            Err(_) => {}
        }
    }

    /// Returns true if a file has the recorded size and hash.
    fn file(&mut self, path: &Path, expected: &FileRecord) -> bool {
        let reason = match record_of(path) {
            Ok(found) if found == *expected => return true,
            Ok(found) if found.bytes != expected.bytes => {
                format!("expected {} bytes, found {}", expected.bytes, found.bytes)
            }
            Ok(found) => {
                format!("expected SHA-256 {}, found {}", hex(&expected.sha256), hex(&found.sha256))
            }
            Err(Error::Io { source, .. }) => source.to_string(),
            Err(error) => error.to_string(),
        };
        self.find(path.display(), reason);
        false
    }

    fn fresh(&mut self, connection: &Connection, path: &Path) -> Result<()> {
        let (nlist, code_size) =
            (self.folder.quantiser.nlist().unwrap_or(0), self.folder.quantiser.code_size());
        let (mut wrong, d) = (Vec::new(), self.folder.quantiser.d());
        fresh::after(connection, 0, |row| {
            *self.places.entry(row.id).or_default() += 1;
            wrong.extend(super::fresh_entries::check(&row, nlist, code_size, d).err());
        })
        .map_err(Error::catalogue(path))?;
        wrong.into_iter().for_each(|error| self.find(path.display(), error));
        Ok(())
    }

    /// Every entry that is not dropped is in one place, and nothing else is.
    fn entries(&mut self, connection: &Connection, path: &Path) -> Result<()> {
        (self.progress)("the entries");
        let damaged = !self.findings.is_empty();
        let mut statement =
            connection.prepare("SELECT id, state FROM entries").map_err(Error::catalogue(path))?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        for row in rows.map_err(Error::catalogue(path))? {
            let (id, state) = row.map_err(Error::catalogue(path))?;
            let (expected, found) =
                (u32::from(state != State::Dropped.number()), self.places.remove(&id).unwrap_or(0));
            // Of a damaged segment the entries are missing; the segment is named already.
            if found > expected || found < expected && !damaged {
                self.find(path.display(), format!("entry {id} is kept in {found} places, not in {expected}"));
            }
        }
        let mut strangers: Vec<i64> = self.places.drain().map(|(id, _)| id).collect();
        strangers.sort_unstable();
        for id in strangers {
            self.find(path.display(), format!("id {id} is kept, but is no entry"));
        }
        Ok(())
    }
}

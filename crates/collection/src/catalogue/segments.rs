//! Rows of segments.

use rusqlite::Connection;

/// Size and SHA-256 of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    pub bytes: u64,
    pub sha256: Vec<u8>,
}

/// Segment as the catalogue records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRecord {
    /// Stem of its files' names.
    pub name: String,
    pub entries: usize,
    pub lists: FileRecord,
    pub descriptors: FileRecord,
}

/// All segments, in the order of their names.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<SegmentRecord>> {
    let sql = "SELECT name, entries, lists_bytes, lists_sha256, descriptors_bytes, descriptors_sha256
               FROM segments ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let records = statement.query_map([], |row| {
        let file = |at| -> rusqlite::Result<FileRecord> {
            Ok(FileRecord { bytes: row.get::<_, i64>(at)? as u64, sha256: row.get(at + 1)? })
        };
        Ok(SegmentRecord {
            name: row.get(0)?,
            entries: row.get::<_, i64>(1)? as usize,
            lists: file(2)?,
            descriptors: file(4)?,
        })
    })?;
    records.collect()
}

/// Inserts a segment.
pub fn insert(connection: &Connection, segment: &SegmentRecord) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO segments(name, entries, lists_bytes, lists_sha256, descriptors_bytes, descriptors_sha256)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let SegmentRecord { name, entries, lists, descriptors } = segment;
    let values = rusqlite::params![
        name,
        *entries as i64,
        lists.bytes as i64,
        lists.sha256,
        descriptors.bytes as i64,
        descriptors.sha256
    ];
    statement.execute(values).map(drop)
}

/// Removes a segment.
pub fn remove(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM segments WHERE name = ?1")?.execute([name]).map(drop)
}

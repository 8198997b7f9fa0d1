//! Entries that are in no segment yet: their cells, codes and descriptors.

use rusqlite::{Connection, Row};

/// Cell, code and descriptor of an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct FreshRow {
    /// Place in the order of commits.
    pub sequence: i64,
    pub id: i64,
    pub cell: usize,
    pub code: Vec<u8>,
    /// `d` little-endian float16.
    pub descriptor: Vec<u8>,
}

const COLUMNS: &str = "sequence, id, cell, code, descriptor";

/// Inserts the row of an entry.
pub fn insert(
    connection: &Connection,
    id: i64,
    cell: usize,
    code: &[u8],
    descriptor: &[u8],
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO fresh(id, cell, code, descriptor, sum)
               VALUES (?1, ?2, ?3, ?4, sum_of(?1, ?2, ?3, ?4))";
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute((id, cell as i64, code, descriptor)).map(drop)
}

/// Removes the row of an entry, if there is one.
pub fn remove(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM fresh WHERE id = ?1")?.execute([id]).map(drop)
}

/// Passes the rows behind `sequence` to `each`, in the order of their commits.
pub fn after(connection: &Connection, sequence: i64, mut each: impl FnMut(FreshRow)) -> rusqlite::Result<()> {
    let sql = format!("SELECT {COLUMNS} FROM fresh WHERE sequence > ?1 ORDER BY sequence");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([sequence])?;
    while let Some(row) = rows.next()? {
        each(read(row)?);
    }
    Ok(())
}

/// The rows that may become a segment: those of entries whose files are written, of at most `limit`, in the order of
/// their commits.
pub fn sealable(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<FreshRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM fresh WHERE id NOT IN (SELECT id FROM entries WHERE pending = 1)
         ORDER BY sequence LIMIT ?1"
    );
    connection.prepare_cached(&sql)?.query_map([limit as i64], read)?.collect()
}

/// Number of rows.
pub fn count(connection: &Connection) -> rusqlite::Result<usize> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM fresh")?;
    statement.query_row([], |row| row.get::<_, i64>(0)).map(|count| count as usize)
}

fn read(row: &Row) -> rusqlite::Result<FreshRow> {
    Ok(FreshRow {
        sequence: row.get(0)?,
        id: row.get(1)?,
        cell: row.get::<_, i64>(2)? as usize,
        code: row.get(3)?,
        descriptor: row.get(4)?,
    })
}

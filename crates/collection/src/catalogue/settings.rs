//! Settings and counters, by key.

use rusqlite::{Connection, OptionalExtension, ToSql, types::FromSql};

/// Counter of changes to the segments and to rows of `fresh` other than new ones.
pub const LAYOUT: &str = "layout";
/// Counter of changes to states of entries.
pub const STATES: &str = "states";

/// Value of a key, if there is one.
pub fn get<T: FromSql>(connection: &Connection, key: &str) -> rusqlite::Result<Option<T>> {
    let mut statement = connection.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
    statement.query_row([key], |row| row.get(0)).optional()
}

/// Keys that begin with a prefix, ascending, and their values as texts.
pub fn with_prefix(connection: &Connection, prefix: &str) -> rusqlite::Result<Vec<(String, String)>> {
    // The first condition lets the search begin at the prefix, the second one is exact.
    let sql = "SELECT key, CAST(value AS TEXT) FROM settings
               WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1 ORDER BY key";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Sets the value of a key.
pub fn set(connection: &Connection, key: &str, value: impl ToSql) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("INSERT OR REPLACE INTO settings VALUES (?1, ?2, sum_of(?1, ?2))")?;
    statement.execute((key, value)).map(drop)
}

/// Adds `by` to a counter and returns its value before.
pub fn advance(connection: &Connection, key: &str, by: i64) -> rusqlite::Result<i64> {
    let sql = "UPDATE settings SET value = value + ?2, sum = sum_of(key, value + ?2) WHERE key = ?1
               RETURNING value - ?2";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_row((key, by), |row| row.get(0))
}

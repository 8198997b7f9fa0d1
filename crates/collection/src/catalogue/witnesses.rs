//! Witnesses: bytes by which matches with entries are confirmed.

use rusqlite::{Connection, OptionalExtension};

/// Inserts the witness of an entry that has none.
pub fn insert(connection: &Connection, id: i64, bytes: &[u8]) -> rusqlite::Result<()> {
    let sql = "INSERT INTO witnesses(id, bytes, sum) VALUES (?1, ?2, sum_of(?1, ?2))";
    connection.prepare_cached(sql)?.execute((id, bytes)).map(drop)
}

/// Removes the witness of an entry, if there is one.
pub fn remove(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM witnesses WHERE id = ?1")?.execute([id]).map(drop)
}

/// Witness of an entry, if there is one.
pub fn of_id(connection: &Connection, id: i64) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached("SELECT bytes FROM witnesses WHERE id = ?1")?;
    statement.query_row([id], |row| row.get(0)).optional()
}

/// Query for [`counts`], which reads the index of sizes alone.
const COUNTS: &str =
    "SELECT count(*), coalesce(sum(length(bytes)), 0) FROM witnesses INDEXED BY witnesses_by_size";

/// Number of witnesses, and their bytes.
pub fn counts(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    connection.prepare_cached(COUNTS)?.query_row([], |row| {
        let number = |column| row.get::<_, i64>(column).map(|number| number as u64);
        Ok((number(0)?, number(1)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{schema, sum};

    #[test]
    fn counts_read_no_bytes_of_witnesses() {
        let mut connection = Connection::open_in_memory().expect("opens");
        sum::register(&connection).expect("registers");
        schema::migrate(&mut connection).expect("migrates");
        let plan = format!("EXPLAIN QUERY PLAN {COUNTS}");
        let plan: String = connection.query_row(&plan, [], |row| row.get(3)).expect("explains");
        assert!(plan.contains("USING COVERING INDEX witnesses_by_size"), "{plan}");
    }
}

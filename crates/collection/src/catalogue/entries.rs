//! Rows of entries.

use rusqlite::{
    Connection, Row, params,
    types::{FromSqlError, Type},
};

use crate::entry::{Digest, Entry, Meta, NewEntry, State};

pub(super) const COLUMNS: &str = "id, name, original, state, file, pending, added, meta";

/// Values of a row.
#[derive(Debug, Clone, Copy)]
pub struct EntryRow<'a> {
    pub id: i64,
    pub name: &'a str,
    pub original: Option<&'a Digest>,
    pub state: State,
    pub file: Option<&'a str>,
    pub pending: bool,
    pub added: i64,
    pub meta: &'a Meta,
}

impl<'a> EntryRow<'a> {
    /// Row of an entry of a collection.
    pub fn of(entry: &'a Entry) -> Self {
        let Entry { id, ref name, ref original, state, ref file, pending, added, ref meta } = *entry;
        let (original, file) = (original.as_ref(), file.as_deref());
        Self { id, name, original, state, file, pending, added, meta }
    }

    /// Row of a new entry.
    pub fn of_new(id: i64, entry: &'a NewEntry, added: i64) -> Self {
        let NewEntry { name, original, file, pending, meta, .. } = entry;
        let (original, file, state) = (original.as_ref(), file.as_deref(), State::Live);
        Self { id, name, original, state, file, pending: *pending, added, meta }
    }
}

/// Inserts an entry.
pub fn insert(connection: &Connection, row: &EntryRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO entries(id, name, original, state, file, pending, added, meta, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, sum_of(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8))",
    )?;
    let &EntryRow { id, name, original, state, file, pending, added, meta } = row;
    let (original, meta) = (original.map(Digest::bytes), meta_text(meta));
    statement.execute(params![id, name, original, state.number(), file, pending, added, meta]).map(drop)
}

/// Gives a pending entry the fields of a new one.
pub fn replace(connection: &Connection, id: i64, entry: &NewEntry) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE entries SET name = ?2, file = ?3, pending = ?4, meta = ?5,
         sum = sum_of(id, ?2, original, state, ?3, ?4, added, ?5) WHERE id = ?1",
    )?;
    statement.execute(params![id, entry.name, entry.file, entry.pending, meta_text(&entry.meta)]).map(drop)
}

/// Entry of an original that is not dropped, the earliest if there are several.
pub fn of_original(connection: &Connection, original: &Digest) -> rusqlite::Result<Option<Entry>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM entries
         WHERE substr(original, 1, 4) = substr(?1, 1, 4) AND original = ?1 AND original IS NOT NULL AND state < 2
         ORDER BY id LIMIT 1"
    ))?;
    statement.query_map([original.bytes()], entry)?.next().transpose()
}

/// Entry of an id.
pub fn of_id(connection: &Connection, id: i64) -> rusqlite::Result<Option<Entry>> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM entries WHERE id = ?1"))?;
    statement.query_map([id], entry)?.next().transpose()
}

/// Ids of the entries of a name that are not dropped, ascending.
pub fn of_name(connection: &Connection, name: &str) -> rusqlite::Result<Vec<i64>> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM entries WHERE name = ?1 AND state < 2 ORDER BY id")?;
    statement.query_map([name], |row| row.get(0))?.collect()
}

/// Ids of the live entries with the given fields, ascending.
pub fn with_fields(connection: &Connection, fields: &[(String, String)]) -> rusqlite::Result<Vec<i64>> {
    let (mut sql, mut values) = ("SELECT id FROM entries WHERE state = 0".to_owned(), Vec::new());
    add_fields(&mut sql, &mut values, fields);
    sql += " ORDER BY id";
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map(rusqlite::params_from_iter(values), |row| row.get(0))?.collect()
}

/// Appends conditions that fields have given values; a number equals its decimal text.
pub(super) fn add_fields(
    sql: &mut String,
    values: &mut Vec<Box<dyn rusqlite::ToSql>>,
    fields: &[(String, String)],
) {
    for (key, value) in fields {
        values.push(Box::new(key.clone()));
        values.push(Box::new(value.clone()));
        let [key, value] = [values.len() - 1, values.len()];
        *sql += &format!(
            " AND EXISTS (SELECT 1 FROM json_each(entries.meta) AS field
              WHERE field.key = ?{key} AND CASE field.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'
              ELSE CAST(field.value AS TEXT) END = ?{value})"
        );
    }
}

/// Ids of withdrawn entries, ascending.
pub fn withdrawn(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached("SELECT id FROM entries WHERE state = 1 ORDER BY id")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Number of entries whose released file is not known to be at its path.
pub fn pending(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM entries WHERE pending = 1";
    connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0)).map(|count| count as u64)
}

/// Sets the state of an entry.
pub fn set_state(connection: &Connection, id: i64, state: State) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE entries SET state = ?2, sum = sum_of(id, name, original, ?2, file, pending, added, meta)
         WHERE id = ?1",
    )?;
    statement.execute((id, state.number())).map(drop)
}

/// Records that an entry's released file is at its path.
pub fn mark_written(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE entries SET pending = 0, sum = sum_of(id, name, original, state, file, 0, added, meta)
         WHERE id = ?1",
    )?;
    statement.execute([id]).map(drop)
}

/// Sets the fields of an entry.
pub fn set_meta(connection: &Connection, id: i64, meta: &Meta) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE entries SET meta = ?2, sum = sum_of(id, name, original, state, file, pending, added, ?2)
         WHERE id = ?1",
    )?;
    statement.execute((id, meta_text(meta))).map(drop)
}

/// Text of fields, as it is kept.
pub fn meta_text(meta: &Meta) -> Option<String> {
    (!meta.is_empty()).then(|| serde_json::Value::Object(meta.clone()).to_string())
}

pub(super) fn entry(row: &Row) -> rusqlite::Result<Entry> {
    let original: Option<Vec<u8>> = row.get(2)?;
    let original = original.map(|bytes| Digest::from_bytes(&bytes).ok_or_else(|| invalid(2, Type::Blob)));
    let state = State::from_number(row.get(3)?).ok_or_else(|| invalid(3, Type::Integer))?;
    let meta: Option<String> = row.get(7)?;
    let meta = meta.map(|text| serde_json::from_str(&text).map_err(|_| invalid(7, Type::Text)));
    Ok(Entry {
        id: row.get(0)?,
        name: row.get(1)?,
        original: original.transpose()?,
        state,
        file: row.get(4)?,
        pending: row.get(5)?,
        added: row.get(6)?,
        meta: meta.transpose()?.unwrap_or_default(),
    })
}

pub(super) fn invalid(column: usize, of: Type) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, of, Box::new(FromSqlError::InvalidType))
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::StdRng};
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        catalogue::{schema, sum},
        listing::Filter,
    };

    fn catalogue() -> Connection {
        let mut connection = Connection::open_in_memory().expect("opens");
        sum::register(&connection).expect("registers");
        schema::migrate(&mut connection).expect("migrates");
        connection
    }

    /// Value of any kind, and a text that may be its own.
    fn value(rng: &mut StdRng) -> (Value, String) {
        // Where numbers are smaller or longer, SQLite does not always take the fewest digits.
        let real = f64::from(rng.random_range(-1_000_000..1_000_000)) / 1000.0;
        let integer = rng.random_range(-3..4);
        let (value, text) = match rng.random_range(0..9) {
            0 => (Value::Null, "null"),
            1 => (json!(rng.random_bool(0.5)), "true"),
            2 => (json!(integer), "2"),
            3 => (json!(f64::from(integer) / 4.0), "0.25"),
            4 => (json!(u64::MAX - rng.random_range(0..9)), "1.8446744073709552e+19"),
            5 => (json!([1, "ä\"", {"b": 0.5}]), r#"[1,"ä\"",{"b":0.5}]"#),
            6 => (json!("it's\\"), "it's\\"),
            7 => (json!(10_f64.powi(rng.random_range(-8..22))), "1.0e+20"),
            _ => (json!(real), "0.3"),
        };
        (value, text.to_owned())
    }

    /// Text that SQLite makes of a value.
    fn cast(connection: &Connection, value: &Value) -> String {
        let sql = "SELECT CAST(value AS TEXT) FROM json_each(?1)";
        let list = Value::from(vec![value.clone()]).to_string();
        let text: Option<String> = connection.query_row(sql, [list], |row| row.get(0)).expect("casts");
        text.unwrap_or_default()
    }

    #[test]
    fn filters_accept_the_entries_that_sqlite_finds() {
        let (connection, mut rng) = (catalogue(), StdRng::seed_from_u64(5));
        let mut accepted = 0;
        for id in 0..4000 {
            let (value, mut text) = value(&mut rng);
            if rng.random_bool(0.5) {
                text = cast(&connection, &value);
            }
            let meta = [("a".to_owned(), value)].into_iter().collect();
            connection.execute("DELETE FROM entries", []).expect("empties");
            let entry = NewEntry { meta, ..NewEntry::added("n", None) };
            insert(&connection, &EntryRow::of_new(id, &entry, 0)).expect("inserts");
            let filter = Filter { fields: vec![("a".to_owned(), text)] };
            let found = !with_fields(&connection, &filter.fields).expect("finds").is_empty();
            assert_eq!(filter.accepts(&entry.meta), found, "{:?}, {filter:?}", entry.meta);
            accepted += usize::from(found);
        }
        assert!((1000..3000).contains(&accepted), "{accepted}");
    }
}

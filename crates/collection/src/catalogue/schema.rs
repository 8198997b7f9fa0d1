//! Tables of the catalogue, and their migrations.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Number in the header of the file, by which `file` and others tell a catalogue from any SQLite file: `AIcl`.
pub const APPLICATION_ID: i64 = 0x4149_636c;

/// Steps from one version of the schema to the next; the first one makes version 1. Steps are never changed, only added.
const MIGRATIONS: &[&str] = &[
    // 1
    "CREATE TABLE settings(
        key TEXT PRIMARY KEY,
        value ANY NOT NULL,
        sum INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE entries(
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        original BLOB,
        state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
        file TEXT,
        pending INTEGER NOT NULL DEFAULT 0 CHECK (pending BETWEEN 0 AND 1),
        added INTEGER NOT NULL,
        meta TEXT,
        sum INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX entries_by_original ON entries(substr(original, 1, 8)) WHERE original IS NOT NULL;
    CREATE INDEX entries_withdrawn ON entries(id) WHERE state = 1;
    CREATE INDEX entries_pending ON entries(id) WHERE pending = 1;
    CREATE TABLE fresh(
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        id INTEGER NOT NULL UNIQUE REFERENCES entries(id),
        cell INTEGER NOT NULL,
        code BLOB NOT NULL,
        descriptor BLOB NOT NULL,
        sum INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE segments(
        name TEXT PRIMARY KEY,
        entries INTEGER NOT NULL,
        lists_bytes INTEGER NOT NULL,
        lists_sha256 BLOB NOT NULL,
        descriptors_bytes INTEGER NOT NULL,
        descriptors_sha256 BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO settings SELECT column1, column2, sum_of(column1, column2)
        FROM (VALUES ('next_id', 1), ('layout', 0), ('states', 0));",
    // 2: place for what confirms a match
    "ALTER TABLE fresh ADD COLUMN witness BLOB;
    ALTER TABLE segments ADD COLUMN witnesses_bytes INTEGER;
    ALTER TABLE segments ADD COLUMN witnesses_sha256 BLOB;",
    // 3: an index of 4 bytes of a digest in place of 8, 6 MB less for a million entries
    "DROP INDEX entries_by_original;
    CREATE INDEX entries_by_original ON entries(substr(original, 1, 4)) WHERE original IS NOT NULL;",
    // 4: witnesses in a table of their own, which segments leave where it is; the sum comes before the bytes, so that it is
    // read without them
    "ALTER TABLE fresh DROP COLUMN witness;
    ALTER TABLE segments DROP COLUMN witnesses_bytes;
    ALTER TABLE segments DROP COLUMN witnesses_sha256;
    CREATE TABLE witnesses(
        id INTEGER PRIMARY KEY REFERENCES entries(id),
        sum INTEGER NOT NULL,
        bytes BLOB NOT NULL
    ) STRICT;",
    // 5: sizes apart from the bytes, because a count would read a page for each witness
    "CREATE INDEX witnesses_by_size ON witnesses(length(bytes));",
    // 6: matches that a person judges; their pictures in a table of their own, so that lists do not read them
    "CREATE TABLE reviews(
        id INTEGER PRIMARY KEY,
        asked INTEGER NOT NULL,
        query BLOB NOT NULL,
        name TEXT NOT NULL,
        entry INTEGER NOT NULL REFERENCES entries(id),
        verdict TEXT NOT NULL,
        e_value REAL NOT NULL,
        cosine REAL NOT NULL,
        inliers INTEGER,
        decision INTEGER NOT NULL DEFAULT 0 CHECK (decision BETWEEN 0 AND 2),
        decided INTEGER CHECK ((decided IS NULL) = (decision = 0)),
        decided_by TEXT,
        sum INTEGER NOT NULL,
        answer TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX reviews_by_query ON reviews(query, entry);
    CREATE INDEX reviews_by_decision ON reviews(decision);
    CREATE TABLE review_pictures(
        id INTEGER PRIMARY KEY REFERENCES reviews(id),
        sum INTEGER NOT NULL,
        bytes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE review_counts(
        verdict TEXT NOT NULL,
        decision INTEGER NOT NULL,
        reviews INTEGER NOT NULL,
        PRIMARY KEY (verdict, decision)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER review_added AFTER INSERT ON reviews BEGIN
        INSERT INTO review_counts VALUES (NEW.verdict, NEW.decision, 1)
            ON CONFLICT DO UPDATE SET reviews = reviews + 1;
    END;
    CREATE TRIGGER review_decided AFTER UPDATE OF decision ON reviews BEGIN
        UPDATE review_counts SET reviews = reviews - 1 WHERE verdict = OLD.verdict AND decision = OLD.decision;
        INSERT INTO review_counts VALUES (NEW.verdict, NEW.decision, 1)
            ON CONFLICT DO UPDATE SET reviews = reviews + 1;
    END;",
    // 7: numbers of entries by day and state, because a count would read every row
    "CREATE TABLE entry_counts(
        day INTEGER NOT NULL,
        state INTEGER NOT NULL,
        entries INTEGER NOT NULL,
        PRIMARY KEY (day, state)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO entry_counts SELECT added / 86400 AS day, state, count(*) FROM entries GROUP BY day, state;
    CREATE TRIGGER entry_stored AFTER INSERT ON entries BEGIN
        INSERT INTO entry_counts VALUES (NEW.added / 86400, NEW.state, 1)
            ON CONFLICT DO UPDATE SET entries = entries + 1;
    END;
    CREATE TRIGGER entry_changed AFTER UPDATE OF state ON entries BEGIN
        UPDATE entry_counts SET entries = entries - 1 WHERE day = OLD.added / 86400 AND state = OLD.state;
        INSERT INTO entry_counts VALUES (NEW.added / 86400, NEW.state, 1)
            ON CONFLICT DO UPDATE SET entries = entries + 1;
    END;",
];

/// Latest version of the schema.
pub const VERSION: i64 = MIGRATIONS.len() as i64;

/// Version of a catalogue's schema; `None` if the file is not a catalogue.
pub fn version(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((number("application_id")? == APPLICATION_ID).then_some(number("user_version")?))
}

/// Brings a catalogue of an earlier version, or an empty file, to the latest one.
pub fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    migrate_to(&transaction, VERSION)?;
    transaction.commit()
}

/// Runs the steps up to version `to`.
fn migrate_to(transaction: &Transaction, to: i64) -> rusqlite::Result<()> {
    let from = version(transaction)?.unwrap_or(0);
    let steps = MIGRATIONS.iter().take(to as usize).skip(from.max(0) as usize);
    for step in steps {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", to.max(from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::sum;

    fn at(version: i64) -> Connection {
        let mut connection = Connection::open_in_memory().expect("opens");
        sum::register(&connection).expect("registers");
        let transaction = connection.transaction().expect("begins");
        migrate_to(&transaction, version).expect("migrates");
        transaction.commit().expect("commits");
        connection
    }

    /// Columns of all tables.
    fn columns(connection: &Connection) -> Vec<String> {
        let sql = "SELECT tables.name || '.' || columns.name FROM pragma_table_list AS tables,
                   pragma_table_info(tables.name) AS columns WHERE tables.schema = 'main'
                   ORDER BY tables.name, columns.cid";
        let mut statement = connection.prepare(sql).expect("is SQL");
        let names = statement.query_map([], |row| row.get(0)).expect("lists");
        names.collect::<Result<_, _>>().expect("names")
    }

    #[test]
    fn every_version_is_brought_to_the_latest_with_its_rows() {
        let latest = columns(&at(VERSION));
        for from in 1..VERSION {
            let mut connection = at(from);
            let row = "INSERT INTO entries(id, name, added, sum) VALUES (7, 'a', 200000, 0);
                       INSERT INTO fresh(id, cell, code, descriptor, sum) VALUES (7, 3, x'01', x'0203', 0);";
            connection.execute_batch(row).expect("inserts");
            migrate(&mut connection).expect("migrates");
            assert_eq!(version(&connection).expect("reads"), Some(VERSION));
            assert_eq!(columns(&connection), latest, "from {from}");
            let kept =
                connection.query_row("SELECT cell FROM fresh WHERE id = 7", [], |row| row.get::<_, i64>(0));
            assert_eq!(kept.expect("is there"), 3);
            let counted = "SELECT day, state, entries FROM entry_counts";
            let counted = connection
                .query_row(counted, [], |row| <(i64, i64, i64)>::try_from(row))
                .expect("is counted");
            assert_eq!(counted, (2, 0, 1), "from {from}");
            migrate(&mut connection).expect("again changes nothing");
        }
    }

    #[test]
    fn another_program_s_file_has_no_version() {
        let connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch("CREATE TABLE t(x); PRAGMA user_version = 1").expect("makes");
        assert_eq!(version(&connection).expect("reads"), None);
    }
}

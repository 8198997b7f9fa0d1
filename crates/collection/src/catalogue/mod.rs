//! The catalogue: one SQLite file with everything that must agree, read and written by any number of processes.

pub mod entries;
pub mod entry_counts;
pub mod fresh;
pub mod lists;
pub mod reviews;
pub mod schema;
pub mod segments;
pub mod settings;
mod sum;
pub mod witnesses;

use std::{fs, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, config::DbConfig};

use crate::error::{Error, Result};

/// Time for which a process waits for the writer before it. Batches take milliseconds; a disk under load takes seconds.
const BUSY: Duration = Duration::from_secs(60);
/// Pages of the write-ahead log after which a commit copies them to the file: 16 MB.
const CHECKPOINT_PAGES: i64 = 4096;
/// Kibibytes of pages that a connection keeps. A batch of 8,192 entries changes 9 MiB of them, which would be written twice
/// and read again if they were not kept until the commit.
const CACHE: i64 = 16 * 1024;

/// Access of a connection to a catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads and writes.
    Write,
    /// Reads only, where the medium allows no more.
    Read,
}

/// Creates a catalogue at a path where none is.
pub fn create(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connect = || {
        let mut connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        prepare(&connection)?;
        // Pages that entries leave for segments go back to the file system.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        schema::migrate(&mut connection)?;
        Ok(connection)
    };
    connect().map_err(Error::catalogue(path))
}

/// Opens a catalogue and brings it to the latest schema.
///
/// # Errors
/// If the file is missing, no catalogue, or of a later version; errors of SQLite.
pub fn open(path: &Path, access: Access) -> Result<Connection> {
    let mut connection = connect(path, access).map_err(Error::catalogue(path))?;
    let found = schema::version(&connection).map_err(Error::catalogue(path))?;
    match found {
        Some(found) if found > schema::VERSION => {
            Err(Error::Schema { path: path.to_owned(), found, supported: schema::VERSION })
        }
        Some(found) if found < schema::VERSION && access == Access::Write => {
            schema::migrate(&mut connection).map_err(Error::catalogue(path))?;
            Ok(connection)
        }
        Some(schema::VERSION) => Ok(connection),
        Some(found) => Err(Error::damaged(
            path,
            format!(
                "schema {found} is brought to {} when the collection is first opened for writing",
                schema::VERSION
            ),
        )),
        None => Err(Error::damaged(path, "a SQLite file, but not the catalogue of a collection")),
    }
}

fn connect(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let shared = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match access {
        Access::Write => Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | shared)?,
        Access::Read if is_at_rest(path) => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | shared;
            Connection::open_with_flags(immutable(path), flags)?
        }
        Access::Read => Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | shared)?,
    };
    prepare(&connection)?;
    Ok(connection)
}

/// Returns true if nothing is in the write-ahead log, so that the file is read without one.
fn is_at_rest(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(log).map_or(true, |log| log.len() == 0)
}

/// Address by which SQLite reads a file that cannot change, and makes no files beside it.
fn immutable(path: &Path) -> String {
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{escaped}?immutable=1")
}

/// Sets what a connection forgets.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    // Plans do not depend on bound values, else a lookup by the partial index of originals is parsed again for each value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    sum::register(connection)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A commit is on the disk before it is acknowledged, also through a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "cache_size", -CACHE)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Gives pages that are in no use back to the file system.
pub fn give_back_pages(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare("PRAGMA incremental_vacuum")?.query_map([], |_| Ok(()))?.try_for_each(|row| row)
}

/// Begins a transaction that writes; others that write wait for it, and readers go on.
pub fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

//! The embedded engine: a folder with a SQLite catalogue, the quantiser and the segments.

mod check;
mod compact;
mod create;
mod encoded;
mod export;
mod fresh_entries;
mod late_connection;
mod list;
mod network_drive;
mod reviews;
mod sample;
mod search;
mod store;
mod take_over;
mod view;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

pub use compact::SEGMENT_KEY;
pub use create::{Access, create, open};
use index::{Index, ProbedVectors};
use late_connection::LateConnection;
use rusqlite::Connection;
use view::View;

use crate::{
    catalogue::{self, entries, entry_counts, settings, witnesses},
    engine::{Candidate, Description, Engine, Finding, Indexed, Info},
    entry::{Digest, Entry, Meta, NewEntry, State, Stored},
    error::{Error, Result},
    kept::{EncodedEntry, KeptEntry, KeptReview},
    listing::{Count, Day, Filter, Listing, Page, Selection},
    review::{AddedReview, Decision, NewReview, Review, ReviewCounts, ReviewPage},
};

/// Name of the catalogue in the folder.
pub const CATALOGUE: &str = "catalogue.sqlite";
/// Name of the quantiser in the folder.
const QUANTISER: &str = "quantiser.faiss";
/// Name of the folder of segments.
const SEGMENTS: &str = "segments";

/// Collection in a folder.
pub struct Folder {
    path: PathBuf,
    access: Access,
    quantiser: Arc<Index>,
    description: Description,
    warnings: Vec<String>,
    /// Connection that searches read by.
    connection: Mutex<Connection>,
    /// Connection for lists.
    lists: LateConnection,
    /// Connection for changes.
    changes: LateConnection,
    view: Mutex<Arc<View>>,
    /// Compaction that runs in the background.
    compaction: Mutex<Option<JoinHandle<Result<()>>>>,
}

impl Folder {
    fn catalogue_path(&self) -> PathBuf {
        self.path.join(CATALOGUE)
    }

    fn segments_path(&self) -> PathBuf {
        self.path.join(SEGMENTS)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic of another thread leaves no transaction open: it is rolled back when dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `read` with the connection, and adds the catalogue's path to its error.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        read(&self.connection()).map_err(Error::catalogue(&self.catalogue_path()))
    }

    /// Calls `write` in a transaction, and commits it unless `write` fails.
    fn write<T>(&self, write: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let path = self.catalogue_path();
        self.changes.with(&path, self.access, |connection| write_to(connection, &path, write))
    }

    /// Calls `read` with the connection for lists.
    fn read_list<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let path = self.catalogue_path();
        self.lists.with(&path, self.access, |connection| read(connection).map_err(Error::catalogue(&path)))
    }
}

/// Calls `write` in a transaction that waits for other writers, and commits it unless `write` fails.
fn write_to<T>(
    connection: &mut Connection,
    path: &Path,
    write: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    let transaction = catalogue::begin(connection).map_err(Error::catalogue(path))?;
    let value = write(&transaction)?;
    transaction.commit().map_err(Error::catalogue(path))?;
    Ok(value)
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Errors of a compaction in the background are found again by the next one.
        let running = self.compaction.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        running.into_iter().for_each(|thread| drop(thread.join()));
    }
}

impl Engine for Folder {
    fn description(&self) -> &Description {
        &self.description
    }

    fn quantiser(&self) -> &Index {
        &self.quantiser
    }

    fn warnings(&self) -> Vec<String> {
        let view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        self.warnings.iter().cloned().chain(view.damaged.iter().cloned()).collect()
    }

    fn store(
        &self,
        entries: &[NewEntry],
        wanted: Option<&[i64]>,
        descriptors: &[f32],
    ) -> Result<Vec<Stored>> {
        let stored = store::store(self, entries, wanted, descriptors)?;
        self.compact_in_background();
        Ok(stored)
    }

    fn mark_written(&self, ids: &[i64]) -> Result<()> {
        let path = self.catalogue_path();
        self.write(|connection| {
            let mut ids = ids.iter();
            ids.try_for_each(|&id| entries::mark_written(connection, id)).map_err(Error::catalogue(&path))
        })
    }

    fn known(&self, originals: &[Digest]) -> Result<Vec<Option<Entry>>> {
        self.read(|connection| {
            originals.iter().map(|original| entries::of_original(connection, original)).collect()
        })
    }

    fn nearest(
        &self,
        probed: &ProbedVectors,
        queries: &[f32],
        compared: usize,
        k: usize,
        filter: &Filter,
    ) -> Result<Vec<Vec<Candidate>>> {
        let allowed = match filter.is_empty() {
            true => None,
            false => Some(self.read_list(|connection| entries::with_fields(connection, &filter.fields))?),
        };
        let view = self.refreshed()?;
        search::nearest(&view, &self.quantiser, probed, queries, (compared, k), allowed.as_deref())
    }

    fn entries(&self, ids: &[i64]) -> Result<Vec<Option<Entry>>> {
        self.read(|connection| ids.iter().map(|&id| entries::of_id(connection, id)).collect())
    }

    fn ids_of_name(&self, name: &str) -> Result<Vec<i64>> {
        self.read_list(|connection| entries::of_name(connection, name))
    }

    fn listing(&self, page: &Page, visits: u64) -> Result<Listing> {
        list::listing(self, page, visits)
    }

    fn count(&self, selection: &Selection, visits: u64) -> Result<Count> {
        list::count(self, selection, visits)
    }

    fn days(&self) -> Result<Vec<Day>> {
        self.read(entry_counts::days)
    }

    fn set_meta(&self, id: i64, changes: &Meta) -> Result<Entry> {
        list::set_meta(self, id, changes)
    }

    fn set_state(&self, ids: &[i64], state: State) -> Result<()> {
        store::set_state(self, ids, state)
    }

    fn searchable(&self) -> Result<u64> {
        let view = self.refreshed()?;
        Ok(view.entries().saturating_sub(view.withdrawn.len()) as u64)
    }

    fn info(&self) -> Result<Info> {
        check::info(self)
    }

    fn check(&self, progress: &mut dyn FnMut(&str)) -> Result<Vec<Finding>> {
        check::check(self, progress)
    }

    fn index(&self, _share: u32, of: u32) -> Result<Indexed> {
        compact::index(self, of)
    }

    fn compact(&self) -> Result<()> {
        compact::compact_all(self)
    }

    fn export(&self) -> Result<Index> {
        export::export(self)
    }

    fn descriptor(&self, id: i64) -> Result<Vec<f32>> {
        export::descriptor(self, id)
    }

    fn sample(&self, n: usize, seed: u64) -> Result<Vec<(i64, Vec<f32>)>> {
        Ok(sample::sample(&*self.refreshed()?, n, seed))
    }

    fn witnesses(&self, ids: &[i64]) -> Result<Vec<Option<Vec<u8>>>> {
        self.read(|connection| ids.iter().map(|&id| witnesses::of_id(connection, id)).collect())
    }

    fn witness_count(&self) -> Result<u64> {
        self.read(|connection| Ok(witnesses::counts(connection)?.0))
    }

    fn encoded(&self, ids: &[i64]) -> Result<Vec<Option<EncodedEntry>>> {
        encoded::encoded(self, ids)
    }

    fn take_over(&self, entries: &[KeptEntry]) -> Result<Vec<Stored>> {
        let stored = take_over::take_over(self, entries)?;
        self.compact_in_background();
        Ok(stored)
    }

    fn take_over_reviews(&self, reviews: &[KeptReview]) -> Result<Vec<AddedReview>> {
        take_over::take_over_reviews(self, reviews)
    }

    fn add_review(&self, review: &NewReview) -> Result<AddedReview> {
        reviews::add(self, review)
    }

    fn decide(&self, id: i64, decision: Decision, by: Option<&str>) -> Result<Review> {
        reviews::decide(self, id, decision, by)
    }

    fn review(&self, id: i64) -> Result<Option<Review>> {
        self.read(|connection| catalogue::reviews::of_id(connection, id))
    }

    fn review_picture(&self, id: i64) -> Result<Option<Vec<u8>>> {
        self.read(|connection| catalogue::reviews::picture(connection, id))
    }

    fn reviews(&self, page: &ReviewPage) -> Result<Vec<Review>> {
        self.read_list(|connection| reviews::page(connection, page))
    }

    fn review_counts(&self) -> Result<ReviewCounts> {
        self.read(catalogue::reviews::counts)
    }

    fn set_setting(&self, key: &str, value: &str) -> Result<()> {
        let path = self.catalogue_path();
        self.write(|connection| settings::set(connection, key, value).map_err(Error::catalogue(&path)))
    }

    fn setting_or(&self, key: &str, value: &str) -> Result<String> {
        if let Some(kept) = self.setting(key)? {
            return Ok(kept);
        }
        let path = self.catalogue_path();
        self.write(|connection| {
            let kept = settings::get(connection, key).map_err(Error::catalogue(&path))?;
            if kept.is_none() {
                settings::set(connection, key, value).map_err(Error::catalogue(&path))?;
            }
            Ok(kept.unwrap_or_else(|| value.to_owned()))
        })
    }

    fn setting(&self, key: &str) -> Result<Option<String>> {
        self.read(|connection| settings::get(connection, key))
    }

    fn settings_of(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        self.read(|connection| settings::with_prefix(connection, prefix))
    }
}

//! Lance tables that many processes change: versions, scans, and changes that are done again when they conflict.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};
use collection::{Error, Result};
use futures_util::{Stream, TryStreamExt};
use lance::{
    Dataset, Error as LanceError,
    dataset::{
        InsertBuilder, ProjectionRequest, TakeBuilder, UpdateBuilder, WriteMode, WriteParams,
        scanner::Scanner,
        transaction::{Operation, Transaction},
        write::{CommitBuilder, WriteDestination},
    },
};
use lance_table::format::key_existence::{FilterType, KeyExistenceFilter};

use crate::{failure, place::Place};

/// Age of a version from which on the latest one is asked for.
const RECENT: Duration = Duration::from_millis(200);
/// Attempts of a change that conflicts with those of others.
const ATTEMPTS: u32 = 50;

/// Table of a collection.
pub struct Table {
    /// Address of the table, for messages.
    location: String,
    current: RwLock<Current>,
}

struct Current {
    dataset: Arc<Dataset>,
    asked: Instant,
}

/// Outcome of a change that others may have forestalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The change is committed.
    Committed,
    /// Another writer has changed the same; nothing was done.
    Conflict,
}

impl Table {
    /// Creates an empty table.
    pub async fn create(place: &Place, name: &str, schema: Schema) -> Result<Self> {
        let empty = RecordBatch::new_empty(Arc::new(schema));
        let params = WriteParams { mode: WriteMode::Create, ..write_params() };
        let uri = place.table(name);
        let written = InsertBuilder::new(uri.as_str()).with_params(&params).execute(vec![empty]).await;
        let location = place.shown(name);
        let dataset = written.map_err(failure::at(&location))?;
        Ok(Self::of(location, dataset))
    }

    /// Opens the latest version of a table.
    pub async fn open(place: &Place, name: &str) -> Result<Self> {
        let location = place.shown(name);
        let dataset = Dataset::open(&place.table(name)).await.map_err(failure::at(&location))?;
        Ok(Self::of(location, dataset))
    }

    fn of(location: String, dataset: Dataset) -> Self {
        let current = Current { dataset: Arc::new(dataset), asked: Instant::now() };
        Self { location, current: RwLock::new(current) }
    }

    /// Address of the table, for messages.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Returns true if the table has the columns of a schema, in their order.
    pub fn has_columns(&self, expected: &Schema) -> bool {
        let found = Schema::from(self.known().0.schema());
        let column = |field: &Arc<Field>| (field.name().clone(), field.data_type().clone());
        found.fields().iter().map(column).eq(expected.fields().iter().map(column))
    }

    /// Latest version of the table.
    pub async fn latest(&self) -> Result<Arc<Dataset>> {
        let asked = Instant::now();
        let known = self.known().0;
        if !known.is_stale().await.map_err(failure::at(&self.location))? {
            self.note(known.clone(), asked);
            return Ok(known);
        }
        let mut dataset = known.as_ref().clone();
        dataset.checkout_latest().await.map_err(failure::at(&self.location))?;
        Ok(self.note(Arc::new(dataset), asked))
    }

    /// Version of a number.
    pub async fn at(&self, version: u64) -> Result<Arc<Dataset>> {
        let known = self.known().0;
        if known.version().version == version {
            return Ok(known);
        }
        let found = known.checkout_version(version).await;
        found.map(Arc::new).map_err(failure::at(&self.location))
    }

    /// Version that was the latest at most 200 ms ago; changes of this process are in it.
    pub async fn recent(&self) -> Result<Arc<Dataset>> {
        match self.known() {
            (dataset, asked) if asked.elapsed() < RECENT => Ok(dataset),
            _ => self.latest().await,
        }
    }

    /// Rows of a version that pass `filter`, an SQL expression, as batches of the named columns.
    pub async fn scan(
        &self,
        dataset: &Dataset,
        columns: &[&str],
        filter: Option<&str>,
    ) -> Result<impl Stream<Item = Result<RecordBatch>> + Unpin + use<'_>> {
        self.scan_with(dataset.scan(), columns, filter).await
    }

    /// Rows of some fragments of a version that pass `filter`, as batches of the named columns.
    pub async fn scan_of(
        &self,
        dataset: &Dataset,
        fragments: &[u32],
        columns: &[&str],
        filter: Option<&str>,
    ) -> Result<impl Stream<Item = Result<RecordBatch>> + Unpin + use<'_>> {
        let named = dataset.fragments().iter().filter(|fragment| fragments.contains(&(fragment.id as u32)));
        let mut scanner = dataset.scan();
        scanner.with_fragments(named.cloned().collect());
        self.scan_with(scanner, columns, filter).await
    }

    async fn scan_with(
        &self,
        mut scanner: Scanner,
        columns: &[&str],
        filter: Option<&str>,
    ) -> Result<impl Stream<Item = Result<RecordBatch>> + Unpin + use<'_>> {
        let mut prepare = || {
            let (columns, rest): (Vec<&str>, Vec<&str>) =
                columns.iter().partition(|column| **column != ROW_ADDRESS);
            scanner.project(&columns)?;
            if !rest.is_empty() {
                scanner.with_row_address();
            }
            filter.map(|filter| scanner.filter(filter).map(drop)).transpose().map(drop)
        };
        prepare().map_err(failure::at(&self.location))?;
        let stream = scanner.try_into_stream().await.map_err(failure::at(&self.location))?;
        Ok(stream.map_err(|error| failure::at(&self.location)(error)))
    }

    /// Rows of some fragments of a version that pass `filter`, as batches of the named columns.
    pub async fn rows_of(
        &self,
        dataset: &Dataset,
        fragments: &[u32],
        columns: &[&str],
        filter: Option<&str>,
    ) -> Result<Vec<RecordBatch>> {
        if fragments.is_empty() {
            return Ok(Vec::new());
        }
        self.scan_of(dataset, fragments, columns, filter).await?.try_collect().await
    }

    /// Rows of [`Self::scan`], all at once.
    pub async fn rows(
        &self,
        dataset: &Dataset,
        columns: &[&str],
        filter: Option<&str>,
    ) -> Result<Vec<RecordBatch>> {
        self.scan(dataset, columns, filter).await?.try_collect().await
    }

    /// Number of the rows of a version that pass `filter`; of all of them, the table knows it.
    pub async fn count(&self, dataset: &Dataset, filter: Option<String>) -> Result<u64> {
        let counted = dataset.count_rows(filter).await;
        counted.map(|rows| rows as u64).map_err(failure::at(&self.location))
    }

    /// Columns of the rows of a version with these addresses, in their order.
    pub async fn take(
        &self,
        dataset: &Arc<Dataset>,
        addresses: &[u64],
        columns: &[&str],
    ) -> Result<RecordBatch> {
        let taken = async {
            let projection = ProjectionRequest::from_schema(dataset.schema().project(columns)?);
            TakeBuilder::try_new_from_ids(dataset.clone(), addresses.to_vec(), projection)?.execute().await
        };
        let batch = taken.await.map_err(failure::at(&self.location))?;
        if batch.num_rows() != addresses.len() {
            let reason = format!("expected {} rows, found {}", addresses.len(), batch.num_rows());
            return Err(Error::damaged(self.location.as_ref(), reason));
        }
        Ok(batch)
    }

    /// Inserts rows that were made from a version, unless another writer has inserted one with the same key since. `keys` are
    /// hashes of the keys of the rows.
    pub async fn insert(&self, read: &Arc<Dataset>, rows: RecordBatch, keys: Vec<u64>) -> Result<Change> {
        let params = WriteParams { mode: WriteMode::Append, ..write_params() };
        let written = InsertBuilder::new(WriteDestination::Dataset(read.clone()))
            .with_params(&params)
            .execute_uncommitted(vec![rows])
            .await
            .map_err(failure::at(&self.location))?;
        let Operation::Append { fragments } = written.operation else {
            unreachable!("rows are appended");
        };
        let operation = Operation::Update {
            removed_fragment_ids: Vec::new(),
            updated_fragments: Vec::new(),
            new_fragments: fragments,
            fields_modified: Vec::new(),
            compacted_sstables: Vec::new(),
            fields_for_preserving_frag_bitmap: Vec::new(),
            update_mode: None,
            inserted_rows_filter: Some(KeyExistenceFilter {
                field_ids: Vec::new(),
                filter: FilterType::ExactSet(keys.into_iter().collect()),
            }),
            updated_fragment_offsets: None,
        };
        self.commit(read, operation).await
    }

    /// Commits an operation that was made from a version.
    pub async fn commit(&self, read: &Arc<Dataset>, operation: Operation) -> Result<Change> {
        let transaction = Transaction::new(read.version().version, operation, None);
        let asked = Instant::now();
        match CommitBuilder::new(read.clone()).execute(transaction).await {
            Ok(dataset) => {
                self.note(Arc::new(dataset), asked);
                Ok(Change::Committed)
            }
            Err(error) if is_conflict(&error) => Ok(Change::Conflict),
            Err(error) => Err(failure::at(&self.location)(error)),
        }
    }

    /// Sets columns of the rows that pass `filter` to values, both SQL expressions, and returns the number of rows. What the
    /// filter says holds when the change is committed.
    pub async fn update(&self, filter: &str, values: &[(&str, String)]) -> Result<u64> {
        let read = self.latest().await?;
        let build = || {
            let updated = UpdateBuilder::new(read).update_where(filter)?.conflict_retries(ATTEMPTS);
            values.iter().try_fold(updated, |updated, (column, value)| updated.set(column, value))?.build()
        };
        let job = build().map_err(failure::at(&self.location))?;
        let asked = Instant::now();
        let done = job.execute().await.map_err(failure::at(&self.location))?;
        self.note(done.new_dataset, asked);
        Ok(done.rows_updated)
    }

    /// Notes a version that others may have seen; an older one than is known is not noted. Returns the newest.
    pub fn note(&self, dataset: Arc<Dataset>, asked: Instant) -> Arc<Dataset> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if dataset.version().version >= current.dataset.version().version {
            *current = Current { dataset, asked };
        }
        current.dataset.clone()
    }

    fn known(&self) -> (Arc<Dataset>, Instant) {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        (current.dataset.clone(), current.asked)
    }
}

/// Name of the column of row addresses, in scans that ask for it.
pub const ROW_ADDRESS: &str = "_rowaddr";

fn write_params() -> WriteParams {
    WriteParams { skip_auto_cleanup: true, ..WriteParams::default() }
}

/// Returns true for an error of a change that can be made again from the latest version.
pub fn is_conflict(error: &LanceError) -> bool {
    matches!(
        error,
        LanceError::RetryableCommitConflict { .. }
            | LanceError::CommitConflict { .. }
            | LanceError::TooMuchWriteContention { .. }
    )
}

/// Text as a literal of SQL.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

//! Segments of the index on codes, of which searches read the cells that they visit.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use arrow_array::{Array, FixedSizeListArray, RecordBatch, UInt8Array};
use collection::{Error, Result};
use futures_util::{StreamExt, TryStreamExt};
use index::{EntryLists, Index};
use lance::{
    Dataset,
    index::{DatasetIndexExt, DatasetIndexInternalExt},
};
use lance_index::{
    metrics::NoOpMetricsCollector,
    vector::{PQ_CODE_COLUMN, VectorIndex},
};
use lance_table::format::IndexMetadata;

use crate::{entries::Columns, failure, table::Table};

/// Name of the index.
pub const INDEX: &str = "codes";
/// Column that the index is declared on.
pub const INDEXED: &str = "descriptor";
/// Cells that are read at a time.
const PARALLEL: usize = 32;
/// Bytes of codes and addresses that a segment keeps in memory.
const MOST_BYTES: usize = 2 << 30;

/// Segments of the index in a version, in the order of their making.
pub async fn indexed_fragments(table: &Table, dataset: &Dataset) -> Result<Vec<IndexMetadata>> {
    let indexes = dataset.load_indices().await.map_err(failure::at(table.location()))?;
    let mut own: Vec<IndexMetadata> = indexes.iter().filter(|index| index.name == INDEX).cloned().collect();
    own.sort_by_key(|index| (index.dataset_version, index.uuid));
    Ok(own)
}

/// Fragments whose entries are searched in each of `indexes`: those that it covers, that exist, and that none before it
/// covers. Returns true beside them if a segment may have entries of others.
pub fn coverage(indexes: &[IndexMetadata], dataset: &Dataset) -> (Vec<BTreeSet<u32>>, bool) {
    let existing: BTreeSet<u32> = dataset.fragments().iter().map(|fragment| fragment.id as u32).collect();
    let mut taken: BTreeSet<u32> = BTreeSet::new();
    let mut has_strangers = false;
    let mut covered = Vec::with_capacity(indexes.len());
    for index in indexes {
        let named: BTreeSet<u32> = index.fragment_bitmap.iter().flatten().collect();
        let own: BTreeSet<u32> =
            named.intersection(&existing).copied().filter(|id| !taken.contains(id)).collect();
        has_strangers |= own.len() < named.len();
        taken.extend(&own);
        covered.push(own);
    }
    (covered, has_strangers)
}

/// Fragments that no segment covers, and their numbers of rows, deleted ones among them.
pub fn outside(indexes: &[IndexMetadata], dataset: &Dataset) -> Vec<(u32, usize)> {
    let covered: BTreeSet<u32> = coverage(indexes, dataset).0.into_iter().flatten().collect();
    let all = dataset.fragments().iter().map(|own| (own.id as u32, own.physical_rows.unwrap_or(0)));
    all.filter(|(fragment, _)| !covered.contains(fragment)).collect()
}

/// Open segment.
pub struct Segment {
    pub uuid: uuid::Uuid,
    location: String,
    index: Arc<dyn VectorIndex>,
    cells: RwLock<Cells>,
}

/// Cells that were read.
struct Cells {
    lists: EntryLists,
    is_read: Vec<bool>,
}

impl Segment {
    /// Opens a segment of a version.
    pub async fn open(
        table: &Table,
        dataset: &Dataset,
        index: &IndexMetadata,
        quantiser: &Index,
    ) -> Result<Self> {
        let opened = dataset.open_vector_index(INDEXED, &index.uuid, &NoOpMetricsCollector).await;
        let opened = opened.map_err(failure::at(table.location()))?;
        let lists = quantiser.lists()?;
        let is_read = vec![false; lists.nlist()];
        let cells = RwLock::new(Cells { lists, is_read });
        Ok(Self { uuid: index.uuid, location: table.location().to_owned(), index: opened, cells })
    }

    /// Entries of the cells that were read, under their row addresses.
    pub fn lists(&self) -> Lists<'_> {
        Lists(self.cells.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Number of rows, deleted ones among them.
    pub fn rows(&self) -> u64 {
        self.index.num_rows()
    }

    /// Reads those of `cells` that were not read before.
    pub async fn read(&self, cells: &[usize]) -> Result<()> {
        let lacking: Vec<usize> = {
            let known = self.cells.read().unwrap_or_else(PoisonError::into_inner);
            cells.iter().copied().filter(|&cell| !known.is_read[cell]).collect()
        };
        let reads =
            lacking.into_iter().map(|cell| async move { Ok::<_, Error>((cell, self.cell(cell).await?)) });
        let mut reads = futures_util::stream::iter(reads).buffer_unordered(PARALLEL);
        while let Some((cell, entries)) = reads.try_next().await? {
            self.keep(cell, &entries);
        }
        Ok(())
    }

    fn keep(&self, cell: usize, entries: &[(u64, Vec<u8>)]) {
        let mut known = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        if known.is_read[cell] {
            return;
        }
        known.is_read[cell] = true;
        entries.iter().for_each(|(address, code)| known.lists.push(cell, code, *address as i64));
    }

    /// Forgets what was read if it takes too much memory.
    pub fn shrink(&self, quantiser: &Index) -> Result<()> {
        let bytes = quantiser.code_size() + size_of::<u64>();
        let mut known = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        if known.lists.ntotal().saturating_mul(bytes) > MOST_BYTES {
            known.lists = quantiser.lists()?;
            known.is_read.fill(false);
        }
        Ok(())
    }

    /// Row addresses and codes of a cell, as they are kept.
    pub async fn cell(&self, cell: usize) -> Result<Vec<(u64, Vec<u8>)>> {
        let stream = self.index.partition_reader(cell, true, &NoOpMetricsCollector).await;
        let stream = stream.map_err(failure::at(&self.location))?;
        let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(failure::at(&self.location))?;
        let mut entries = Vec::new();
        for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
            let columns = Columns::new(batch, &self.location);
            let addresses = columns.u64("_rowid")?;
            let codes = columns.list(PQ_CODE_COLUMN)?;
            entries.extend(addresses.values().iter().copied().zip(codes_of(codes, &self.location)?));
        }
        Ok(entries)
    }
}

/// Lists of a segment, which does not change while they are held.
pub struct Lists<'a>(RwLockReadGuard<'a, Cells>);

impl Lists<'_> {
    /// Entries of the cells that were read.
    pub fn get(&self) -> &EntryLists {
        &self.0.lists
    }

    /// Returns true if all of `cells` were read.
    pub fn have(&self, cells: &[usize]) -> bool {
        cells.iter().all(|&cell| self.0.is_read[cell])
    }
}

/// Codes of the rows of a cell. Lance keeps them by sub-vectors, `[m, n]`.
fn codes_of(codes: &FixedSizeListArray, location: &str) -> Result<Vec<Vec<u8>>> {
    let values = codes.values().as_any().downcast_ref::<UInt8Array>();
    let values =
        values.ok_or_else(|| Error::damaged(location.as_ref(), "codes of the index are no bytes"))?;
    let (n, m) = (codes.len(), codes.value_length() as usize);
    let values = &values.values()[codes.value_offset(0) as usize..][..n * m];
    Ok((0..n).map(|row| (0..m).map(|part| values[part * n + row]).collect()).collect())
}

//! View of the entries at one version: segments of the index, entries that it lacks, and rows that are gone.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use collection::Result;
use index::{EntryLists, Index};
use lance::{Dataset, dataset::fragment::FileFragment};
use lance_core::utils::deletion::DeletionVector;
use lance_table::format::DeletionFile;

use crate::{
    entries::Columns,
    failure,
    segments::{Segment, coverage, indexed_fragments},
    table::{ROW_ADDRESS, Table},
};

/// Rows of a fragment that were deleted, and the file that says so.
#[derive(Clone)]
struct Deleted {
    file: DeletionFile,
    rows: Arc<DeletionVector>,
}

/// Entries of one version, shared by searches.
pub struct View {
    pub dataset: Arc<Dataset>,
    pub segments: Vec<Arc<Segment>>,
    /// Fragments whose entries are searched in each segment.
    pub covered: Vec<BTreeSet<u32>>,
    /// Entries of the fragments that no segment covers, under their row addresses.
    pub fresh: Arc<EntryLists>,
    fresh_fragments: BTreeSet<u32>,
    deleted: HashMap<u32, Deleted>,
    /// True if entries of segments may be of no fragment that they cover.
    has_strangers: bool,
}

impl View {
    /// View of a version, which takes over what it can from an earlier one.
    pub async fn of(
        table: &Table,
        dataset: Arc<Dataset>,
        before: Option<&Self>,
        quantiser: &Index,
    ) -> Result<Self> {
        let indexes = indexed_fragments(table, &dataset).await?;
        let (covered, has_strangers) = coverage(&indexes, &dataset);
        let known = |uuid| before.and_then(|view| view.segments.iter().find(|segment| segment.uuid == uuid));
        let mut segments = Vec::with_capacity(indexes.len());
        for index in &indexes {
            segments.push(match known(index.uuid) {
                Some(segment) => segment.clone(),
                None => Arc::new(Segment::open(table, &dataset, index, quantiser).await?),
            });
        }
        let is_covered = |fragment: u32| covered.iter().any(|fragments| fragments.contains(&fragment));
        let all = dataset.fragments().iter().map(|fragment| fragment.id as u32);
        let fresh_fragments: BTreeSet<u32> = all.filter(|fragment| !is_covered(*fragment)).collect();
        let fresh = fresh(table, &dataset, &fresh_fragments, before, quantiser).await?;
        let deleted = deleted(table, &dataset, before).await?;
        Ok(Self { dataset, segments, covered, fresh, fresh_fragments, deleted, has_strangers })
    }

    /// Number of the version.
    pub fn version(&self) -> u64 {
        self.dataset.version().version
    }

    /// Fragments that no segment covers.
    pub fn fresh_fragments(&self) -> &BTreeSet<u32> {
        &self.fresh_fragments
    }

    /// Returns true if every entry that a search finds is one of this version.
    pub fn is_whole(&self) -> bool {
        self.deleted.is_empty() && !self.has_strangers
    }

    /// Returns true if the entry that a search found in a part, a segment or the fresh entries behind them, is one of this
    /// version.
    pub fn has(&self, part: usize, address: u64) -> bool {
        let (fragment, row) = ((address >> 32) as u32, address as u32);
        let covered = self.covered.get(part).is_none_or(|fragments| fragments.contains(&fragment));
        covered && self.deleted.get(&fragment).is_none_or(|deleted| !deleted.rows.contains(row))
    }
}

/// Entries of fragments that no segment covers. Those of an earlier view are taken over if all its fragments are among them.
async fn fresh(
    table: &Table,
    dataset: &Arc<Dataset>,
    fragments: &BTreeSet<u32>,
    before: Option<&View>,
    quantiser: &Index,
) -> Result<Arc<EntryLists>> {
    let before = before.filter(|view| view.fresh_fragments.is_subset(fragments));
    let lacking: Vec<_> = match before {
        Some(view) => fragments.difference(&view.fresh_fragments).copied().collect(),
        None => fragments.iter().copied().collect(),
    };
    match before {
        Some(view) if lacking.is_empty() => return Ok(view.fresh.clone()),
        _ => {}
    }
    let mut lists = match before {
        Some(view) => view.fresh.as_ref().clone(),
        None => quantiser.lists()?,
    };
    let columns = ["cell", "code", ROW_ADDRESS];
    for batch in table.rows_of(dataset, &lacking, &columns, Some("cell IS NOT NULL")).await? {
        let columns = Columns::new(&batch, table.location());
        let (cells, codes) = (columns.u32("cell")?, columns.code("code")?);
        let addresses = columns.u64(ROW_ADDRESS)?;
        for row in 0..batch.num_rows() {
            check_cell(table, cells.value(row), lists.nlist())?;
            lists.push(cells.value(row) as usize, codes.value(row), addresses.value(row) as i64);
        }
    }
    Ok(Arc::new(lists))
}

fn check_cell(table: &Table, cell: u32, nlist: usize) -> Result<()> {
    if (cell as usize) < nlist {
        return Ok(());
    }
    let reason = format!("expected a cell below {nlist}, found {cell}");
    Err(collection::Error::damaged(table.location().as_ref(), reason))
}

/// Deleted rows of each fragment that has some.
async fn deleted(
    table: &Table,
    dataset: &Arc<Dataset>,
    before: Option<&View>,
) -> Result<HashMap<u32, Deleted>> {
    let mut deleted = HashMap::new();
    for fragment in dataset.fragments().iter() {
        let (id, Some(file)) = (fragment.id as u32, fragment.deletion_file.clone()) else { continue };
        let known = before.and_then(|view| view.deleted.get(&id)).filter(|known| known.file == file);
        let rows = match known {
            Some(known) => known.rows.clone(),
            None => {
                let fragment = FileFragment::new(dataset.clone(), fragment.clone());
                let rows = fragment.get_deletion_vector().await.map_err(failure::at(table.location()))?;
                rows.unwrap_or_default()
            }
        };
        deleted.insert(id, Deleted { file, rows });
    }
    Ok(deleted)
}

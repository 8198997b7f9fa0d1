//! Checks: that rows are as they were written, and that every entry lies in the cell, with the code, that the quantiser gives.

mod codes;
mod placed;

use std::collections::HashSet;

use arrow_array::{Array, RecordBatch};
use collection::{Error, Finding, Result, State, engine::shared::sample_hash};
use futures_util::{StreamExt, TryStreamExt};

use crate::{
    core::{Core, read_quantiser},
    entries::{self, Columns, sum_of_row},
    table::ROW_ADDRESS,
    view::View,
};
use codes::wrong_codes;
use placed::Placed;

/// Most findings of one kind that are listed.
const MOST_FINDINGS: usize = 100;
/// Most cells that a sample takes at a time, and of them those that are read at a time.
const MOST_CELLS: usize = 256;
const PARALLEL: usize = 32;
/// Columns that a check reads.
const COLUMNS: [&str; 10] =
    ["id", "state", "added", "cell", "code", "descriptor", "witness", "witness_bytes", "sum", ROW_ADDRESS];

/// Findings, of which the first are kept.
#[derive(Default)]
pub struct Findings {
    kept: Vec<Finding>,
    left_out: usize,
}

impl Findings {
    /// Adds a finding.
    pub fn add(&mut self, place: impl ToString, reason: impl ToString) {
        if self.kept.len() < MOST_FINDINGS {
            self.kept.push(Finding { place: place.to_string(), reason: reason.to_string() });
        } else {
            self.left_out += 1;
        }
    }

    fn into_vec(mut self, location: &str) -> Vec<Finding> {
        if self.left_out > 0 {
            let reason = format!("{} more findings are not listed", self.left_out);
            self.kept.push(Finding { place: location.to_owned(), reason });
        }
        self.kept
    }
}

/// Reads everything; see [`Engine::check`](collection::Engine::check).
pub async fn check(core: &Core) -> Result<Vec<Finding>> {
    let mut findings = Findings::default();
    let fingerprint = &core.description.fingerprint;
    if let Err(error) = read_quantiser(&core.place, fingerprint, &core.quantiser.device()).await {
        findings.add(&core.place.location, error);
    }
    // Read before the entries: each review is of an entry that was there.
    let reviewed = core.reviews.entries().await?;
    core.entries.latest().await?;
    let view = match core.view().await {
        Ok(view) => view,
        Err(error) => {
            findings.add(core.entries.location(), error);
            return Ok(findings.into_vec(&core.place.location));
        }
    };
    let mut placed = Placed::of(&view, core.quantiser.code_size());
    let ids = check_rows(core, &view, &mut placed, &mut findings).await;
    let is_whole = placed.is_whole();
    placed.compare(core, &view, &mut findings).await?;
    core.reviews.check(|reason| findings.add(core.reviews.table().location(), reason)).await?;
    // What was not read may have the entry of any review.
    for entry in reviewed.into_iter().filter(|id| is_whole && !ids.contains(id)) {
        findings.add(&core.place.location, format!("a review is of the entry {entry}, which does not exist"));
    }
    Ok(findings.into_vec(&core.place.location))
}

/// Checks the rows of a version, fragment by fragment, and returns their ids. Of a fragment that cannot be read, nothing more is
/// said.
async fn check_rows(core: &Core, view: &View, placed: &mut Placed, findings: &mut Findings) -> HashSet<i64> {
    let mut ids = HashSet::new();
    for fragment in view.dataset.fragments().iter().map(|fragment| fragment.id as u32) {
        if let Err(error) = check_fragment(core, view, fragment, &mut ids, placed, findings).await {
            findings.add(core.entries.location(), error);
            placed.leave_out(fragment);
        }
    }
    ids
}

async fn check_fragment(
    core: &Core,
    view: &View,
    fragment: u32,
    ids: &mut HashSet<i64>,
    placed: &mut Placed,
    findings: &mut Findings,
) -> Result<()> {
    let mut batches = core.entries.scan_of(&view.dataset, &[fragment], &COLUMNS, None).await?;
    while let Some(batch) = batches.try_next().await? {
        check_batch(core, &batch, ids, placed, findings)?;
    }
    Ok(())
}

/// Checks ids, states, sums and codes of a batch.
fn check_batch(
    core: &Core,
    batch: &RecordBatch,
    ids: &mut HashSet<i64>,
    placed: &mut Placed,
    findings: &mut Findings,
) -> Result<()> {
    let location = core.entries.location();
    let columns = Columns::new(batch, location);
    let (own, states, added) = (columns.i64("id")?, columns.i8("state")?, columns.i64("added")?);
    let (cells, codes, list) = (columns.u32("cell")?, columns.code("code")?, columns.list("descriptor")?);
    let (values, witnesses, sums) =
        (columns.halves("descriptor")?, columns.bytes("witness")?, columns.i64("sum")?);
    let (addresses, d) = (columns.u64(ROW_ADDRESS)?, entries::d_of(list));
    for row in 0..batch.num_rows() {
        let id = own.value(row);
        if !ids.insert(id) {
            findings.add(location, format!("entry {id} is kept more than once"));
        }
        let is_whole = cells.is_valid(row) && codes.is_valid(row) && list.is_valid(row);
        match State::from_number(states.value(row).into()) {
            Some(State::Dropped) => continue,
            None => findings.add(location, format!("entry {id} is in the state {}", states.value(row))),
            Some(_) if !is_whole => {
                findings.add(location, format!("entry {id} has no code or no descriptor"))
            }
            Some(_) => {
                let witness = witnesses.is_valid(row).then(|| witnesses.value(row));
                let code = (cells.value(row), codes.value(row));
                let sum = sum_of_row(id, added.value(row), code, &values[row * d..(row + 1) * d], witness);
                if sum != sums.value(row) {
                    findings.add(location, format!("entry {id} is not as it was written"));
                }
                placed.note(addresses.value(row), cells.value(row), codes.value(row));
            }
        }
    }
    for (row, reason) in wrong_codes(core, batch)? {
        findings.add(location, format!("entry {} {reason}", own.value(row)));
    }
    Ok(())
}

/// Compares at least `rows` rows of the index, if it has so many, with the table and the quantiser: those of cells drawn by the
/// number of the version.
pub async fn sample_is_sound(core: &Core, rows: usize) -> Result<Vec<Finding>> {
    let view = core.view().await?;
    let mut findings = Findings::default();
    placed::check_counts(core, &view, &mut findings).await?;
    let nlist = core.quantiser.nlist().unwrap_or(0);
    let mut cells: Vec<usize> = (0..nlist).collect();
    cells.sort_by_key(|cell| sample_hash(view.version(), *cell as i64));
    let all: u64 = view.segments.iter().map(|segment| segment.rows()).sum();
    let of_cell = (all as usize / nlist.max(1)).max(1);
    let mut compared = 0;
    for cells in cells.chunks(rows.div_ceil(of_cell).clamp(1, MOST_CELLS)) {
        if compared >= rows {
            break;
        }
        let entries = entries_of(&view, cells).await?;
        compared += entries.len();
        compare_entries(core, &view, &entries, &mut findings).await?;
    }
    Ok(findings.into_vec(&core.place.location))
}

/// Entry of the index.
struct IndexedEntry {
    address: u64,
    cell: usize,
    code: Vec<u8>,
}

/// Entries of some cells of the index, of all segments.
async fn entries_of(view: &View, cells: &[usize]) -> Result<Vec<IndexedEntry>> {
    let parts = view.segments.iter().enumerate();
    let reads = parts.flat_map(|(part, segment)| cells.iter().map(move |&cell| (part, segment, cell)));
    let reads = reads.map(|(part, segment, cell)| async move {
        let entries = segment.cell(cell).await?.into_iter();
        let own = entries.filter(|(address, _)| view.has(part, *address));
        Ok::<_, Error>(own.map(|(address, code)| IndexedEntry { address, cell, code }).collect::<Vec<_>>())
    });
    let read: Vec<Vec<IndexedEntry>> =
        futures_util::stream::iter(reads).buffered(PARALLEL).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}

/// Compares entries of the index with their rows, and these with the quantiser.
async fn compare_entries(
    core: &Core,
    view: &View,
    entries: &[IndexedEntry],
    findings: &mut Findings,
) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let location = core.entries.location();
    let addresses: Vec<u64> = entries.iter().map(|entry| entry.address).collect();
    let columns = ["id", "cell", "code", "descriptor"];
    let batch = core.entries.take(&view.dataset, &addresses, &columns).await?;
    let columns = Columns::new(&batch, location);
    let (ids, cells, codes) = (columns.i64("id")?, columns.u32("cell")?, columns.code("code")?);
    for (row, entry) in entries.iter().enumerate() {
        if (cells.value(row) as usize, codes.value(row)) != (entry.cell, entry.code.as_slice()) {
            findings
                .add(location, format!("entry {} is in the index with another cell or code", ids.value(row)));
        }
    }
    for (row, reason) in wrong_codes(core, &batch)? {
        findings.add(location, format!("entry {} {reason}", ids.value(row)));
    }
    Ok(())
}

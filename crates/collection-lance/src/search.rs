//! Search of the segments and of the entries that they lack, and the ranking by descriptors.

use std::{collections::HashMap, sync::Arc};

use collection::{Candidate, Filter, Result, State, engine::shared::Query};
use half::f16;
use index::{EntryLists, FoundEntry, Index, ProbedVectors};
use lance::Dataset;
use moka::sync::Cache;

use crate::{
    entries::{self, Columns},
    segments::Lists,
    table::Table,
    view::View,
};

/// Bytes of rows that are kept in memory.
const MOST_BYTES: u64 = 1 << 30;
/// Columns of a kept row.
const COLUMNS: [&str; 4] = ["id", "state", "meta", "descriptor"];

/// Row of the table, which never changes: a changed entry has a row of its own.
pub struct Row {
    id: i64,
    is_live: bool,
    /// Fields as JSON; empty if there are none.
    meta: Box<str>,
    descriptor: Box<[f16]>,
}

impl Row {
    fn passes(&self, filter: &Filter) -> bool {
        let fields = || entries::meta(&self.meta).unwrap_or_default();
        self.is_live && (filter.is_empty() || filter.accepts(&fields()))
    }
}

/// Rows by their addresses, of which those that were asked for last are kept.
pub struct Rows(Cache<u64, Arc<Row>>);

impl Default for Rows {
    fn default() -> Self {
        let bytes = |_: &u64, row: &Arc<Row>| {
            (size_of::<Row>() + row.meta.len() + size_of_val(&*row.descriptor)) as u32
        };
        Self(Cache::builder().max_capacity(MOST_BYTES).weigher(bytes).build())
    }
}

impl Rows {
    /// Rows of addresses in a version. Each address is read once.
    async fn get(
        &self,
        table: &Table,
        dataset: &Arc<Dataset>,
        addresses: &[u64],
    ) -> Result<HashMap<u64, Arc<Row>>> {
        let mut found = HashMap::with_capacity(addresses.len());
        let mut lacking = Vec::new();
        for &address in addresses {
            match self.0.get(&address) {
                Some(row) => drop(found.insert(address, row)),
                None => lacking.push(address),
            }
        }
        lacking.sort_unstable();
        lacking.dedup();
        for (address, row) in lacking.iter().zip(read(table, dataset, &lacking).await?) {
            let row = Arc::new(row);
            self.0.insert(*address, row.clone());
            found.insert(*address, row);
        }
        Ok(found)
    }
}

/// Reads rows by their addresses, in their order.
async fn read(table: &Table, dataset: &Arc<Dataset>, addresses: &[u64]) -> Result<Vec<Row>> {
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    let batch = table.take(dataset, addresses, &COLUMNS).await?;
    let columns = Columns::new(&batch, table.location());
    let (ids, states, metas) = (columns.i64("id")?, columns.i8("state")?, columns.text("meta")?);
    let (values, d) = (columns.halves("descriptor")?, entries::d_of(columns.list("descriptor")?));
    let row = |i: usize| Row {
        id: ids.value(i),
        is_live: i64::from(states.value(i)) == State::Live.number(),
        meta: if metas.value(i) == "{}" { "".into() } else { metas.value(i).into() },
        descriptor: values[i * d..(i + 1) * d].into(),
    };
    Ok((0..addresses.len()).map(row).collect())
}

/// Entries asked for.
pub struct Asked<'a> {
    pub probed: &'a ProbedVectors,
    /// `[n, d]`.
    pub queries: &'a [f32],
    /// Nearest codes that are ranked by their descriptors.
    pub compared: usize,
    /// Largest number of entries for each query.
    pub k: usize,
    pub filter: &'a Filter,
}

/// Entry found by its code: its address in place of its id.
struct Found {
    address: u64,
    distance: f32,
}

/// Entries of the nearest codes of a query.
struct FoundOfQuery {
    entries: Vec<Found>,
    /// True if all places were taken, so that there may be more.
    is_cut_off: bool,
}

/// The nearest entries; see [`Engine::nearest`](collection::Engine::nearest).
pub async fn nearest(
    view: &View,
    table: &Table,
    rows: &Rows,
    quantiser: &Index,
    asked: &Asked<'_>,
) -> Result<Vec<Vec<Candidate>>> {
    let cells = asked.probed.cells();
    let mut places = asked.compared;
    loop {
        for segment in &view.segments {
            segment.shrink(quantiser)?;
            segment.read(&cells).await?;
        }
        let Some(found) = search(view, quantiser, asked, &cells, places)? else { continue };
        let addresses: Vec<u64> =
            found.iter().flat_map(|found| &found.entries).map(|entry| entry.address).collect();
        let known = rows.get(table, &view.dataset, &addresses).await?;
        let passing: Vec<Vec<(&Row, f32)>> =
            found.iter().map(|found| passing(&found.entries, &known, asked.filter)).collect();
        // Where others took the places of live entries, more must be looked at.
        let lacking =
            passing.iter().zip(&found).any(|(row, found)| found.is_cut_off && row.len() < asked.compared);
        if !lacking {
            let queries = asked.queries.chunks_exact(quantiser.d());
            return Ok(queries.zip(passing).map(|(query, row)| ranked(query, &row, asked)).collect());
        }
        places = places.saturating_mul(2);
    }
}

/// Entries of the nearest codes of each query; `None` if cells were forgotten meanwhile.
fn search(
    view: &View,
    quantiser: &Index,
    asked: &Asked<'_>,
    cells: &[usize],
    places: usize,
) -> Result<Option<Vec<FoundOfQuery>>> {
    let held: Vec<Lists<'_>> = view.segments.iter().map(|segment| segment.lists()).collect();
    if !held.iter().all(|lists| lists.have(cells)) {
        return Ok(None);
    }
    let parts: Vec<&EntryLists> = held.iter().map(Lists::get).chain([view.fresh.as_ref()]).collect();
    let rows = quantiser.search_lists(&parts, asked.probed, places)?;
    let exists = |entry: &FoundEntry| view.is_whole() || view.has(entry.part, entry.id as u64);
    let found = |entry: FoundEntry| Found { address: entry.id as u64, distance: entry.distance };
    let of_query = |row: Vec<FoundEntry>| FoundOfQuery {
        is_cut_off: row.len() == places,
        entries: row.into_iter().filter(exists).map(found).collect(),
    };
    Ok(Some(rows.into_iter().map(of_query).collect()))
}

fn passing<'a>(found: &[Found], rows: &'a HashMap<u64, Arc<Row>>, filter: &Filter) -> Vec<(&'a Row, f32)> {
    let rows = found.iter().filter_map(|found| Some((&**rows.get(&found.address)?, found.distance)));
    rows.filter(|(row, _)| row.passes(filter)).collect()
}

/// The `k` entries of the largest cosines among the `compared` first, the largest first.
fn ranked(query: &[f32], rows: &[(&Row, f32)], asked: &Asked<'_>) -> Vec<Candidate> {
    let query = Query::new(query);
    let compared = rows.iter().take(asked.compared);
    let candidate = |&(row, distance): &(&Row, f32)| Candidate {
        id: row.id,
        distance,
        cosine: query.cosine(&row.descriptor),
    };
    let mut candidates: Vec<Candidate> = compared.map(candidate).collect();
    candidates.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.id.cmp(&b.id)));
    candidates.truncate(asked.k);
    candidates
}

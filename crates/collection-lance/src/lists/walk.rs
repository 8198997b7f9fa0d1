//! Walks over the rows of entries by their ids, in windows of at most so many rows.
//!
//! In a large table, a window is a range of ids, which the index on ids finds. Ids have gaps: those that a writer claimed and
//! did not use, and between those that entries kept from elsewhere. A window that is nearly empty is followed by one that is
//! 16 times as wide. In a small table, or where only entries of a rare state are asked for, each window is made by one scan.

use std::sync::Arc;

use collection::{Order, Result, Selection};
use futures_util::TryStreamExt;
use lance::Dataset;

use super::{conditions::Conditions, largest_id::largest_id};
use crate::{first::First, table::Table};

/// Rows that the first window of a page has at least.
const LEAST_ROWS: u64 = 64;
/// Most rows of a window.
pub const MOST_ROWS: u64 = 65_536;

/// Rows of a window that were visited.
pub struct Window {
    /// Number of rows.
    pub visited: u64,
    /// Last id that was visited, in the order of the walk.
    pub last: i64,
    /// Ids and row addresses of the selected entries, in the order of the walk.
    pub selected: Vec<(i64, u64)>,
}

/// Walk over the entries of a version.
pub struct Walk<'a> {
    table: &'a Table,
    dataset: &'a Arc<Dataset>,
    conditions: Conditions<'a>,
    /// True if windows are made by scans.
    scans: bool,
    order: Order,
    left: Option<Ids>,
    /// Ids in the next window.
    width: u64,
}

/// Ids from `first` to `last`, both among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ids {
    first: i64,
    last: i64,
}

/// Row as it is kept while a window is read. The order of rows is that of the walk.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    rank: i64,
    address: u64,
    is_selected: bool,
}

impl<'a> Walk<'a> {
    /// Walk over the entries after an id in an order. A table of at most `scanned` rows is small.
    pub async fn new(
        table: &'a Table,
        dataset: &'a Arc<Dataset>,
        (selection, order, after): (&'a Selection, Order, Option<i64>),
        scanned: u64,
    ) -> Result<Self> {
        let conditions = Conditions::of(selection);
        let scans = conditions.rare_state().is_some() || table.count(dataset, None).await? <= scanned;
        let last = match scans {
            // Not the largest number, behind which no walk ends; no entry has it.
            true => Some(i64::MAX - 1),
            false => largest_id(table, dataset).await?,
        };
        let all = last.map(|last| Ids { first: 0, last });
        let left = after.map_or(all, |after| all?.after(after, order));
        Ok(Self { table, dataset, conditions, scans, order, left, width: 0 })
    }

    /// Rows that the first of the windows has at least.
    pub fn least_rows(&self) -> u64 {
        match self.scans && self.conditions.are_narrow() {
            // A scan visits many rows at no cost.
            true => MOST_ROWS,
            false => LEAST_ROWS,
        }
    }

    /// Next window with at least one row, and at most `rows` of them; `None` at the end.
    pub async fn next(&mut self, rows: u64) -> Result<Option<Window>> {
        while let Some(left) = self.left {
            let ids = self.ids(left, rows);
            let (found, is_cut) = self.visit(ids, rows).await?;
            let id = |row: &Row| mirrored(row.rank, self.order);
            let last = match found.last() {
                Some(last) if is_cut => id(last),
                _ => ids.end(self.order),
            };
            let selected =
                found.iter().filter(|row| row.is_selected).map(|row| (id(row), row.address)).collect();
            self.left = left.after(last, self.order);
            self.adapt(found.len() as u64, is_cut, rows);
            if !found.is_empty() {
                return Ok(Some(Window { visited: found.len() as u64, last, selected }));
            }
        }
        Ok(None)
    }

    /// Ids of the next window.
    fn ids(&self, left: Ids, rows: u64) -> Ids {
        match self.scans {
            true => left,
            false => left.beginning(self.width.max(rows), self.order),
        }
    }

    /// First `rows` rows with ids of a window, and true if there are more.
    async fn visit(&self, ids: Ids, rows: u64) -> Result<(Vec<Row>, bool)> {
        let Ids { first, last } = ids;
        let filter = match self.scans {
            true => self.conditions.filter(),
            false => Some(format!("id >= {first} AND id <= {last}")),
        };
        let columns = self.conditions.columns();
        let mut batches = self.table.scan(self.dataset, &columns, filter.as_deref()).await?;
        let mut kept = First::new(usize::try_from(rows).unwrap_or(usize::MAX));
        while let Some(batch) = batches.try_next().await? {
            self.conditions.each(&batch, self.table.location(), |id, address, is_selected| {
                if (first..=last).contains(&id) {
                    kept.push(Row { rank: mirrored(id, self.order), address, is_selected });
                }
            })?;
        }
        Ok(kept.into_sorted())
    }

    /// Sets the width of the next window by the rows of this one.
    fn adapt(&mut self, found: u64, is_cut: bool, rows: u64) {
        let width = self.width.max(rows);
        self.width = match is_cut {
            true => width / 4,
            false if found < rows / 8 || found == 0 => width.saturating_mul(16),
            false => width,
        };
    }
}

impl Ids {
    /// Ids behind `id` in an order; `None` if there are none.
    fn after(self, id: i64, order: Order) -> Option<Self> {
        let ids = match order {
            Order::OldestFirst => Self { first: self.first.max(id.checked_add(1)?), ..self },
            Order::NewestFirst => Self { last: self.last.min(id.checked_sub(1)?), ..self },
        };
        (ids.first <= ids.last).then_some(ids)
    }

    /// At most `n` ids with which an order begins.
    fn beginning(self, n: u64, order: Order) -> Self {
        let further = i64::try_from(n.saturating_sub(1)).unwrap_or(i64::MAX);
        match order {
            Order::OldestFirst => Self { last: self.last.min(self.first.saturating_add(further)), ..self },
            Order::NewestFirst => Self { first: self.first.max(self.last.saturating_sub(further)), ..self },
        }
    }

    /// Id with which an order ends.
    fn end(self, order: Order) -> i64 {
        match order {
            Order::OldestFirst => self.last,
            Order::NewestFirst => self.first,
        }
    }
}

/// Rank of an id in an order; id of a rank.
fn mirrored(value: i64, order: Order) -> i64 {
    match order {
        Order::OldestFirst => value,
        Order::NewestFirst => !value,
    }
}

//! Lists of entries, read in windows of ids so that no statement visits more than it may.

use rusqlite::{Connection, ToSql, params_from_iter};

use super::entries::{COLUMNS, add_fields, entry};
use crate::{
    entry::{Entry, State},
    listing::{NameFilter, Order, Selection},
};

/// Ids between two bounds, of which neither belongs to it, and at most so many rows of them.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    order: Order,
    after: i64,
    /// Last id that was visited; belongs to the window.
    pub last: i64,
}

impl Window {
    /// Window of at most `rows` rows after an id, in an order; `None` if there are no more.
    pub fn new(
        connection: &Connection,
        selection: &Selection,
        order: Order,
        after: Option<i64>,
        rows: u64,
    ) -> rusqlite::Result<Option<Self>> {
        let (source, after) = (source(selection), after.unwrap_or(beginning(order)));
        let sql = match order {
            Order::OldestFirst => {
                format!("SELECT max(id) FROM (SELECT id FROM {source} AND id > ?1 ORDER BY id LIMIT ?2)")
            }
            Order::NewestFirst => {
                format!("SELECT min(id) FROM (SELECT id FROM {source} AND id < ?1 ORDER BY id DESC LIMIT ?2)")
            }
        };
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let last: Option<i64> =
            connection.prepare_cached(&sql)?.query_row((after, rows), |row| row.get(0))?;
        Ok(last.map(|last| Self { order, after, last }))
    }

    /// At most `limit` selected entries of the window, in its order.
    pub fn entries(
        &self,
        connection: &Connection,
        selection: &Selection,
        limit: usize,
    ) -> rusqlite::Result<Vec<Entry>> {
        let (conditions, mut values) = self.conditions(selection);
        values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
        let direction = match self.order {
            Order::OldestFirst => "",
            Order::NewestFirst => "DESC",
        };
        let sql = format!("SELECT {COLUMNS} {conditions} ORDER BY id {direction} LIMIT ?{}", values.len());
        let mut statement = connection.prepare_cached(&sql)?;
        statement.query_map(params_from_iter(values), entry)?.collect()
    }

    /// Number of selected entries of the window.
    pub fn count(&self, connection: &Connection, selection: &Selection) -> rusqlite::Result<u64> {
        let (conditions, values) = self.conditions(selection);
        let mut statement = connection.prepare_cached(&format!("SELECT count(*) {conditions}"))?;
        let count = statement.query_row(params_from_iter(values), |row| row.get::<_, i64>(0))?;
        Ok(count as u64)
    }

    /// Source and conditions of a query, and their values.
    fn conditions(&self, selection: &Selection) -> (String, Vec<Box<dyn ToSql>>) {
        let within = match self.order {
            Order::OldestFirst => "id > ?1 AND id <= ?2",
            Order::NewestFirst => "id < ?1 AND id >= ?2",
        };
        let mut sql = format!("FROM {} AND {within}", source(selection));
        let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(self.after), Box::new(self.last)];
        add_name(&mut sql, &mut values, selection.name.as_ref());
        add_fields(&mut sql, &mut values, &selection.filter.fields);
        (sql, values)
    }
}

/// Bound of the first window of a list. No entry has these ids.
fn beginning(order: Order) -> i64 {
    match order {
        Order::OldestFirst => i64::MIN,
        Order::NewestFirst => i64::MAX,
    }
}

/// Table, index and condition on states. The withdrawn entries have an index, which a bound number would not use.
fn source(selection: &Selection) -> String {
    match selection.state {
        None => "entries WHERE TRUE".to_owned(),
        Some(State::Withdrawn) => "entries INDEXED BY entries_withdrawn WHERE state = 1".to_owned(),
        Some(state) => format!("entries WHERE state = {}", state.number()),
    }
}

/// Appends a condition on names. `instr` and `lower` see whole names, where `LIKE` ends at a zero byte.
fn add_name(sql: &mut String, values: &mut Vec<Box<dyn ToSql>>, name: Option<&NameFilter>) {
    let (text, places) = match name {
        None => return,
        Some(NameFilter::Prefix(text)) => (text, "= 1"),
        Some(NameFilter::Part(text)) => (text, "> 0"),
    };
    values.push(Box::new(text.to_ascii_lowercase()));
    *sql += &format!(" AND instr(lower(name), ?{}) {places}", values.len());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{schema, sum};

    fn plan(connection: &Connection, sql: &str) -> String {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("is SQL");
        let rows = statement.query_map((0, 0), |row| row.get(3)).expect("explains");
        rows.collect::<rusqlite::Result<Vec<String>>>().expect("explains").join("; ")
    }

    #[test]
    fn windows_are_found_and_read_by_ids_without_sorting() {
        let mut connection = Connection::open_in_memory().expect("opens");
        sum::register(&connection).expect("registers");
        schema::migrate(&mut connection).expect("migrates");
        for state in [None, Some(State::Live), Some(State::Withdrawn), Some(State::Dropped)] {
            let selection = Selection { state, ..Selection::default() };
            for (order, direction) in [(Order::OldestFirst, ""), (Order::NewestFirst, "DESC")] {
                let window = Window { order, after: 0, last: 0 };
                let (conditions, _) = window.conditions(&selection);
                let plan =
                    plan(&connection, &format!("SELECT {COLUMNS} {conditions} ORDER BY id {direction}"));
                let expected = match state {
                    Some(State::Withdrawn) => "SEARCH entries USING INDEX entries_withdrawn (id>",
                    _ => "SEARCH entries USING INTEGER PRIMARY KEY (rowid>",
                };
                assert!(plan.starts_with(expected) && !plan.contains("TEMP B-TREE"), "{state:?}: {plan}");
            }
        }
    }
}

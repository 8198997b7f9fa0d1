//! Conditions of a selection, tested on batches of narrow columns.

use arrow_array::{Int8Array, RecordBatch, StringArray};
use collection::{Error, Filter, NameFilter, Result, Selection, State};

use crate::{
    entries::{Columns, meta},
    table::ROW_ADDRESS,
};

/// Conditions of a selection.
pub struct Conditions<'a> {
    selection: &'a Selection,
}

impl<'a> Conditions<'a> {
    /// Takes a selection.
    pub fn of(selection: &'a Selection) -> Self {
        Self { selection }
    }

    /// State that few entries have, so that a scan finds these sooner than windows of ids do.
    pub fn rare_state(&self) -> Option<State> {
        self.selection.state.filter(|state| *state != State::Live)
    }

    /// Returns true if there are conditions on more than states.
    pub fn are_narrow(&self) -> bool {
        !self.selection.is_by_state()
    }

    /// Condition in SQL on the rows that are read: that of a rare state. The column of states takes next to no bytes.
    pub fn filter(&self) -> Option<String> {
        self.rare_state().map(|state| format!("state = {}", state.number()))
    }

    /// Columns that are needed to tell which rows are selected, with ids and addresses.
    pub fn columns(&self) -> Vec<&'static str> {
        let Selection { state, filter, name } = self.selection;
        let needed = [
            ("id", true),
            (ROW_ADDRESS, true),
            ("state", state.is_some()),
            ("name", name.is_some()),
            ("meta", !filter.is_empty()),
        ];
        needed.into_iter().filter(|(_, is_needed)| *is_needed).map(|(column, _)| column).collect()
    }

    /// Calls `visit` with the id and the address of each row, and with true if it is selected.
    pub fn each(
        &self,
        batch: &RecordBatch,
        location: &str,
        mut visit: impl FnMut(i64, u64, bool),
    ) -> Result<()> {
        let columns = Columns::new(batch, location);
        let (ids, addresses) = (columns.i64("id")?, columns.u64(ROW_ADDRESS)?);
        let Selection { state, filter, name } = self.selection;
        let states = state.map(|state| Ok::<_, Error>((state, columns.i8("state")?))).transpose()?;
        let names = name.as_ref().map(|name| Ok::<_, Error>((name, columns.text("name")?))).transpose()?;
        let metas =
            (!filter.is_empty()).then(|| Ok::<_, Error>((filter, columns.text("meta")?))).transpose()?;
        let tests = Tests { states, names, metas };
        for row in 0..batch.num_rows() {
            let damaged = |()| Error::damaged(location.as_ref(), format!("entry {}: fields", ids.value(row)));
            let is_selected = tests.accept(row).map_err(damaged)?;
            visit(ids.value(row), addresses.value(row), is_selected);
        }
        Ok(())
    }
}

/// Conditions, each with the column that it tests.
struct Tests<'a> {
    states: Option<(State, &'a Int8Array)>,
    names: Option<(&'a NameFilter, &'a StringArray)>,
    metas: Option<(&'a Filter, &'a StringArray)>,
}

impl Tests<'_> {
    /// Returns true for a row that passes; an error for fields that are no JSON object.
    fn accept(&self, row: usize) -> Result<bool, ()> {
        let by_state =
            self.states.is_none_or(|(state, states)| i64::from(states.value(row)) == state.number());
        if !by_state || !self.names.is_none_or(|(name, names)| name.accepts(names.value(row))) {
            return Ok(false);
        }
        match self.metas {
            None => Ok(true),
            Some((filter, metas)) => Ok(filter.accepts(&meta(metas.value(row)).ok_or(())?)),
        }
    }
}

//! Numbers of entries by day and state, which triggers keep: a count of the rows would read all of them.

use rusqlite::{Connection, types::Type};

use super::entries::invalid;
use crate::{entry::State, listing::Day};

/// Numbers of the entries of each day on which one was stored, ascending.
pub fn days(connection: &Connection) -> rusqlite::Result<Vec<Day>> {
    let sql = "SELECT day, state, entries FROM entry_counts WHERE entries != 0 ORDER BY day";
    let mut statement = connection.prepare_cached(sql)?;
    let (mut rows, mut days) = (statement.query([])?, Vec::<Day>::new());
    while let Some(row) = rows.next()? {
        let day: i64 = row.get(0)?;
        let state = State::from_number(row.get(1)?).ok_or_else(|| invalid(1, Type::Integer))?;
        let entries: i64 = row.get(2)?;
        if days.last().is_none_or(|last| last.day != day) {
            days.push(Day { day, ..Day::default() });
        }
        let last = days.last_mut().expect("one was pushed");
        last.add(state, entries.max(0) as u64);
    }
    Ok(days)
}

/// Numbers of entries of all days by state.
pub fn total(connection: &Connection) -> rusqlite::Result<Day> {
    let days = days(connection)?.into_iter();
    Ok(days.fold(Day::default(), |sum, day| Day {
        day: 0,
        live: sum.live + day.live,
        withdrawn: sum.withdrawn + day.withdrawn,
        dropped: sum.dropped + day.dropped,
    }))
}

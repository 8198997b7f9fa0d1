//! `withdraw` and `restore`: take entries out of the answers, and back.

use std::path::Path;

use anyhow::{Result, bail};
use collection::{Collection, Error, State};
use image_file::path_text;
use serde::Serialize;

use crate::{
    args::NamedEntries,
    inputs,
    report::{Report, table::table},
    session::{Outcome, Session, output::one_line},
};

/// Entries whose state was set.
#[derive(Serialize)]
struct StateReport {
    collection: String,
    entries: Vec<ChangedEntry>,
}

#[derive(Serialize)]
struct ChangedEntry {
    id: i64,
    name: String,
    state: String,
}

pub fn withdraw(arguments: &NamedEntries, session: &Session) -> Result<Outcome> {
    set(arguments, State::Withdrawn, session)
}

pub fn restore(arguments: &NamedEntries, session: &Session) -> Result<Outcome> {
    set(arguments, State::Live, session)
}

fn set(arguments: &NamedEntries, state: State, session: &Session) -> Result<Outcome> {
    let device = session.device_for_files()?.device;
    let collection = inputs::collection::open(&arguments.collection, &device, session)?;
    let ids = ids(&collection, &arguments.entries, session)?;
    match state {
        State::Live => collection.restore(&ids)?,
        _ => collection.withdraw(&ids)?,
    }
    let entries = collection.entries(&ids)?.into_iter().flatten();
    let changed =
        entries.map(|entry| ChangedEntry { id: entry.id, name: entry.name, state: entry.state.to_string() });
    let collection = arguments.collection.to_string();
    let report = Report::new(StateReport { collection, entries: changed.collect() });
    session.result(&report, || text(&report.body))?;
    Ok(Outcome::Done)
}

/// Returns the ids of the named entries, each once.
fn ids(collection: &Collection, names: &[String], session: &Session) -> Result<Vec<i64>> {
    let (mut ids, mut refused) = (Vec::with_capacity(names.len()), Vec::new());
    for name in names {
        match id_of(collection, name) {
            Ok(id) if ids.contains(&id) => {}
            Ok(id) => ids.push(id),
            Err(error) => refused.push(one_line(&error.into())),
        }
    }
    match refused.as_slice() {
        [] => Ok(ids),
        [reason] => bail!("{reason}; nothing was changed"),
        reasons => {
            reasons.iter().for_each(|reason| session.note(reason));
            bail!("{} of {} names were refused; nothing was changed", reasons.len(), names.len())
        }
    }
}

/// Returns the id of the entry of an id or a name, which may also be typed as the path that it is the text of.
fn id_of(collection: &Collection, name: &str) -> collection::Result<i64> {
    let text = path_text(Path::new(name));
    match collection.id_of(name) {
        Err(Error::UnknownEntry(_)) if text != name => collection.id_of(&text),
        found => found,
    }
}

fn text(report: &StateReport) -> String {
    let row = |entry: &ChangedEntry| vec![entry.name.clone(), entry.state.clone(), entry.id.to_string()];
    table(&["name", "state", "id"], 2, report.entries.iter().map(row))
}

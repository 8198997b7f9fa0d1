//! Another collection: everything that it keeps is taken over.

use std::{ops::ControlFlow, time::Instant};

use anyhow::{Result, ensure};
use burn::tensor::Device;
use collection::{Collection, Imported, Selection};
use serde::Serialize;

use crate::{
    args::Address,
    inputs,
    report::{Report, table::table},
    session::{Outcome, Session, interrupt::Watch, progress},
};

/// Entries of a collection that were taken over.
#[derive(Serialize)]
struct ImportReport {
    collection: String,
    from: String,
    added: u64,
    /// Entries that were there already.
    already: u64,
    /// Entries that were there, and were withdrawn as in the other collection.
    withdrawn: u64,
    /// Entries that an interruption left, and dropped ones whose ids other entries have.
    left: u64,
    /// Entries whose ids others had.
    new_ids: u64,
    reviews: u64,
    /// True if the user ended the run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    interrupted: bool,
}

pub fn run(from: &Address, to: &Address, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    ensure!(!from.is_same(to), "{from}: is to be imported into itself");
    let device = session.device_for_files()?.device;
    let source = inputs::collection::open(from, &device, session)?;
    let target = opened(to, &source, &device, session)?;
    let (imported, total) = import(&source, &target)?;
    if imported.is_complete {
        inputs::collection::refit(&target, session);
    }
    let report = ImportReport::new(from, to, &imported, total);
    report.notes(&imported, session);
    let seconds = started.elapsed().as_secs_f64();
    let report = Report::new(report).after(seconds);
    session.result(&report, || report.body.text(seconds))?;
    Ok(if report.body.interrupted { Outcome::Interrupted } else { Outcome::Done })
}

/// Opens the collection, or creates it with the quantiser and for the witnesses of the other one.
fn opened(to: &Address, source: &Collection, device: &Device, session: &Session) -> Result<Collection> {
    let Some(collection) = inputs::collection::open_if_there(to, device)? else {
        let kind = source.description().witness_kind.as_deref();
        return inputs::collection::create(to, source.quantiser(), kind);
    };
    inputs::collection::note_warnings(&collection, session);
    if let Some(record) = inputs::collection::recorded_extractor(source)? {
        inputs::collection::check_extractor(&collection, &record)?;
    }
    Ok(collection)
}

/// Takes over everything, until the user presses Ctrl-C. Returns what was done, and the number of the other collection's entries.
fn import(source: &Collection, target: &Collection) -> Result<(Imported, u64)> {
    let total = source.count(&Selection::default(), 0)?.entries;
    let (bar, watch) = (progress::bar(usize::try_from(total)?, "importing"), Watch::start());
    let imported = target.import(source, &mut |done| {
        bar.set_position(done.visited);
        if watch.is_requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    bar.finish_and_clear();
    Ok((imported, total))
}

impl ImportReport {
    fn new(from: &Address, to: &Address, imported: &Imported, total: u64) -> Self {
        let Imported { added, already, renumbered, withdrawn, left, reviews, is_complete, .. } = *imported;
        let open = if is_complete { 0 } else { total.saturating_sub(added + already + left) };
        Self {
            collection: to.to_string(),
            from: from.to_string(),
            added,
            already,
            withdrawn,
            left: left + open,
            new_ids: renumbered,
            reviews,
            interrupted: !is_complete,
        }
    }

    /// Says what differs from what the user may expect.
    fn notes(&self, imported: &Imported, session: &Session) {
        let Self { from, new_ids, .. } = self;
        if *new_ids > 0 {
            session
                .note(&format!("{from}: {new_ids} ids were given already, so these entries have new ones"));
        }
        if imported.left > 0 {
            session.note(&format!(
                "{from}: {} dropped entries have ids that were given already, and were left out",
                imported.left
            ));
        }
    }

    fn text(&self, seconds: f64) -> String {
        let Self { added, already, withdrawn, left, new_ids, reviews, collection, .. } = self;
        let counts = [added, already, withdrawn, left, new_ids, reviews].map(ToString::to_string);
        let rest = [format!("{seconds:.1}"), collection.clone()];
        let headings = [
            "added",
            "there already",
            "withdrawn since",
            "left out",
            "new ids",
            "reviews",
            "seconds",
            "collection",
        ];
        let row = table(&headings, 0, [counts.into_iter().chain(rest).collect()]);
        match self.interrupted {
            true => {
                format!("{row}\ninterrupted with {left} left: run the same command again to go on")
            }
            false => row,
        }
    }
}

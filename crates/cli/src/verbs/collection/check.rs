//! `collection check`: reads everything and says what is wrong.

use std::{path::Path, time::Instant};

use anyhow::Result;
use collection::{Collection, Error, Info};
use image_file::path_text;
use indicatif::ProgressBar;
use serde::Serialize;

use crate::{
    args::Address,
    inputs,
    report::Report,
    session::{Outcome, Session, output::one_line},
};

/// Outcome of a check.
#[derive(Serialize)]
struct CheckReport {
    collection: String,
    findings: Vec<Finding>,
    /// Numbers of a collection that can be opened.
    #[serde(skip)]
    info: Info,
}

/// Damage.
#[derive(Serialize)]
struct Finding {
    place: String,
    reason: String,
}

pub fn run(address: &Address, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    let device = session.device_for_files()?.device;
    let (findings, info) = match inputs::collection::open_quietly(address, &device) {
        Ok(collection) => (findings(&collection)?, collection.info()?),
        Err(error) => (vec![unopened(address, error.downcast()?)?], Info::default()),
    };
    let outcome = Outcome::of(!findings.is_empty());
    let seconds = started.elapsed().as_secs_f64();
    let collection = address.to_string();
    let report = Report::new(CheckReport { collection, findings, info }).after(seconds);
    session.result(&report, || text(&report.body, seconds))?;
    Ok(outcome)
}

fn findings(collection: &Collection) -> Result<Vec<Finding>> {
    let bar = ProgressBar::new_spinner();
    let mut progress = |place: &str| {
        bar.set_message(format!("reading {place}"));
        bar.tick();
    };
    let found = collection.check(&mut progress)?;
    bar.finish_and_clear();
    Ok(found.into_iter().map(|found| Finding { place: found.place, reason: found.reason }).collect())
}

/// Damage that keeps a collection from being opened.
///
/// # Errors
/// Errors that are no damage.
fn unopened(address: &Address, error: Error) -> Result<Finding> {
    let at = |path: &Path, reason: String| Finding { place: path_text(path), reason };
    Ok(match error {
        error @ (Error::NotACollection(_) | Error::Schema { .. } | Error::Engine { .. }) => {
            return Err(error.into());
        }
        Error::Damaged { path, reason } => at(&path, reason),
        Error::Catalogue { path, source } => at(&path, source.to_string()),
        Error::Io { path, source } => at(&path, source.to_string()),
        Error::Index(index::Error::File { path, source }) => at(&path, one_line(&(*source).into())),
        other => Finding { place: address.to_string(), reason: one_line(&other.into()) },
    })
}

fn text(CheckReport { collection, findings, info }: &CheckReport, seconds: f64) -> String {
    if findings.is_empty() {
        let Info { live, withdrawn, segments, bytes, .. } = info;
        return format!(
            "{collection} is sound: {live} entries, {withdrawn} withdrawn, {segments} segments, {bytes} bytes; {seconds:.1} s"
        );
    }
    let line = |Finding { place, reason }: &Finding| format!("{place}: {reason}");
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

//! Record of a run in a shard, or of one that the user named, which the collection keeps while the run goes on.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use collection::Collection;
use image_file::path_text;
use shard::{Record, RunName, Shard};

use super::{Session, interrupt, output::one_line};
use crate::{args::RecordedSharding, inputs::collection::now};

/// Time between two records of a run.
const INTERVAL: Duration = Duration::from_secs(15);

/// Run in a shard, or on all inputs. Its record says how many images are done; one that ends early stays marked as not done.
pub struct ShardRun<'a> {
    collection: &'a Collection,
    session: &'a Session,
    state: Mutex<State>,
}

struct State {
    record: Record,
    kept: Instant,
}

/// Outcome of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Stored,
    Already,
    Failed,
}

impl<'a> ShardRun<'a> {
    /// Records the beginning of a run on `images` images. Returns `None` for a run on all inputs without a name, which has no
    /// record.
    ///
    /// # Errors
    /// If the collection cannot be written.
    pub fn begin(
        verb: &str,
        inputs: &[PathBuf],
        (shard, images): (Option<Shard>, usize),
        arguments: &RecordedSharding,
        (collection, session): (&'a Collection, &'a Session),
    ) -> Result<Option<Self>> {
        let inputs: Vec<String> = inputs.iter().map(|path| path_text(path)).collect();
        let (run, shard) = match (&arguments.run, shard) {
            (None, None) => return Ok(None),
            (Some(run), shard) => (run.clone(), shard.unwrap_or(Shard::ALL)),
            (None, Some(shard)) => (RunName::of_command(verb, &inputs, shard.of()), shard),
        };
        let record = Record::new(run, verb, &shortened(&inputs.join(", ")), shard, images as u64);
        let state = Mutex::new(State { record, kept: Instant::now() });
        let run = Self { collection, session, state };
        run.with(|state| state.keep(collection))?;
        Ok(Some(run))
    }

    /// Counts an image, and records the counts from time to time.
    pub fn count(&self, done: Done) {
        let kept = self.with(|state| {
            let Record { stored, already, failed, .. } = &mut state.record;
            *match done {
                Done::Stored => stored,
                Done::Already => already,
                Done::Failed => failed,
            } += 1;
            if state.kept.elapsed() < INTERVAL { Ok(()) } else { state.keep(self.collection) }
        });
        self.note(kept);
    }

    /// Records the end: `is_complete` unless the run was interrupted. The work stands if the record cannot be written.
    pub fn finish(&self, is_complete: bool) {
        let kept = self.with(|state| {
            state.record.done = is_complete;
            state.keep(self.collection)
        });
        self.note(kept);
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, kept: Result<()>) {
        if let Err(error) = kept {
            self.session.note(&format!("the record of the shard: {}", one_line(&error)));
        }
    }
}

impl State {
    fn keep(&mut self, collection: &Collection) -> Result<()> {
        let _held = interrupt::hold_off();
        (self.record.updated, self.kept) = (now(), Instant::now());
        Ok(collection.set_run_record(&self.record.name(), &self.record.to_text())?)
    }
}

/// Returns a text with its middle left out if it is long.
fn shortened(text: &str) -> String {
    const HALF: usize = 120;
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= 2 * HALF {
        return text.to_owned();
    }
    let [start, end] = [&characters[..HALF], &characters[characters.len() - HALF..]];
    format!("{} ... {}", start.iter().collect::<String>(), end.iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_keep_both_ends() {
        assert_eq!(shortened("release of a"), "release of a");
        let text = format!("a{}z", "é".repeat(10_000));
        let short = shortened(&text);
        assert!(short.starts_with("aé") && short.ends_with("éz") && short.chars().count() == 245, "{short}");
    }
}

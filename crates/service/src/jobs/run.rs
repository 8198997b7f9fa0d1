//! Runs: jobs of a collection that are released together.

use std::{
    error::Error,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use collection::{Collection, Meta};
use image_file::{Reader, path_text};
use release::{Decision, Events, ReleasedImage, one_line};

use super::{
    id::JobId,
    job::Progress,
    outcome::{Ending, FileFacts, Outcome, Quality},
    queue::Jobs,
};

/// Largest number of jobs of a run.
const TOGETHER: usize = 64;

/// Releases pictures into collections. Its owner loads the network.
///
/// Whoever implements it tells the events of each job in the order of the jobs, as [`release::Releaser`] does, or returns
/// their rows at the end.
pub trait Release {
    /// Number of pictures that are best released together; one by default.
    fn together(&self) -> usize {
        1
    }

    /// Ending of the names of released files, without the dot.
    fn extension(&self) -> &'static str;

    /// Releases pictures, and remembers them in a collection. Once the events say so, no further picture is begun.
    ///
    /// # Errors
    /// A failure of all pictures that are not reported.
    fn release(
        &mut self,
        collection: &Collection,
        jobs: &[release::Job],
        events: &dyn Events,
    ) -> Result<Vec<ReleasedImage>, Box<dyn Error + Send + Sync>>;
}

/// Run of jobs of one collection.
pub struct Run<'a> {
    pub jobs: &'a Jobs,
    pub collection: &'a Collection,
    /// Reads files again whose release was interrupted.
    pub reader: Reader,
    /// Returns true once no further job is to be begun.
    pub is_stopping: &'a (dyn Fn() -> bool + Sync),
    /// Called with the outcome of each job.
    pub ended: &'a (dyn Fn(&Outcome) + Sync),
}

impl Run<'_> {
    /// Releases jobs that wait, as many as are best released together. Returns the number of those that ended.
    pub fn work(&self, release: &mut dyn Release) -> usize {
        let progress = Arc::new(Progress::default());
        let taken = self.jobs.take(release.together().clamp(1, TOGETHER), &progress);
        if taken.is_empty() {
            return 0;
        }
        let plans: Vec<release::Job> =
            taken.iter().map(|(id, name)| self.plan(*id, name, release.extension())).collect();
        let ids = taken.into_iter().map(|(id, _)| id).collect();
        let watcher = Watcher { run: self, ids, progress, ended: AtomicUsize::new(0) };
        let released = || release.release(self.collection, &plans, &watcher);
        match panic::catch_unwind(AssertUnwindSafe(released)) {
            Ok(Ok(rows)) => {
                rows.iter().skip(watcher.count()).for_each(|row| watcher.finished(row));
                watcher.give_up("the release was not made");
            }
            Ok(Err(error)) => watcher.give_up(&one_line(error.as_ref())),
            Err(_) => watcher.give_up("the release panicked"),
        }
        watcher.count()
    }

    fn plan(&self, id: JobId, name: &str, extension: &str) -> release::Job {
        let folder = &self.jobs.folder;
        let (meta, decision) = match folder.read_request(id.request) {
            Ok(request) => (request.fields, Decision::Release),
            Err(error) => (Meta::new(), Decision::Refuse(error.to_string())),
        };
        let (input, output) = (folder.upload(id), folder.released(id, extension));
        release::Job { input, name: PathBuf::from(name), output, meta, decision }
    }

    fn end(&self, id: JobId, outcome: Outcome) {
        let Outcome { ending, entry, error, .. } = &outcome;
        tracing::info!(release = %id, state = ?ending, entry, error, "a release ended");
        if let Err(error) = self.jobs.folder.write_outcome(id, &outcome) {
            tracing::error!(release = %id, %error, "the end of a release cannot be written: it is made again");
        }
        (self.ended)(&outcome);
        self.jobs.end(id, outcome);
    }

    fn outcome(&self, id: JobId, row: &ReleasedImage) -> Outcome {
        if let Some(error) = &row.error {
            return Outcome::failed(self.without_paths(error));
        }
        let entry = row.remembered.as_ref().map(|entry| entry.id);
        let own = Outcome { entry, notes: row.notes.clone(), ..Outcome::of(Ending::Done) };
        match (&row.figures, self.jobs.folder.found_file(id)) {
            (_, None) if row.was_known() => {
                let notes = entry.and_then(|entry| self.unkept_fields(id, entry)).into_iter().collect();
                Outcome { ending: Ending::Already, notes, ..own }
            }
            (_, None) => Outcome::failed("its released file is missing".to_owned()),
            // Whoever wrote the file died before saying so.
            (None, Some((path, extension))) => {
                let quality = self.measured(id, &path);
                self.with_file(Outcome { quality, ..own }, &path, extension)
            }
            (Some(figures), Some((path, extension))) => {
                self.with_file(Outcome { quality: Some(figures.into()), ..own }, &path, extension)
            }
        }
    }

    /// Note on the fields of a request whose picture the collection knew: they are not kept.
    fn unkept_fields(&self, id: JobId, entry: i64) -> Option<String> {
        let request = self.jobs.folder.read_request(id.request).ok()?;
        (!request.fields.is_empty()).then(|| {
            format!(
                "The fields sent with this picture are not kept, because the collection knows it already as entry {entry}: \
                 PATCH /v1/entries/{entry} changes the fields of an entry."
            )
        })
    }

    fn measured(&self, id: JobId, released: &Path) -> Option<Quality> {
        let original = self.reader.open(&self.jobs.folder.upload(id)).ok()?;
        Quality::measured(original, self.reader.open(released).ok()?)
    }

    fn with_file(&self, outcome: Outcome, path: &Path, extension: String) -> Outcome {
        match FileFacts::read(path, extension) {
            Ok(file) => Outcome { file: Some(file), ..outcome },
            Err(error) => Outcome::failed(format!("its released file cannot be read: {error}")),
        }
    }

    /// Removes the paths of this machine from a reason.
    fn without_paths(&self, reason: &str) -> String {
        let own = format!("{}/", path_text(self.jobs.folder.path()));
        let collection = &self.collection.description().location;
        reason.replace(&own, "").replace(collection.as_str(), "the collection")
    }
}

/// Events of a run.
struct Watcher<'a> {
    run: &'a Run<'a>,
    ids: Vec<JobId>,
    progress: Arc<Progress>,
    ended: AtomicUsize,
}

impl Watcher<'_> {
    /// Returns the number of jobs that ended.
    fn count(&self) -> usize {
        self.ended.load(Ordering::Relaxed).min(self.ids.len())
    }

    /// Gives up the jobs that have not ended: they fail, or wait again if the service ends.
    fn give_up(&self, reason: &str) {
        let rest = &self.ids[self.count()..];
        if (self.run.is_stopping)() {
            return self.run.jobs.put_back(rest);
        }
        let reason = self.run.without_paths(reason);
        rest.iter().for_each(|id| self.run.end(*id, Outcome::failed(reason.clone())));
        self.ended.fetch_add(rest.len(), Ordering::Relaxed);
    }
}

impl Events for Watcher<'_> {
    fn begin(&self, steps: usize) {
        self.progress.begin(steps);
    }

    fn advance(&self, steps: usize) {
        self.progress.advance(steps);
    }

    fn finished(&self, image: &ReleasedImage) {
        let place = self.ended.fetch_add(1, Ordering::Relaxed);
        if let Some(id) = self.ids.get(place) {
            self.run.end(*id, self.run.outcome(*id, image));
        }
    }

    fn is_cancelled(&self) -> bool {
        (self.run.is_stopping)()
    }
}

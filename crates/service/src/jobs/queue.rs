//! Jobs of a collection: a list in memory that follows the folder on the disk.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::http::StatusCode;
use image_file::path_text;

use super::{
    folder::{FolderLock, FoundRequest, JobFolder},
    id::{JobId, RequestId},
    job::{Job, Progress, ReleaseState, Stage},
    outcome::{Ending, Outcome},
};
use crate::problem::Problem;

/// Bounds on the jobs of a collection.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Largest number of jobs that wait.
    pub queued: usize,
    /// Largest number of jobs that are kept, finished ones too.
    pub kept: usize,
    /// Bytes on the disk from which on nothing is accepted.
    pub bytes: u64,
}

/// Numbers of jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Jobs that wait.
    pub queued: usize,
    /// All jobs.
    pub kept: usize,
    /// Bytes on the disk.
    pub bytes: u64,
}

/// Page of the list of jobs, the newest first.
#[derive(Debug, Clone, Copy)]
pub struct JobPage {
    /// State of the jobs; all without one.
    pub state: Option<ReleaseState>,
    /// Last job that was seen.
    pub after: Option<JobId>,
    /// Largest number of jobs.
    pub limit: usize,
}

/// Jobs of a collection.
pub struct Jobs {
    pub(super) folder: JobFolder,
    state: Mutex<State>,
}

/// Idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// Its request is being written.
    InProgress,
    Accepted(RequestId),
}

#[derive(Default)]
pub(super) struct State {
    /// Held from the opening on.
    lock: Option<FolderLock>,
    pub jobs: BTreeMap<JobId, Job>,
    /// Jobs that wait, the oldest first.
    pub queue: VecDeque<JobId>,
    /// Content and key of each request.
    pub requests: BTreeMap<RequestId, (String, Option<String>)>,
    pub keys: HashMap<String, Key>,
    /// Latest id that was given.
    pub last: Option<RequestId>,
    pub bytes: u64,
    /// Jobs and bytes of requests that are being written.
    pub reserved: (usize, u64),
}

impl Jobs {
    /// Creates the folder if necessary. Jobs are known once it is opened.
    ///
    /// # Errors
    /// Errors of the system, with the path.
    pub fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { folder: JobFolder::create(path)?, state: Mutex::default() })
    }

    /// Opens the folder, if no other service works in it, and returns true once it is open. What was acknowledged before
    /// waits again.
    ///
    /// # Errors
    /// Errors of the system, with the path.
    pub fn open(&self) -> io::Result<bool> {
        if self.lock().lock.is_some() {
            return Ok(true);
        }
        let Some(lock) = self.folder.lock()? else { return Ok(false) };
        let found = self.folder.read_all()?;
        let mut state = self.lock();
        found.into_iter().for_each(|found| self.take_in(&mut state, found));
        let State { jobs, queue, .. } = &mut *state;
        let waits = |(id, job): (&JobId, &Job)| matches!(job.stage, Stage::Queued).then_some(*id);
        *queue = jobs.iter().filter_map(waits).collect();
        let (folder, jobs, waiting) = (path_text(self.folder.path()), jobs.len(), queue.len());
        tracing::info!(folder, jobs, waiting, "released pictures are kept in a folder");
        state.lock = Some(lock);
        Ok(true)
    }

    /// Gives the folder up, so that another service may open it.
    pub fn close(&self) {
        *self.lock() = State::default();
    }

    fn take_in(&self, state: &mut State, FoundRequest { id, request, jobs }: FoundRequest) {
        state.last = state.last.max(Some(id));
        for (id, outcome) in jobs {
            let Some(picture) = request.pictures.get(usize::from(id.place)) else { continue };
            let outcome = outcome.or_else(|| {
                (!self.folder.upload(id).is_file()).then(|| Outcome::failed("its upload is missing"))
            });
            let (bytes, stage) = match outcome {
                None => (picture.bytes, Stage::Queued),
                Some(outcome) => (bytes_of(&outcome, picture.bytes), Stage::Finished(Arc::new(outcome))),
            };
            state.bytes += bytes;
            let job = Job { name: picture.name.clone(), accepted: request.accepted, bytes, stage };
            state.jobs.insert(id, job);
        }
        if let Some(key) = &request.key {
            state.keys.insert(key.clone(), Key::Accepted(id));
        }
        state.requests.insert(id, (request.content, request.key));
    }

    /// Returns a job.
    ///
    /// # Errors
    /// A problem with status 503 before the folder is open.
    pub fn get(&self, id: JobId) -> Result<Option<Job>, Problem> {
        Ok(self.opened()?.jobs.get(&id).cloned())
    }

    /// Returns jobs, the newest first.
    ///
    /// # Errors
    /// A problem with status 503 before the folder is open.
    pub fn page(&self, page: &JobPage) -> Result<Vec<(JobId, Job)>, Problem> {
        let state = self.opened()?;
        let is_wanted = |job: &Job| page.state.is_none_or(|state| job.state() == state);
        let is_later = |id: &JobId| page.after.is_none_or(|after| *id < after);
        let jobs = state.jobs.iter().rev().filter(|(id, job)| is_later(id) && is_wanted(job));
        Ok(jobs.take(page.limit).map(|(id, job)| (*id, job.clone())).collect())
    }

    /// Returns the numbers of jobs; 0 before the folder is open.
    pub fn counts(&self) -> Counts {
        let state = self.lock();
        Counts { queued: state.queue.len(), kept: state.jobs.len(), bytes: state.bytes }
    }

    /// Returns the path of the released file of a job, and its outcome; of a job whose picture was known, that of the job that
    /// released it, if it is kept.
    ///
    /// # Errors
    /// A problem with status 503 before the folder is open, 404 without a job or a file, and 409 before the job is done.
    pub fn file(&self, id: JobId) -> Result<(PathBuf, Job), Problem> {
        let state = self.opened()?;
        let job = state.jobs.get(&id).ok_or_else(|| unknown(&id.to_string()))?;
        let outcome = job.outcome().ok_or_else(|| {
            Problem::new(
                StatusCode::CONFLICT,
                format!("release {id} is not done: it is to be asked for later"),
            )
        })?;
        let is_of_entry = |other: &Outcome| {
            other.ending == Ending::Done && other.entry == outcome.entry && other.file.is_some()
        };
        let found = match outcome.ending {
            Ending::Done => Some((id, job)),
            Ending::Already => {
                let mut others = state.jobs.iter().map(|(id, job)| (*id, job));
                others.find(|(_, job)| job.outcome().is_some_and(is_of_entry))
            }
            Ending::Failed => None,
        };
        let file = found.and_then(|(id, job)| Some((id, job, job.outcome()?.file.as_ref()?)));
        let (id, job, file) =
            file.ok_or_else(|| Problem::not_found(format!("release {id} has no file here")))?;
        Ok((self.folder.released(id, &file.extension), job.clone()))
    }

    /// Removes a job that does not run, with its files.
    ///
    /// # Errors
    /// Problems with the statuses 404, 409, 500 and 503.
    pub fn remove(&self, id: JobId) -> Result<(), Problem> {
        let mut state = self.opened()?;
        let job = state.jobs.get(&id).ok_or_else(|| unknown(&id.to_string()))?;
        if matches!(job.stage, Stage::Running(_)) {
            let detail = format!("release {id} is being made: it can be deleted once it is done");
            return Err(Problem::new(StatusCode::CONFLICT, detail));
        }
        let is_last = state.of_request(id.request).nth(1).is_none();
        self.folder.remove_job(id, is_last).map_err(Problem::internal)?;
        state.forget(id, is_last);
        Ok(())
    }

    /// Has a failed job wait again, after all that wait, and returns it.
    ///
    /// # Errors
    /// Problems with the statuses 404, 409, 500 and 503.
    pub fn retry(&self, id: JobId) -> Result<Job, Problem> {
        let mut state = self.opened()?;
        let State { jobs, queue, .. } = &mut *state;
        let job = jobs.get_mut(&id).ok_or_else(|| unknown(&id.to_string()))?;
        let conflict = |detail| Problem::new(StatusCode::CONFLICT, format!("release {id} {detail}"));
        if job.state() != ReleaseState::Failed {
            return Err(conflict("has not failed"));
        }
        if !self.folder.upload(id).is_file() {
            return Err(conflict("has no upload any more: send the picture again"));
        }
        self.folder.remove_outcome(id).map_err(Problem::internal)?;
        job.stage = Stage::Queued;
        queue.push_back(id);
        Ok(job.clone())
    }

    /// Takes jobs that wait, at most `most`, to be released. The oldest come first.
    pub(super) fn take(&self, most: usize, progress: &Arc<Progress>) -> Vec<(JobId, String)> {
        let mut state = self.lock();
        let count = most.min(state.queue.len());
        let ids: Vec<JobId> = state.queue.drain(..count).collect();
        let mut begin = |id: JobId| {
            let job = state.jobs.get_mut(&id)?;
            job.stage = Stage::Running(progress.clone());
            Some((id, job.name.clone()))
        };
        ids.into_iter().filter_map(&mut begin).collect()
    }

    /// Puts jobs back that were not begun, before all that wait.
    pub(super) fn put_back(&self, ids: &[JobId]) {
        let mut state = self.lock();
        for id in ids.iter().rev() {
            if let Some(job) = state.jobs.get_mut(id) {
                job.stage = Stage::Queued;
                state.queue.push_front(*id);
            }
        }
    }

    /// Records the end of a job, which is on the disk.
    pub(super) fn end(&self, id: JobId, outcome: Outcome) {
        let mut state = self.lock();
        let Some(job) = state.jobs.get_mut(&id) else { return };
        let bytes = bytes_of(&outcome, job.bytes);
        let before = std::mem::replace(&mut job.bytes, bytes);
        job.stage = Stage::Finished(Arc::new(outcome));
        state.bytes = state.bytes.saturating_sub(before) + bytes;
    }

    pub(super) fn opened(&self) -> Result<MutexGuard<'_, State>, Problem> {
        let state = self.lock();
        match state.lock.is_some() {
            true => Ok(state),
            false => Err(Problem::unavailable("another service works in the folder of releases")),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns the jobs of a request.
    pub fn of_request(&self, request: RequestId) -> impl Iterator<Item = (JobId, &Job)> {
        let ends = [0, u8::MAX].map(|place| JobId { request, place });
        self.jobs.range(ends[0]..=ends[1]).map(|(id, job)| (*id, job))
    }

    fn forget(&mut self, id: JobId, is_last: bool) {
        self.queue.retain(|waiting| *waiting != id);
        self.bytes -= self.jobs.remove(&id).map_or(0, |job| job.bytes).min(self.bytes);
        if is_last && let Some((_, Some(key))) = self.requests.remove(&id.request) {
            self.keys.remove(&key);
        }
    }
}

/// Problem of a job that is not there.
pub fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("there is no release {id}"))
}

/// Bytes on the disk after the end of a job: those of its released file, or of the upload of one that may be tried again.
fn bytes_of(outcome: &Outcome, upload: u64) -> u64 {
    match outcome.ending {
        Ending::Failed => upload,
        Ending::Done | Ending::Already => outcome.file.as_ref().map_or(0, |file| file.bytes),
    }
}

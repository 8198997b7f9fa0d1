//! Acceptance of requests: room for them, the same key twice, and the write that acknowledges them.

use std::io::{self, ErrorKind};

use axum::http::StatusCode;
use bytes::Bytes;
use collection::Meta;
use sha2::{Digest, Sha256};

use super::{
    id::{JobId, RequestId},
    job::{Job, Stage},
    outcome::hex,
    queue::{Bounds, Jobs, Key},
    stored::{SCHEMA, StoredPicture, StoredRequest},
};
use crate::{clock, problem::Problem};

/// Picture to be released.
pub struct NewPicture {
    /// Name for display, and of the entry.
    pub name: String,
    pub bytes: Bytes,
}

/// Pictures that a caller sends together.
pub struct Submission {
    /// Idempotency key.
    pub key: Option<String>,
    /// Fields of all entries.
    pub fields: Meta,
    /// At least one picture, and at most 100.
    pub pictures: Vec<NewPicture>,
}

/// Answer to a submission that is not refused.
pub enum Admission<'a> {
    /// The key and the content are those of an earlier request, whose jobs these are.
    Known(Vec<(JobId, Job)>),
    /// There is room.
    New(Reservation<'a>),
}

/// Room for a submission, until it is written or dropped.
pub struct Reservation<'a> {
    jobs: &'a Jobs,
    submission: Submission,
    content: String,
    bytes: u64,
}

impl Submission {
    /// Returns the SHA-256 of fields, names and pictures, in hexadecimal digits.
    fn content(&self) -> String {
        let mut hash = Sha256::new();
        let fields = serde_json::to_vec(&self.fields).unwrap_or_default();
        let pictures = self.pictures.iter().flat_map(|picture| [picture.name.as_bytes(), &picture.bytes]);
        for part in [fields.as_slice()].into_iter().chain(pictures) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hex(&hash.finalize())
    }
}

impl Jobs {
    /// Makes room for a submission, or finds the jobs of its key.
    ///
    /// # Errors
    /// Problems with the statuses 409 while a request of the same key is written, 422 if the key had another content, 429 and
    /// 507 beyond the bounds, 503 before the folder is open.
    pub fn admit(&self, submission: Submission, bounds: &Bounds) -> Result<Admission<'_>, Problem> {
        let content = submission.content();
        let mut state = self.opened()?;
        let known = submission.key.as_ref().and_then(|key| state.keys.get(key)).copied();
        match known {
            Some(Key::InProgress) => {
                let detail = "a request with this idempotency-key is being accepted";
                return Err(Problem::new(StatusCode::CONFLICT, detail));
            }
            Some(Key::Accepted(id)) if state.requests.get(&id).is_some_and(|(own, _)| *own == content) => {
                let jobs = state.of_request(id).map(|(id, job)| (id, job.clone()));
                return Ok(Admission::Known(jobs.collect()));
            }
            Some(Key::Accepted(_)) => {
                return Err(Problem::unprocessable("this idempotency-key came with another request before"));
            }
            None => {}
        }
        let bytes = submission.pictures.iter().map(|picture| picture.bytes.len() as u64).sum::<u64>();
        let (reserved, reserved_bytes) = state.reserved;
        let count = submission.pictures.len();
        if state.queue.len() + reserved + count > bounds.queued {
            return Err(Problem::busy("too many pictures wait to be released"));
        }
        let is_full = state.jobs.len() + reserved + count > bounds.kept
            || state.bytes + reserved_bytes + bytes > bounds.bytes;
        if is_full {
            return Err(full("the folder of releases is full: delete releases that were fetched"));
        }
        state.reserved = (reserved + count, reserved_bytes + bytes);
        if let Some(key) = &submission.key {
            state.keys.insert(key.clone(), Key::InProgress);
        }
        Ok(Admission::New(Reservation { jobs: self, submission, content, bytes }))
    }
}

impl Reservation<'_> {
    pub fn submission(&self) -> &Submission {
        &self.submission
    }

    /// Writes the request: once this returns, it is released, whatever happens.
    ///
    /// # Errors
    /// Problems with the statuses 500 and 507.
    pub fn commit(self) -> Result<Vec<(JobId, Job)>, Problem> {
        let Submission { key, fields, pictures } = &self.submission;
        let id = {
            let mut state = self.jobs.lock();
            let id = RequestId::after(state.last);
            state.last = Some(id);
            id
        };
        let stored = StoredRequest {
            schema: SCHEMA,
            accepted: clock::now(),
            key: key.clone(),
            content: self.content.clone(),
            fields: fields.clone(),
            pictures: pictures.iter().map(NewPicture::stored).collect(),
        };
        let files: Vec<Bytes> = pictures.iter().map(|picture| picture.bytes.clone()).collect();
        self.jobs.folder.write_request(id, &stored, &files).map_err(unwritten)?;
        Ok(self.take_in(id, stored))
    }

    fn take_in(&self, id: RequestId, stored: StoredRequest) -> Vec<(JobId, Job)> {
        let mut state = self.jobs.lock();
        let job = |(place, picture): (u8, StoredPicture)| {
            let StoredPicture { name, bytes } = picture;
            (
                JobId { request: id, place },
                Job { name, accepted: stored.accepted, bytes, stage: Stage::Queued },
            )
        };
        let accepted: Vec<(JobId, Job)> = (0..).zip(stored.pictures).map(job).collect();
        state.queue.extend(accepted.iter().map(|(id, _)| *id));
        state.bytes += self.bytes;
        state.jobs.extend(accepted.iter().cloned());
        if let Some(key) = &stored.key {
            state.keys.insert(key.clone(), Key::Accepted(id));
        }
        state.requests.insert(id, (stored.content, stored.key));
        accepted
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut state = self.jobs.lock();
        let (count, bytes) = state.reserved;
        state.reserved =
            (count.saturating_sub(self.submission.pictures.len()), bytes.saturating_sub(self.bytes));
        if let Some(key) = &self.submission.key
            && state.keys.get(key) == Some(&Key::InProgress)
        {
            state.keys.remove(key);
        }
    }
}

impl NewPicture {
    fn stored(&self) -> StoredPicture {
        StoredPicture { name: self.name.clone(), bytes: self.bytes.len() as u64 }
    }
}

/// Problem with status 507.
fn full(detail: &str) -> Problem {
    Problem::new(StatusCode::INSUFFICIENT_STORAGE, detail)
}

fn unwritten(error: io::Error) -> Problem {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            tracing::error!(%error, "a request for releases cannot be written");
            full("the disk of the releases is full")
        }
        _ => Problem::internal(error),
    }
}

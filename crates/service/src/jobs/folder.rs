//! Folder of jobs on the disk.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use atomic_file::WriteLock;
use bytes::Bytes;
use image_file::path_text;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    id::{JobId, RequestId},
    outcome::{Ending, Outcome},
    stored::StoredRequest,
};

const REQUEST: &str = "job.json";
const REPORT: &str = "report.json";
const UPLOAD: &str = "upload";
const RELEASED: &str = "released";
/// Name whose lock a service holds.
const LOCKED: &str = "jobs";
/// Beginning of the names of folders that are being removed.
const DELETED: &str = ".deleted-";
/// Largest size of a document in bytes.
const MAX_DOCUMENT: u64 = 16 << 20;

/// Folder of the jobs of a collection.
#[derive(Debug, Clone)]
pub struct JobFolder {
    path: PathBuf,
}

/// Turn to work in a folder, until it is dropped or the program ends in any way.
pub struct FolderLock {
    /// `None` where the file system has no locks.
    _lock: Option<WriteLock>,
}

/// Request as it was found.
pub struct FoundRequest {
    pub id: RequestId,
    pub request: StoredRequest,
    /// Jobs that were not deleted, with their ends.
    pub jobs: Vec<(JobId, Option<Outcome>)>,
}

impl JobFolder {
    /// Creates the folder if necessary.
    ///
    /// # Errors
    /// Errors of the system, with the path.
    pub fn create(path: &Path) -> io::Result<Self> {
        let created = std::path::absolute(path).and_then(|path| fs::create_dir_all(&path).map(|()| path));
        Ok(Self { path: created.map_err(at(path))? })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the turn to work in the folder, or returns `None` if another service has it.
    ///
    /// # Errors
    /// Errors of the system, with the path.
    pub fn lock(&self) -> io::Result<Option<FolderLock>> {
        match WriteLock::try_acquire(&self.path.join(LOCKED)) {
            Ok(lock) => Ok(lock.map(|lock| FolderLock { _lock: Some(lock) })),
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                tracing::warn!(
                    folder = path_text(&self.path),
                    "cannot be locked: use it by one service alone"
                );
                Ok(Some(FolderLock { _lock: None }))
            }
            Err(error) => Err(at(&self.path)(error)),
        }
    }

    /// Returns the path of the upload of a job.
    pub fn upload(&self, id: JobId) -> PathBuf {
        self.job(id).join(UPLOAD)
    }

    /// Returns the path of the released file of a job.
    pub fn released(&self, id: JobId, extension: &str) -> PathBuf {
        self.job(id).join(RELEASED).with_extension(extension)
    }

    /// Returns the released file of a job, and its ending.
    pub fn found_file(&self, id: JobId) -> Option<(PathBuf, String)> {
        let files = fs::read_dir(self.job(id)).ok()?.flatten().map(|file| file.path());
        let mut released = files.filter(|path| path.file_stem().is_some_and(|stem| stem == RELEASED));
        released.find_map(|path| Some((path.clone(), path.extension()?.to_str()?.to_owned())))
    }

    /// Writes a request. It is there, whatever happens, once this returns, and not at all if it fails.
    ///
    /// # Errors
    /// Errors of the system, with the path.
    pub fn write_request(
        &self,
        id: RequestId,
        request: &StoredRequest,
        pictures: &[Bytes],
    ) -> io::Result<()> {
        let folder = self.request(id);
        let write = || {
            fs::create_dir(&folder)?;
            for (place, picture) in (0..).zip(pictures) {
                write_upload(&self.job(JobId { request: id, place }), picture)?;
            }
            sync_folder(&self.path)?;
            write_document(&folder.join(REQUEST), request)
        };
        write().map_err(|error| {
            // What stays is removed by the next start.
            let _ = fs::remove_dir_all(&folder);
            at(&folder)(error)
        })
    }

    /// Reads the document of a request.
    ///
    /// # Errors
    /// Errors of the system; a damaged document.
    pub fn read_request(&self, id: RequestId) -> io::Result<StoredRequest> {
        let path = self.request(id).join(REQUEST);
        read_document(&path).map_err(at(&path))
    }

    /// Writes the end of a job, and removes its upload, unless it has failed and may be tried again.
    ///
    /// # Errors
    /// Errors of the system, with the path.
    pub fn write_outcome(&self, id: JobId, outcome: &Outcome) -> io::Result<()> {
        let path = self.job(id).join(REPORT);
        write_document(&path, outcome).map_err(at(&path))?;
        self.remove_upload_of(id, outcome);
        Ok(())
    }

    /// Removes the end of a job, which waits again from then on.
    ///
    /// # Errors
    /// Errors of the system, with the path.
    pub fn remove_outcome(&self, id: JobId) -> io::Result<()> {
        let path = self.job(id).join(REPORT);
        let remove = || {
            fs::remove_file(&path)?;
            sync_folder(&self.job(id))
        };
        remove().map_err(at(&path))
    }

    /// Removes a job, and its request if it is the last one.
    ///
    /// # Errors
    /// Errors of the system, with the path.
    pub fn remove_job(&self, id: JobId, is_last: bool) -> io::Result<()> {
        let (folder, parent) = match is_last {
            true => (self.request(id.request), self.path.clone()),
            false => (self.job(id), self.request(id.request)),
        };
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let aside = parent.join(format!("{DELETED}{name}"));
        // Renamed first, so that whoever dies in between leaves no half of a job.
        let remove = || {
            fs::rename(&folder, &aside)?;
            sync_folder(&parent)?;
            // What stays is removed by the next start.
            let _ = fs::remove_dir_all(&aside);
            Ok(())
        };
        remove().map_err(at(&folder))
    }

    /// Reads all requests, and removes what was not acknowledged or was being deleted.
    ///
    /// # Errors
    /// Errors of the system; what is damaged is left alone, and recorded.
    pub fn read_all(&self) -> io::Result<Vec<FoundRequest>> {
        let mut found = Vec::new();
        for file in fs::read_dir(&self.path).map_err(at(&self.path))? {
            let file = file.map_err(at(&self.path))?;
            let name = file.file_name().to_string_lossy().into_owned();
            if name.starts_with(DELETED) {
                let _ = fs::remove_dir_all(file.path());
            } else if let Ok(id) = name.parse() {
                found.extend(self.found(id));
            }
        }
        Ok(found)
    }

    fn found(&self, id: RequestId) -> Option<FoundRequest> {
        match self.read_request(id) {
            Ok(request) => {
                let jobs = (0..request.pictures.len().min(usize::from(u8::MAX)))
                    .map(|place| JobId { request: id, place: place as u8 })
                    .filter(|id| self.job(*id).is_dir());
                let jobs: Vec<_> = jobs.map(|id| (id, self.found_outcome(id))).collect();
                if jobs.is_empty() {
                    let _ = fs::remove_dir_all(self.request(id));
                }
                (!jobs.is_empty()).then_some(FoundRequest { id, request, jobs })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let _ = fs::remove_dir_all(self.request(id));
                None
            }
            Err(error) => {
                tracing::error!(%error, "a request for releases is damaged, and left alone");
                None
            }
        }
    }

    /// Reads the end of a job. Without one, or with a damaged one, it is released again.
    fn found_outcome(&self, id: JobId) -> Option<Outcome> {
        let path = self.job(id).join(REPORT);
        match read_document(&path) {
            Ok(outcome) => {
                self.remove_upload_of(id, &outcome);
                Some(outcome)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                tracing::error!(error = %at(&path)(error), "the report of a release is damaged");
                None
            }
        }
    }

    fn remove_upload_of(&self, id: JobId, outcome: &Outcome) {
        if outcome.ending != Ending::Failed {
            // The next start tries again.
            let _ = fs::remove_file(self.upload(id));
        }
    }

    fn request(&self, id: RequestId) -> PathBuf {
        self.path.join(id.to_string())
    }

    fn job(&self, id: JobId) -> PathBuf {
        self.request(id.request).join(format!("{:02}", id.place))
    }
}

/// Adds a path to an error.
pub fn at(path: &Path) -> impl Fn(io::Error) -> io::Error + '_ {
    |error| io::Error::new(error.kind(), format!("{}: {error}", path_text(path)))
}

fn write_upload(folder: &Path, picture: &[u8]) -> io::Result<()> {
    fs::create_dir(folder)?;
    let mut file = File::create_new(folder.join(UPLOAD))?;
    file.write_all(picture)?;
    file.sync_all()?;
    sync_folder(folder)
}

fn write_document(path: &Path, document: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_vec(document)?;
    atomic_file::replace(path, |out| out.write_all(&text))
}

fn read_document<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_DOCUMENT + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_DOCUMENT {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("has more than {MAX_DOCUMENT} bytes")));
    }
    Ok(serde_json::from_slice(&text)?)
}

/// Makes new names survive a power cut. Only Unix opens and syncs folders.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use collection::Meta;

    use super::*;
    use crate::jobs::stored::StoredPicture;

    fn request(names: &[&str]) -> StoredRequest {
        let picture = |name: &&str| StoredPicture { name: (*name).to_owned(), bytes: 3 };
        let pictures = names.iter().map(picture).collect();
        StoredRequest {
            schema: 1,
            accepted: 7,
            key: None,
            content: "c".to_owned(),
            fields: Meta::new(),
            pictures,
        }
    }

    fn failed() -> Outcome {
        let (ending, error) = (Ending::Failed, Some("no".to_owned()));
        Outcome {
            schema: 1,
            ending,
            finished: 9,
            entry: None,
            error,
            notes: Vec::new(),
            quality: None,
            file: None,
        }
    }

    fn written(folder: &JobFolder, names: &[&str]) -> RequestId {
        let id = RequestId::after(None);
        let pictures: Vec<Bytes> = names.iter().map(|_| Bytes::from_static(b"abc")).collect();
        folder.write_request(id, &request(names), &pictures).expect("writes");
        id
    }

    fn places(folder: &JobFolder) -> Vec<(u8, bool)> {
        let found = folder.read_all().expect("reads").into_iter().flat_map(|found| found.jobs);
        found.map(|(id, outcome)| (id.place, outcome.is_some())).collect()
    }

    #[test]
    fn requests_are_read_as_they_were_written_and_ended() {
        let temporary = tempfile::tempdir().expect("folder");
        let folder = JobFolder::create(&temporary.path().join("a/released")).expect("creates");
        let request_id = written(&folder, &["a.jpg", "b.jpg", "c.jpg"]);
        let id = |place| JobId { request: request_id, place };
        assert_eq!(places(&folder), [(0, false), (1, false), (2, false)]);
        folder.write_outcome(id(1), &failed()).expect("writes");
        assert!(folder.upload(id(1)).exists(), "it may be tried again");
        folder.remove_outcome(id(1)).expect("removes");
        assert_eq!(places(&folder), [(0, false), (1, false), (2, false)]);
        folder.write_outcome(id(1), &failed()).expect("writes");
        folder.write_outcome(id(2), &Outcome { ending: Ending::Done, ..failed() }).expect("writes");
        assert!(!folder.upload(id(2)).exists() && folder.upload(id(0)).exists());
        folder.remove_job(id(0), false).expect("removes");
        assert_eq!(places(&folder), [(1, true), (2, true)]);
        let found = folder.read_all().expect("reads").remove(0);
        assert_eq!(
            (found.request, &found.jobs[0].1),
            (request(&["a.jpg", "b.jpg", "c.jpg"]), &Some(failed()))
        );
        folder.remove_job(id(2), false).expect("removes");
        folder.remove_job(id(1), true).expect("removes");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 0);
    }

    #[test]
    fn halves_are_removed_and_damage_is_left_alone() {
        let temporary = tempfile::tempdir().expect("folder");
        let folder = JobFolder::create(temporary.path()).expect("creates");
        let unacknowledged = written(&folder, &["a.jpg"]);
        fs::remove_file(folder.request(unacknowledged).join(REQUEST)).expect("removes");
        let damaged = written(&folder, &["b.jpg"]);
        fs::write(folder.request(damaged).join(REQUEST), "{").expect("writes");
        let reported = written(&folder, &["c.jpg"]);
        let job = JobId { request: reported, place: 0 };
        fs::write(folder.job(job).join(REPORT), "{\"schema\": 1").expect("writes");
        fs::create_dir_all(temporary.path().join(".deleted-00000000000001/00")).expect("creates");
        fs::create_dir(temporary.path().join("a folder of the user's")).expect("creates");
        assert_eq!(places(&folder), [(0, false)], "a damaged report is written again");
        assert!(!folder.request(unacknowledged).exists() && folder.request(damaged).exists());
        assert!(!temporary.path().join(".deleted-00000000000001").exists());
        assert!(temporary.path().join("a folder of the user's").exists());
    }

    #[test]
    fn one_service_works_in_a_folder() {
        let temporary = tempfile::tempdir().expect("folder");
        let folder = JobFolder::create(temporary.path()).expect("creates");
        let lock = folder.lock().expect("locks");
        assert!(lock.is_some() && folder.lock().expect("asks").is_none());
        drop(lock);
        assert!(folder.lock().expect("locks").is_some());
    }
}

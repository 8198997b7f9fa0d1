//! Buckets: the folders in a folder, with what is known of their files.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

use crate::{answer::Refusal, call::Call};

/// Folder of files that are being written, no bucket.
const STAGED: &str = ".staged";
/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// Facts of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub size: u64,
    /// Tag, in quotes, that differs for other contents.
    pub tag: String,
    pub modified: SystemTime,
}

/// Objects of a bucket by their keys.
pub type Bucket = BTreeMap<String, Object>;

/// Condition of a put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// There is an object with one of these tags.
    Matches(String),
    /// There is no object.
    None,
}

impl Condition {
    /// Condition of a request.
    pub fn of(call: &Call) -> Result<Option<Self>, Refusal> {
        match (call.header("if-match"), call.header("if-none-match")) {
            (None, None) => Ok(None),
            (Some(tags), None) => Ok(Some(Self::Matches(tags.to_owned()))),
            (None, Some("*")) => Ok(Some(Self::None)),
            _ => Err(Refusal::invalid("conditions of a put are If-Match: TAG and If-None-Match: *")),
        }
    }

    /// Refuses as S3 does: a missing object is missing, whatever tag it should have.
    fn require(&self, object: Option<&Object>) -> Result<(), Refusal> {
        match (self, object) {
            (Self::None, None) => Ok(()),
            (Self::Matches(_), None) => Err(Refusal::no_key()),
            (Self::Matches(tags), Some(object)) if has_tag(tags, &object.tag) => Ok(()),
            _ => Err(Refusal::condition()),
        }
    }
}

/// Returns true if a list of tags has a tag, or is `*`.
pub fn has_tag(tags: &str, tag: &str) -> bool {
    tags.split(',').map(str::trim).any(|own| own == "*" || own.trim_matches('"') == tag.trim_matches('"'))
}

/// File that is whole, but in no bucket yet.
#[derive(Debug)]
pub struct Staged {
    pub path: PathBuf,
    pub size: u64,
    pub tag: String,
}

/// Buckets of a server. The lock makes a condition and what follows it one step.
#[derive(Debug)]
pub struct Buckets {
    folder: PathBuf,
    buckets: Mutex<BTreeMap<String, Bucket>>,
    staged: AtomicU64,
}

impl Buckets {
    /// Buckets in a folder, whose files are read once for their tags.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let staged = folder.join(STAGED);
        if staged.exists() {
            fs::remove_dir_all(&staged)?;
        }
        fs::create_dir_all(&staged)?;
        let mut buckets = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != STAGED && folder.join(&name).is_dir() {
                let bucket = read_bucket(&folder.join(&name))?;
                buckets.insert(name, bucket);
            }
        }
        Ok(Self { folder: folder.to_owned(), buckets: Mutex::new(buckets), staged: AtomicU64::new(0) })
    }

    /// Creates a bucket unless it is there.
    pub fn create(&self, bucket: &str) -> io::Result<()> {
        let mut buckets = self.lock();
        fs::create_dir_all(self.folder.join(bucket))?;
        buckets.entry(bucket.to_owned()).or_default();
        Ok(())
    }

    /// Writes pieces aside.
    pub fn stage<'a>(&self, pieces: impl Iterator<Item = io::Result<&'a [u8]>>) -> io::Result<Staged> {
        let number = self.staged.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(STAGED).join(number.to_string());
        let (mut file, mut size, mut hash) = (File::create_new(&path)?, 0, Sha256::new());
        for piece in pieces {
            let piece = piece?;
            io::Write::write_all(&mut file, piece)?;
            hash.update(piece);
            size += piece.len() as u64;
        }
        Ok(Staged { path, size, tag: tag(hash) })
    }

    /// Gives a file its key, if the condition holds. Otherwise the file is removed.
    pub fn publish(
        &self,
        (bucket, key): (&str, &str),
        staged: Staged,
        condition: Option<&Condition>,
    ) -> Result<Object, Refusal> {
        let mut buckets = self.lock();
        let own = buckets.get_mut(bucket).ok_or_else(Refusal::no_bucket);
        let allowed = own.and_then(|own| {
            condition.map_or(Ok(()), |condition| condition.require(own.get(key))).map(|()| own)
        });
        match allowed {
            Ok(own) => {
                let path = self.folder.join(bucket).join(key);
                path.parent().map_or(Ok(()), fs::create_dir_all)?;
                fs::rename(&staged.path, &path)?;
                let object = Object { size: staged.size, tag: staged.tag, modified: SystemTime::now() };
                own.insert(key.to_owned(), object.clone());
                Ok(object)
            }
            Err(refusal) => {
                fs::remove_file(&staged.path)?;
                Err(refusal)
            }
        }
    }

    /// Object of a key and its file, which stays that of this object if another takes its place.
    pub fn file(&self, bucket: &str, key: &str) -> Result<(Object, File), Refusal> {
        let buckets = self.lock();
        let own = buckets.get(bucket).ok_or_else(Refusal::no_bucket)?;
        let object = own.get(key).cloned().ok_or_else(Refusal::no_key)?;
        Ok((object, File::open(self.folder.join(bucket).join(key))?))
    }

    /// Calls a function with the objects of a bucket.
    pub fn with_bucket<T>(&self, bucket: &str, read: impl FnOnce(&Bucket) -> T) -> Result<T, Refusal> {
        self.lock().get(bucket).map(read).ok_or_else(Refusal::no_bucket)
    }

    /// Deletes an object; none is as good as deleted.
    pub fn delete(&self, bucket: &str, key: &str) -> Result<(), Refusal> {
        let mut buckets = self.lock();
        let own = buckets.get_mut(bucket).ok_or_else(Refusal::no_bucket)?;
        if own.remove(key).is_some() {
            let (root, path) = (self.folder.join(bucket), self.folder.join(bucket).join(key));
            fs::remove_file(&path)?;
            // Folders that are empty then, so that their names can be keys.
            let above = path.ancestors().skip(1).take_while(|folder| *folder != root);
            let _ = above.take_while(|folder| fs::remove_dir(folder).is_ok()).count();
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Bucket>> {
        self.buckets.lock().expect("no thread panics that holds it")
    }
}

fn read_bucket(folder: &Path) -> io::Result<Bucket> {
    let mut bucket = Bucket::new();
    for entry in WalkDir::new(folder) {
        let entry = entry?;
        if !entry.file_type().is_file() {
            continue;
        }
        let inside = entry.path().strip_prefix(folder).map_err(io::Error::other)?;
        let (metadata, tag) = (entry.metadata()?, tag_of_file(entry.path())?);
        let object = Object { size: metadata.len(), tag, modified: metadata.modified()? };
        bucket.insert(inside.to_string_lossy().into_owned(), object);
    }
    Ok(bucket)
}

fn tag_of_file(path: &Path) -> io::Result<String> {
    let (mut file, mut piece, mut hash) = (File::open(path)?, vec![0; PIECE], Sha256::new());
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(tag(hash)),
            n => hash.update(&piece[..n]),
        }
    }
}

/// Tag of a hash, as long as those of S3.
fn tag(hash: Sha256) -> String {
    let digits: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

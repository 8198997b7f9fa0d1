//! Turns of programs that read a file, change it and replace it.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::{destination, folder_of};

/// Exclusive turn to change a file, and the files that belong to it, until it is dropped or the program ends in any way.
///
/// The lock is advisory: only programs that ask for it wait. It is held on an empty file of its own,
/// `.active-index-NAME.lock` beside the file that links lead to, because [`replace`](crate::replace) puts a new file in the
/// place of the old one. On Unix that file is removed with the lock; after a crash it stays, and the next lock takes it over.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("counter");
/// let lock = active_index_atomic_file::WriteLock::acquire(&path, || println!("another program is writing"))?;
/// let count = std::fs::read_to_string(&path).map_or(0, |text| text.len());
/// active_index_atomic_file::replace(&path, |file| write!(file, "{}", "I".repeat(count + 1)))?;
/// drop(lock);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct WriteLock {
    _held: File,
    path: PathBuf,
}

impl WriteLock {
    /// Takes the lock of the file at `path`, which need not exist yet. If another has the lock, calls `wait` once and waits.
    ///
    /// # Errors
    /// If `path` is a folder, a device or a pipe; errors of the system. The kind is [`io::ErrorKind::Unsupported`] where the
    /// file system has no locks.
    pub fn acquire(path: &Path, wait: impl FnOnce()) -> io::Result<Self> {
        let mut wait = Some(wait);
        Self::acquire_by(path, |file| take(file, &mut wait).map(|()| true)).map(|lock| lock.expect("waited"))
    }

    /// Takes the lock of the file at `path`, or returns `None` if another has it.
    ///
    /// # Errors
    /// The errors of [`Self::acquire`].
    pub fn try_acquire(path: &Path) -> io::Result<Option<Self>> {
        Self::acquire_by(path, |file| match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        })
    }

    /// Takes the lock by `take`, which returns false to give up.
    fn acquire_by(path: &Path, mut take: impl FnMut(&File) -> io::Result<bool>) -> io::Result<Option<Self>> {
        loop {
            let beside = lock_path(path)?;
            let file = open(&beside)?;
            if !take(&file)? {
                return Ok(None);
            }
            // While we waited, the lock file may have been removed by its holder, and a link may have been turned to
            // another file.
            if is_at(&file, &beside)? {
                let lock = Self { _held: file, path: beside };
                if lock_path(path)? == lock.path {
                    return Ok(Some(lock));
                }
            }
        }
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        // Those who wait for this file notice that it is gone. A file that cannot be removed is taken over.
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Path of the lock file of the file at `path`.
fn lock_path(path: &Path) -> io::Result<PathBuf> {
    let (path, _) = destination(path)?;
    let mut name = OsString::from(".active-index-");
    name.push(path.file_name().unwrap_or_default());
    name.push(".lock");
    Ok(fs::canonicalize(folder_of(&path))?.join(name))
}

/// Opens a lock file, also that of another user.
fn open(path: &Path) -> io::Result<File> {
    match OpenOptions::new().write(true).create(true).truncate(false).open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => File::open(path).map_err(|_| error),
        opened => opened,
    }
}

/// Locks an open file, after calling `wait` if another has locked it.
fn take(file: &File, wait: &mut Option<impl FnOnce()>) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => return Ok(()),
        Err(TryLockError::Error(error)) => return Err(error),
        Err(TryLockError::WouldBlock) => {}
    }
    if let Some(wait) = wait.take() {
        wait();
    }
    loop {
        match file.lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            taken => return taken,
        }
    }
}

/// Returns true if `path` still leads to the open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let opened = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((opened.dev(), opened.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns true: only Unix removes lock files.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;
    use crate::replace;

    fn count(path: &Path) -> usize {
        fs::read_to_string(path).map_or(0, |text| text.parse().expect("a number"))
    }

    fn increment(path: &Path) {
        let _lock = WriteLock::acquire(path, || ()).expect("locks");
        let next = count(path) + 1;
        replace(path, |out| write!(out, "{next}")).expect("writes");
    }

    #[test]
    fn changes_of_many_are_made_in_turn() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("counter");
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..25).for_each(|_| increment(&path)));
            }
        });
        assert_eq!(count(&path), 200);
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), if cfg!(unix) { 1 } else { 2 });
    }

    #[test]
    fn who_waits_is_told_once_and_a_lock_file_left_over_locks_nobody_out() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a");
        fs::write(lock_path(&path).expect("path"), b"").expect("left over");
        let (sender, receiver) = mpsc::channel();
        let lock = WriteLock::acquire(&path, || panic!("nobody has the lock")).expect("locks");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| WriteLock::acquire(&path, || sender.send(()).expect("is heard")));
            receiver.recv().expect("waits");
            assert!(!waiting.is_finished());
            drop(lock);
            assert!(waiting.join().expect("ends").is_ok());
        });
        drop(sender);
        assert!(receiver.recv().is_err(), "told once");
    }

    #[test]
    fn a_folder_has_no_lock() {
        let folder = tempfile::tempdir().expect("folder");
        let error = WriteLock::acquire(folder.path(), || ()).expect_err("a folder");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let missing = folder.path().join("missing").join("a");
        let error = WriteLock::acquire(&missing, || ()).expect_err("no folder");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn the_lock_belongs_to_the_file_that_links_lead_to() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("folder");
        let [store, file, link] = ["store", "store/file", "link"].map(|name| folder.path().join(name));
        fs::create_dir(&store).expect("creates");
        fs::write(&file, b"1").expect("writes");
        symlink("store/file", &link).expect("links");
        let expected = fs::canonicalize(&store).expect("is there").join(".active-index-file.lock");
        for path in [&link, &file] {
            let lock = WriteLock::acquire(path, || ()).expect("locks");
            assert_eq!(lock.path, expected);
            assert!(expected.exists());
        }
        assert!(!expected.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_is_turned_meanwhile_is_followed() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("folder");
        let [old, new, link] = ["old", "new", "link"].map(|name| folder.path().join(name));
        [&old, &new].into_iter().for_each(|path| fs::write(path, b"1").expect("writes"));
        symlink(&old, &link).expect("links");
        let (sender, receiver) = mpsc::channel();
        let lock = WriteLock::acquire(&old, || ()).expect("locks");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| WriteLock::acquire(&link, || sender.send(()).expect("is heard")));
            receiver.recv().expect("waits");
            fs::remove_file(&link).expect("removes");
            symlink(&new, &link).expect("links");
            drop(lock);
            let lock = waiting.join().expect("ends").expect("locks");
            assert_eq!(lock.path, lock_path(&new).expect("path"));
        });
        assert!(!lock_path(&old).expect("path").exists(), "the other lock is given back");
    }
}

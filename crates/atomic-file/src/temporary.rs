//! Temporary files, and the removal of those whose writers are dead.
//!
//! A writer holds a lock on its temporary file (`flock`), which the system releases when it dies. A file that can be locked has
//! therefore no writer. Another machine on the same file system may see no locks of this one, so its files are only removed
//! once nothing was written to them for a week. The process in the name is for the reader of a list of files.

use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};

use tempfile::{Builder, NamedTempFile};

/// Names are `.active-index-PROCESS-MACHINE-RANDOM.tmp`.
const PREFIX: &str = ".active-index-";
const SUFFIX: &str = ".tmp";

/// Age of a file of another machine whose writer is taken for dead.
const DEAD_AFTER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Number of folders that are remembered as tidied.
const REMEMBERED: usize = 1024;

/// Folders that this process has tidied, the last ones of many.
static TIDY: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Creates a locked temporary file with the permissions of an ordinary one, less the process's umask. The first file in a
/// folder removes those of dead writers there.
pub fn create(folder: &Path) -> io::Result<NamedTempFile> {
    let file = create_locked(folder)?;
    let is_first = {
        let mut tidy = TIDY.lock().unwrap_or_else(PoisonError::into_inner);
        if tidy.len() >= REMEMBERED && !tidy.contains(folder) {
            tidy.clear();
        }
        tidy.insert(folder.to_owned())
    };
    if is_first {
        // The clock of the file system, which need not be that of this machine.
        remove_abandoned(folder, file.as_file().metadata()?.modified()?);
    }
    Ok(file)
}

fn create_locked(folder: &Path) -> io::Result<NamedTempFile> {
    let prefix = format!("{PREFIX}{}-{}-", std::process::id(), machine());
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(SUFFIX);
    if let Some(permissions) = ordinary_permissions() {
        builder.permissions(permissions);
    }
    loop {
        let file = builder.tempfile_in(folder)?;
        match file.as_file().try_lock() {
            Ok(()) if file.path().exists() => return Ok(file),
            // A file system without locks, on which nothing is removed either.
            Err(TryLockError::Error(_)) => return Ok(file),
            // Another writer found the file before it was locked, and removes it.
            Ok(()) | Err(TryLockError::WouldBlock) => {}
        }
    }
}

/// Returns the name of this run of the machine's kernel, whose processes see each other's locks; none elsewhere than on Linux.
fn machine() -> &'static str {
    static MACHINE: OnceLock<String> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        boot.chars().filter(char::is_ascii_alphanumeric).take(16).collect()
    })
}

/// Removes files whose writers are dead, as of the time `now`. What cannot be removed does not concern the caller's write.
fn remove_abandoned(folder: &Path, now: SystemTime) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let named = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
        if let Some(name) = named {
            let _ = remove_if_abandoned(&entry.path(), is_of_this_machine(name), now);
        }
    }
}

/// Returns true for `PROCESS-MACHINE-RANDOM` of this machine.
fn is_of_this_machine(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    matches!(parts[..], [_, of, _] if !of.is_empty() && of == machine())
}

fn remove_if_abandoned(path: &Path, shows_locks: bool, now: SystemTime) -> io::Result<()> {
    let about = fs::symlink_metadata(path)?;
    let age = now.duration_since(about.modified()?).unwrap_or_default();
    if !about.is_file() || !shows_locks && age < DEAD_AFTER {
        return Ok(());
    }
    // Some network file systems lock only what is open for writing.
    let file = File::options().read(true).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

#[cfg(unix)]
fn ordinary_permissions() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn ordinary_permissions() -> Option<Permissions> {
    None
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        io::{Read, Write},
        process::{Child, Command, Stdio},
        thread::sleep,
    };

    use super::*;
    use crate::{replace, tests::names};

    fn are_left(folder: &Path, wanted: &[&str]) {
        let mut left = names(folder);
        left.sort();
        assert_eq!(left, wanted);
    }

    #[test]
    fn what_a_live_writer_may_still_need_stays() {
        let folder = tempfile::tempdir().expect("folder");
        let now = SystemTime::now();
        let put = |name: &str, age: Duration| {
            let file = File::create(folder.path().join(name)).expect("creates");
            file.set_modified(now - age).expect("sets the time");
            file
        };
        let (recent, old) = (Duration::from_secs(6 * 24 * 60 * 60), Duration::from_secs(8 * 24 * 60 * 60));
        put(".active-index-7-elsewhere-new.tmp", recent);
        put(".active-index-7-elsewhere-old.tmp", old);
        // The names of version 0.1, whose writers hold no lock.
        put(".active-index-newone.tmp", recent);
        put(".active-index-oldone.tmp", old);
        put(".active-index-note.txt", old);
        let locked = put(".active-index-7-elsewhere-locked.tmp", old);
        locked.lock().expect("locks");
        fs::create_dir(folder.path().join(".active-index-folder.tmp")).expect("creates");
        let live = create_locked(folder.path()).expect("creates");
        live.as_file().set_modified(now - old).expect("sets the time");
        remove_abandoned(folder.path(), now);
        assert!(live.path().exists());
        drop(live);
        are_left(
            folder.path(),
            &[
                ".active-index-7-elsewhere-locked.tmp",
                ".active-index-7-elsewhere-new.tmp",
                ".active-index-folder.tmp",
                ".active-index-newone.tmp",
                ".active-index-note.txt",
            ],
        );
    }

    /// Name of the variable that says what the writer of another process does.
    const WRITER: &str = "ATOMIC_FILE_TEST_WRITER";

    /// Starts a process that writes `theirs`, and waits until it is in the middle.
    fn start_writer(folder: &Path, task: &str) -> Child {
        let mut writer = Command::new(env::current_exe().expect("this program"));
        writer
            .args(["--exact", "temporary::tests::writer", "--ignored"])
            .current_dir(folder)
            .env(WRITER, task);
        writer.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut writer = writer.spawn().expect("starts");
        while !folder.join("begun").exists() {
            assert!(writer.try_wait().expect("its state").is_none(), "it did not begin");
            sleep(Duration::from_millis(5));
        }
        writer
    }

    #[test]
    #[ignore = "is the other process of tests"]
    fn writer() {
        let Ok(task) = env::var(WRITER) else { return };
        let write = |out: &mut dyn Write| {
            out.write_all(&vec![1; 3 << 20])?;
            fs::write("begun", "")?;
            io::stdin().read_to_end(&mut Vec::new())?;
            if task == "dies" {
                std::process::abort();
            }
            out.write_all(b"to the end")
        };
        replace(Path::new("theirs"), write).expect("writes");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_of_a_dead_process_is_removed_by_the_next_writer() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = start_writer(folder.path(), "dies");
        drop(writer.stdin.take());
        assert!(!writer.wait().expect("ends").success());
        let left = names(folder.path());
        let process = format!("{PREFIX}{}-", writer.id());
        assert!(left.len() == 2 && left.iter().any(|name| name.starts_with(&process)), "{left:?}");
        replace(&folder.path().join("ours"), |out| out.write_all(b"whole")).expect("writes");
        are_left(folder.path(), &["begun", "ours"]);
    }

    #[test]
    fn a_file_of_a_live_process_stays() {
        let folder = tempfile::tempdir().expect("folder");
        let mut writer = start_writer(folder.path(), "ends");
        replace(&folder.path().join("ours"), |out| out.write_all(b"whole")).expect("writes");
        assert_eq!(names(folder.path()).len(), 3, "theirs, ours and `begun`");
        drop(writer.stdin.take());
        assert!(writer.wait().expect("ends").success());
        let written = fs::read(folder.path().join("theirs")).expect("reads");
        assert!(written.len() == (3 << 20) + 10 && written.ends_with(b"to the end"));
        are_left(folder.path(), &["begun", "ours", "theirs"]);
    }
}

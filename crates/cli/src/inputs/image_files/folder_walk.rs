//! Folders of images, and folders that links in them lead to.

use std::{
    collections::{HashSet, VecDeque},
    fs::{File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
};

use image_file::{Format, path_text};
use walkdir::{DirEntry, WalkDir};

use super::{
    Input, LeftOut,
    left_out::Unreadable,
    other_files::{has_ending_of, is_passed_over},
};
use crate::{outputs::FileIdentity, session::Session};

/// Search for images in folders. Each folder is searched once, whatever leads to it, and links only after all real folders,
/// which keep their names.
pub struct FolderWalk<'a> {
    session: &'a Session,
    /// Folder that is left out.
    except: Option<FileIdentity>,
    /// Folders that were searched.
    known: HashSet<FileIdentity>,
    links: VecDeque<Start>,
    found: Vec<(usize, Input)>,
    left_out: LeftOut,
}

/// A folder to search.
struct Start {
    path: PathBuf,
    /// Folder that the user named, which holds the path.
    named: PathBuf,
    /// Position of that folder among the inputs.
    place: usize,
}

impl<'a> FolderWalk<'a> {
    /// Prepares a search that leaves out the folder `except`, unless the user names it.
    pub fn new(except: Option<&Path>, session: &'a Session) -> Self {
        let (known, links) = (HashSet::new(), VecDeque::new());
        let except = except.and_then(FileIdentity::of);
        Self { session, except, known, links, found: Vec::new(), left_out: LeftOut::default() }
    }

    /// Searches a folder that the user named as the input at `place`.
    pub fn enter(&mut self, place: usize, folder: &Path) {
        if FileIdentity::of(folder).is_none_or(|folder| self.known.insert(folder)) {
            self.search(&Start { path: folder.to_owned(), named: folder.to_owned(), place });
        }
    }

    /// Follows the links. Returns all images, with the positions of their inputs.
    pub fn finish(mut self) -> (Vec<(usize, Input)>, LeftOut) {
        while let Some(link) = self.links.pop_front() {
            if self.is_new(&link.path) {
                self.search(&link);
            }
        }
        (self.found, self.left_out)
    }

    fn search(&mut self, start: &Start) {
        let mut entries = WalkDir::new(&start.path).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            match entry {
                // The folder itself.
                Ok(entry) if entry.depth() == 0 => {}
                Ok(entry) if entry.file_type().is_dir() => {
                    if !self.is_entered(&entry) {
                        entries.skip_current_dir();
                    }
                }
                Ok(entry) => self.take(entry, start),
                Err(error) => self.report(&error, start),
            }
        }
    }

    /// Decides whether a folder is searched.
    fn is_entered(&mut self, folder: &DirEntry) -> bool {
        if is_passed_over(folder.path()) {
            self.skip(folder.path());
            return false;
        }
        self.is_new(folder.path())
    }

    /// Returns true for a folder that is met for the first time, and is not left out.
    fn is_new(&mut self, folder: &Path) -> bool {
        let folder = FileIdentity::of(folder);
        folder.is_none_or(|folder| self.except.as_ref() != Some(&folder) && self.known.insert(folder))
    }

    /// Takes, follows or skips an entry that is no folder.
    fn take(&mut self, entry: DirEntry, start: &Start) {
        if is_passed_over(entry.path()) {
            return self.skip(entry.path());
        }
        let path = entry.into_path();
        match path.metadata() {
            Ok(about) if about.is_dir() => {
                self.links.push_back(Start { path, named: start.named.clone(), place: start.place });
            }
            // Reading a file that cannot be looked at fails again, and reports the reason. So do dangling links.
            about if about.as_ref().map_or(Ok(true), |about| is_image(&path, about)).unwrap_or(true) => {
                let name = path.strip_prefix(&start.named).unwrap_or(&path).to_owned();
                self.found.push((start.place, Input { path, name }));
            }
            _ => self.skip(&path),
        }
    }

    fn skip(&mut self, path: &Path) {
        self.left_out.skipped += 1;
        self.session.detail(|| format!("{}: skipped", path_text(path)));
    }

    fn report(&mut self, error: &walkdir::Error, start: &Start) {
        let folder = path_text(error.path().unwrap_or(&start.path));
        let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
        let error = format!("cannot be read: {reason}");
        self.session.failure(&folder, &error);
        self.left_out.unreadable.push(Unreadable { folder, error });
    }
}

/// Decides by its name whether a file is an image, and by its content if the name does not tell.
fn is_image(path: &Path, about: &Metadata) -> io::Result<bool> {
    if !about.is_file() || has_ending_of(&Format::PREVIEW_ENDINGS, path) {
        return Ok(false);
    }
    if has_ending_of(&Format::ENDINGS, path) {
        return Ok(true);
    }
    let mut start = Vec::with_capacity(Format::START);
    File::open(path)?.take(Format::START as u64).read_to_end(&mut start)?;
    Ok(Format::is_image(&start))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    /// A folder with files of these contents, and the links `name -> target`.
    fn folder(files: &[(&str, &[u8])], links: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            path
        };
        files.iter().for_each(|(name, content)| fs::write(path(name), content).unwrap());
        links.iter().for_each(|(name, target)| symlink(target, path(name)).unwrap());
        folder
    }

    /// Names found below a folder, and the number of skipped entries.
    fn found(folder: &Path) -> (Vec<String>, usize) {
        let session = Session::of_tests();
        let mut walk = FolderWalk::new(None, &session);
        walk.enter(0, folder);
        let (mut found, left_out) = walk.finish();
        found.sort();
        (found.into_iter().map(|(_, input)| input.name.display().to_string()).collect(), left_out.skipped)
    }

    const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0 and so on";

    #[test]
    fn files_are_told_by_content_where_names_do_not_tell() {
        let tiff = b"II*\0\x08\0\0\0";
        let files: [(&str, &[u8]); 12] = [
            ("a.mpo", JPEG),
            ("b.jpg_large", JPEG),
            ("c.JPG:large", JPEG),
            ("d", b"GIF89a"),
            ("e.dat", b"\x89PNG\r\n\x1A\n"),
            ("f.jpg", b"This is no image.\n"),
            ("g.txt", b"BM is no image either"),
            ("h.nef", tiff),
            ("i.scan", tiff),
            ("j.THM", JPEG),
            ("k.xmp", b"<x:xmpmeta/>"),
            ("l", b""),
        ];
        let folder = folder(&files, &[]);
        let expected = ["a.mpo", "b.jpg_large", "c.JPG:large", "d", "e.dat", "f.jpg", "i.scan"];
        assert_eq!(found(folder.path()), (expected.map(str::to_owned).to_vec(), 5));
    }

    #[test]
    fn linked_folders_are_searched_once_and_real_ones_keep_their_names() {
        let files = [("real/a.jpg", JPEG), ("real/deep/b.jpg", JPEG), ("other/c.jpg", JPEG)];
        let links = [
            ("photos/1", "2"),
            ("photos/2", "../other"),
            ("photos/3/loop", "../3"),
            ("photos/4", "."),
            ("photos/5", "5"),
            ("photos/z/d.jpg", "../../real/a.jpg"),
        ];
        let folder = folder(&files, &links);
        let names = ["1/c.jpg", "5", "z/d.jpg"];
        assert_eq!(found(&folder.path().join("photos")).0, names, "5 links to itself, which is an error");
        let names = ["other/c.jpg", "photos/5", "photos/z/d.jpg", "real/a.jpg", "real/deep/b.jpg"];
        assert_eq!(found(folder.path()).0, names);
    }

    /// `git annex add` keeps each content once in the store, and links of every name lead to it.
    #[test]
    fn links_into_a_store_keep_their_own_names() {
        let object = ".git/annex/objects/Vf/3K/SHA256E-s14--ab.jpg/SHA256E-s14--ab.jpg";
        let target = |up: &str| format!("{up}{object}");
        let (here, up) = (target(""), target("../"));
        let links = [
            ("a.jpg", here.as_str()),
            ("b.jpg", &here),
            ("sub/a.jpg", &up),
            ("sub/without an ending", &up),
            ("sub/dropped.jpg", "../.git/annex/objects/00/11/gone.jpg"),
        ];
        let folder = folder(&[(object, JPEG), (".gitattributes", b"* annex.backend=SHA256E")], &links);
        let names = ["a.jpg", "b.jpg", "sub/a.jpg", "sub/dropped.jpg", "sub/without an ending"];
        assert_eq!(found(folder.path()), (names.map(str::to_owned).to_vec(), 2));
    }
}

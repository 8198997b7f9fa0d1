//! Image files that the user names: files, folders, and lists of both on stdin or in files.

mod folder_walk;
mod left_out;
mod object_walk;
mod other_files;
mod path_list;

use std::{
    collections::HashSet,
    ffi::OsString,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use image_file::path_text;
use object_files::{Kind, is_address};
use shard::Shard;

use self::folder_walk::FolderWalk;
pub use self::left_out::LeftOut;
use crate::{objects::objects, outputs::FileIdentity, session::Session};

/// Argument that stands for a list of files on stdin.
const LIST: &str = "-";
/// Mark in front of the name of a file that holds a list of files.
const LIST_FILE: &[u8] = b"@";

/// An image file, and its name below the folder that the user named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Input {
    pub path: PathBuf,
    pub name: PathBuf,
}

impl AsRef<Path> for Input {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

/// Images, and files and folders that are left out.
#[derive(Debug, Default)]
pub struct Found {
    pub images: Vec<Input>,
    pub left_out: LeftOut,
}

impl Found {
    /// Keeps the images of a shard, or all without one. Returns the others, too.
    pub fn in_shard(self, shard: Option<Shard>) -> (Self, Vec<Input>) {
        let Some(shard) = shard else { return (self, Vec::new()) };
        let (images, others) = self.images.into_iter().partition(|input| shard.holds(&input.name));
        (Self { images, left_out: self.left_out }, others)
    }
}

/// Lists the files among `inputs`, and the images below the folders among them, sorted; each name once. `-` stands for the
/// files and folders in a list on stdin, `@FILE` for those in a list in a file, unless there is a file of that name.
///
/// Folders below `inputs` that are `except` are left out: results of an earlier run are not originals. Folders that cannot be
/// read are reported.
///
/// # Errors
/// If there is no image, or the list cannot be read.
pub fn find(inputs: &[PathBuf], except: Option<&Path>, session: &Session) -> Result<Found> {
    let mut walk = FolderWalk::new(except, session);
    let (mut found, mut objects_left_out) = (Vec::new(), LeftOut::default());
    for (place, Input { path, name }) in named(inputs, session)?.into_iter().enumerate() {
        if is_object_folder(&path) {
            let (below, left_out) = object_walk::images_below(&path, except, session);
            found.extend(below.into_iter().map(|input| (place, input)));
            objects_left_out.extend(left_out);
        } else if !is_address(&path) && path.is_dir() {
            walk.enter(place, &path);
        } else {
            found.push((place, Input { path, name }));
        }
    }
    let (below, mut left_out) = walk.finish();
    left_out.extend(objects_left_out);
    found.extend(below);
    found.sort();
    let mut images: Vec<Input> = found.into_iter().map(|(_, input)| input).collect();
    let mut seen = HashSet::new();
    images.retain(|input| seen.insert(place_of(&input.path)));
    ensure!(!images.is_empty(), "no images in {}{}", list(inputs), left_out.text());
    Ok(Found { images, left_out })
}

/// List of files that an argument stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum List {
    Stdin,
    File(PathBuf),
}

impl List {
    fn of(argument: &Path) -> Option<Self> {
        if argument.as_os_str() == LIST {
            return Some(Self::Stdin);
        }
        if is_address(argument) {
            let is_text = argument.extension().is_some_and(|end| end.eq_ignore_ascii_case("txt"));
            return is_text.then(|| Self::File(argument.to_owned()));
        }
        let file = argument.as_os_str().as_encoded_bytes().strip_prefix(LIST_FILE)?;
        let file = path_list::path_of(file).ok().filter(|_| !file.is_empty())?;
        (!argument.exists()).then_some(Self::File(file))
    }
}

/// Returns true for an argument that stands for a list of files.
pub fn is_list(argument: &Path) -> bool {
    List::of(argument).is_some()
}

/// Returns the arguments, with those of a list in place of the argument that stands for it.
fn named(inputs: &[PathBuf], session: &Session) -> Result<Vec<Input>> {
    let mut named = Vec::with_capacity(inputs.len());
    for path in inputs {
        match List::of(path) {
            Some(List::Stdin) => named.extend(listed(path_list::read_stdin(session)?)),
            Some(List::File(file)) => named.extend(listed(path_list::read_file(&file)?)),
            None if is_address(path) => named.push(at_address(path)?),
            None => named.push(Input { path: path.clone(), name: file_name(path) }),
        }
    }
    Ok(named)
}

/// Returns true for an address that ends in `/`.
fn is_object_folder(path: &Path) -> bool {
    is_address(path) && path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// Returns an object or a folder of objects; the address of a folder ends in `/`. In a list each address ends so or is an object's:
/// asking the store for each line would take too long.
fn at_address(path: &Path) -> Result<Input> {
    let kind = objects().check(path).and_then(|()| objects().kind(path)).with_context(|| path_text(path))?;
    let name = file_name(path);
    Ok(match kind {
        Kind::Folder if !is_object_folder(path) => Input { path: path.join(""), name },
        _ => Input { path: path.to_owned(), name },
    })
}

/// Returns the files of a list, whose names are relative to the folder that holds all of them.
fn listed(paths: Vec<PathBuf>) -> impl Iterator<Item = Input> {
    let common = common_folder(paths.iter().map(PathBuf::as_path)).unwrap_or_default();
    paths.into_iter().map(move |path| {
        let name = plain(&path).strip_prefix(&common).map_or_else(|_| file_name(&path), Path::to_owned);
        let is_below = name.components().all(|part| matches!(part, Component::Normal(_)));
        Input { name: if is_below { name } else { file_name(&path) }, path }
    })
}

/// Returns the longest path that is a folder of every file, or `None` without files.
fn common_folder<'a>(files: impl Iterator<Item = &'a Path>) -> Option<PathBuf> {
    let folders = files.map(|file| plain(file).parent().unwrap_or(Path::new("")).to_owned());
    folders.reduce(|common, folder| {
        let both = common.components().zip(folder.components());
        both.take_while(|(one, other)| one == other).map(|(part, _)| part).collect()
    })
}

/// Returns a path without `./` in front.
fn plain(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}

/// Returns the last part of a path, or all of a path that ends in `..`.
fn file_name(path: &Path) -> PathBuf {
    path.file_name().map_or_else(|| path.to_owned(), PathBuf::from)
}

/// Returns the folder and name of a file, which are equal for two paths of one name. A link has a name of its own.
fn place_of(path: &Path) -> (Option<FileIdentity>, OsString) {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    match (FileIdentity::of(folder), path.file_name()) {
        (Some(folder), Some(name)) => (Some(folder), name.to_owned()),
        _ => (None, path.as_os_str().to_owned()),
    }
}

fn list(paths: &[PathBuf]) -> String {
    let name = |path: &PathBuf| match List::of(path) {
        Some(List::Stdin) => "the list on stdin".to_owned(),
        Some(List::File(file)) => format!("the list {}", path_text(&file)),
        None => path_text(path),
    };
    paths.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn earlier_results_and_repetitions_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("activated");
        fs::create_dir(&out).unwrap();
        for path in [folder.path().join("a.PNG"), folder.path().join("note.txt"), out.join("a.png")] {
            fs::write(path, b"x").unwrap();
        }
        let inputs = [folder.path().to_owned(), folder.path().join("a.PNG"), folder.path().join("./a.PNG")];
        let session = Session::of_tests();
        let found = find(&inputs, Some(&out), &session).unwrap();
        let names: Vec<&Path> = found.images.iter().map(|input| input.name.as_path()).collect();
        assert_eq!((names, found.left_out.skipped), (vec![Path::new("a.PNG")], 1));
        assert_eq!(find(&inputs, None, &session).unwrap().images.len(), 2);
    }

    #[test]
    fn names_of_listed_files_are_relative_to_the_folder_of_all() {
        let names = |paths: &[&str]| -> Vec<String> {
            let listed = listed(paths.iter().map(PathBuf::from).collect());
            listed.map(|input| input.name.display().to_string()).collect()
        };
        assert_eq!(names(&["p/a.jpg", "./p/b.jpg"]), ["a.jpg", "b.jpg"]);
        assert_eq!(names(&["/p/1/a.jpg", "/p/2/a.jpg", "/p/2/3/a.jpg"]), ["1/a.jpg", "2/a.jpg", "2/3/a.jpg"]);
        assert_eq!(names(&["a.jpg", "p/a.jpg"]), ["a.jpg", "p/a.jpg"]);
        assert_eq!(
            names(&["a.jpg", "/p/a.jpg", "../q/../a.jpg"]),
            ["a.jpg", "a.jpg", "a.jpg"],
            "never above"
        );
        assert!(names(&[]).is_empty());
    }
}

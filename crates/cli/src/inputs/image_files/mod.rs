//! Image files that the user names: files, folders, and lists of both on stdin.

mod folder_walk;
mod left_out;
mod other_files;
mod path_list;

use std::{
    collections::HashSet,
    ffi::OsString,
    path::{Component, Path, PathBuf},
};

use anyhow::{Result, ensure};
use image_file::path_text;

use self::folder_walk::FolderWalk;
pub use self::left_out::LeftOut;
use crate::{outputs::FileIdentity, session::Session};

/// Argument that stands for a list of files on stdin.
const LIST: &str = "-";

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

/// Lists the files among `inputs`, and the images below the folders among them, sorted; each name once. `-` stands for the
/// files and folders in a list on stdin.
///
/// Folders below `inputs` that are `except` are left out: results of an earlier run are not originals. Folders that cannot be
/// read are reported.
///
/// # Errors
/// If there is no image, or the list cannot be read.
pub fn find(inputs: &[PathBuf], except: Option<&Path>, session: &Session) -> Result<Found> {
    let mut walk = FolderWalk::new(except, session);
    let mut found = Vec::new();
    for (place, Input { path, name }) in named(inputs, session)?.into_iter().enumerate() {
        if path.is_dir() {
            walk.enter(place, &path);
        } else {
            found.push((place, Input { path, name }));
        }
    }
    let (below, left_out) = walk.finish();
    found.extend(below);
    found.sort();
    let mut images: Vec<Input> = found.into_iter().map(|(_, input)| input).collect();
    let mut seen = HashSet::new();
    images.retain(|input| seen.insert(place_of(&input.path)));
    ensure!(!images.is_empty(), "no images in {}{}", list(inputs), left_out.text());
    Ok(Found { images, left_out })
}

/// Returns true for the argument that stands for a list on stdin.
pub fn is_list(argument: &Path) -> bool {
    argument.as_os_str() == LIST
}

/// Returns the arguments, with those of a list in place of `-`.
fn named(inputs: &[PathBuf], session: &Session) -> Result<Vec<Input>> {
    let mut named = Vec::with_capacity(inputs.len());
    for path in inputs {
        if is_list(path) {
            named.extend(listed(path_list::read(session)?));
        } else {
            named.push(Input { path: path.clone(), name: file_name(path) });
        }
    }
    Ok(named)
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
    let name = |path: &PathBuf| {
        if is_list(path) { "the list on stdin".to_owned() } else { path_text(path) }
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

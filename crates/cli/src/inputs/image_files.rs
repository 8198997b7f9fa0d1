//! Image files that the user names.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use image_file::Format;
use walkdir::{DirEntry, WalkDir};

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

/// Lists the files among `inputs`, and the images below the folders among them, sorted; each once.
///
/// Folders below `inputs` that are `except` are left out: results of an earlier run are not originals.
///
/// # Errors
/// If there is no image.
pub fn find(inputs: &[PathBuf], except: Option<&Path>) -> Result<Vec<Input>> {
    let except = except.and_then(|folder| folder.canonicalize().ok());
    let mut found = Vec::new();
    for input in inputs {
        if input.is_dir() {
            found.extend(below(input, except.as_deref())?);
        } else {
            let name = input.file_name().with_context(|| format!("{}: is not a file", input.display()))?;
            found.push(Input { path: input.clone(), name: name.into() });
        }
    }
    ensure!(!found.is_empty(), "no images in {}", list(inputs));
    let mut seen = BTreeSet::new();
    found.retain(|input| seen.insert(input.path.canonicalize().unwrap_or_else(|_| input.path.clone())));
    Ok(found)
}

fn below(folder: &Path, except: Option<&Path>) -> Result<BTreeSet<Input>> {
    let mut found = BTreeSet::new();
    let is_excepted = |entry: &DirEntry| {
        entry.depth() > 0
            && except.is_some_and(|except| entry.path().canonicalize().is_ok_and(|p| p == except))
    };
    for entry in WalkDir::new(folder).into_iter().filter_entry(|entry| !is_excepted(entry)) {
        let path = match entry {
            Ok(entry) => entry.into_path(),
            // Reading the file will fail again, and report the reason.
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                found.insert(Input { name: path.clone(), path });
                continue;
            }
        };
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        if path.is_file() && ending.is_some_and(|e| Format::ENDINGS.contains(&e.as_str())) {
            let name = path.strip_prefix(folder)?.to_owned();
            found.insert(Input { path, name });
        }
    }
    Ok(found)
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
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
        let inputs = [folder.path().to_owned(), folder.path().join("a.PNG")];
        let found = find(&inputs, Some(&out)).unwrap();
        assert_eq!(found.iter().map(|input| input.name.as_path()).collect::<Vec<_>>(), [Path::new("a.PNG")]);
        assert_eq!(find(&inputs, None).unwrap().len(), 2);
    }
}

//! Names of entries: a table of (number, path) beside the vectors.
//!
//! An index and its names are two files, which no system replaces at once. New names are first staged in a file
//! whose name holds the number of entries of the new index; then the index is written; then the staged file
//! replaces the old names. After an interruption at any point, the number of entries in the index tells which
//! of the two files is valid.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};

use super::{beside_descriptors, beside_index};
use crate::session::whole_file::write_whole;

/// Paths, by the id of an entry or the row of a descriptor.
pub type Names = BTreeMap<i64, String>;

/// Infix of staged files, between the name of the table and the number of entries.
const STAGED: &str = ".for-";

/// Returns the path of the names of an index: `FILE.faiss.names.tsv`.
pub fn of_index(file: &Path) -> PathBuf {
    beside_index(file, ".names.tsv")
}

/// Reads the names of the entries of an index in `file` that has `ntotal` entries.
///
/// # Errors
/// If the table is malformed or cannot be read.
pub fn of_entries(file: &Path, ntotal: usize) -> Result<Names> {
    let staged = staged(file, ntotal);
    if staged.exists() { read(&staged) } else { read_if_there(&of_index(file)) }
}

/// Returns the path of names that are staged for an index with `ntotal` entries.
fn staged(file: &Path, ntotal: usize) -> PathBuf {
    let mut name = of_index(file).into_os_string();
    name.push(format!("{STAGED}{ntotal}"));
    name.into()
}

/// Stages the names of an index that will have `ntotal` entries once it is written to `file`. Call [`settle`] then.
///
/// # Errors
/// If the staged file cannot be written.
pub fn stage(file: &Path, ntotal: usize, names: Names) -> Result<()> {
    if names.is_empty() && !of_index(file).exists() {
        return Ok(());
    }
    write(&staged(file, ntotal), "id", names)
}

/// Completes [`stage`] for the index in `file`, which has `ntotal` entries: names staged for that number become its
/// names, and others are removed.
///
/// # Errors
/// If a file cannot be renamed or removed.
pub fn settle(file: &Path, ntotal: usize) -> Result<()> {
    let names = of_index(file);
    let rename = || -> Result<()> {
        if staged(file, ntotal).exists() {
            fs::rename(staged(file, ntotal), &names)?;
        }
        leftovers(&names)?.into_iter().try_for_each(|path| Ok(fs::remove_file(path)?))
    };
    rename().with_context(|| format!("cannot write {}", names.display()))
}

/// Lists all staged files beside `names`.
fn leftovers(names: &Path) -> Result<Vec<PathBuf>> {
    let folder = names.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let stem = names.file_name().unwrap_or_default().to_string_lossy();
    let is_staged = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ntotal = name.strip_prefix(&*stem).and_then(|rest| rest.strip_prefix(STAGED));
        ntotal.is_some_and(|ntotal| ntotal.parse::<usize>().is_ok())
    };
    let paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    Ok(paths.into_iter().filter(is_staged).collect())
}

/// Returns the path of the names of descriptors: `FILE.names.tsv` for `FILE.npy`.
pub fn of_descriptors(file: &Path) -> PathBuf {
    beside_descriptors(file, "names.tsv")
}

/// Reads a table, or returns an empty one if there is no file.
fn read_if_there(path: &Path) -> Result<Names> {
    if path.exists() { read(path) } else { Ok(BTreeMap::new()) }
}

/// Reads a table: a heading, then one line of a number, a tab and a path for each name.
///
/// # Errors
/// If the table is malformed or cannot be read; the message names the file and the line.
pub fn read(path: &Path) -> Result<Names> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| path.display().to_string())
}

fn parse(text: &str) -> Result<Names> {
    let mut lines = text.lines().enumerate();
    let heading = lines.next().map(|(_, line)| line).unwrap_or_default();
    ensure!(
        heading.ends_with("\tpath"),
        "line 1: expected a heading such as `row`, a tab and `path`, found `{heading}`"
    );
    let mut names = BTreeMap::new();
    for (i, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let (number, name) = parse_line(line).with_context(|| format!("line {}", i + 1))?;
        ensure!(names.insert(number, name).is_none(), "line {}: {number} is named twice", i + 1);
    }
    Ok(names)
}

fn parse_line(line: &str) -> Result<(i64, String)> {
    let Some((number, name)) = line.split_once('\t') else { bail!("expected a number, a tab and a path") };
    ensure!(!name.contains('\t'), "expected one tab, found more");
    let number = number.parse().with_context(|| format!("expected a whole number, found `{number}`"))?;
    Ok((number, name.to_owned()))
}

/// Writes a table with the heading `number`, `path`.
///
/// # Errors
/// If the file cannot be written.
pub fn write(path: &Path, number: &str, rows: impl IntoIterator<Item = (i64, String)>) -> Result<()> {
    write_whole(path, |file| {
        writeln!(file, "{number}\tpath")?;
        for (number, name) in rows {
            writeln!(file, "{number}\t{}", name.replace(['\t', '\n', '\r'], " "))?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_the_round_trip_and_broken_lines_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = of_index(&folder.path().join("db.faiss"));
        write(&path, "id", [(7, "a b.jpg".to_owned()), (-1, "c\td".to_owned())]).unwrap();
        let expected = BTreeMap::from([(7, "a b.jpg".to_owned()), (-1, "c d".to_owned())]);
        assert_eq!(read(&path).unwrap(), expected);
        fs::write(&path, "id\tpath\nx\ty\n").unwrap();
        let error = crate::session::output::one_line(&read(&path).unwrap_err());
        assert!(error.contains("line 2: expected a whole number, found `x`"), "{error}");
        for (broken, reason) in
            [("", "heading"), ("1\ta\n", "heading"), ("id\tpath\n1\ta\n1\tb\n", "named twice")]
        {
            fs::write(&path, broken).unwrap();
            assert!(crate::session::output::one_line(&read(&path).unwrap_err()).contains(reason), "{broken}");
        }
        assert!(read_if_there(Path::new("nowhere")).unwrap().is_empty());
    }

    /// Covers both interruptions: before the index is written, and after.
    #[test]
    fn staged_names_are_valid_for_their_number_of_entries_only() {
        let folder = tempfile::tempdir().unwrap();
        let index = folder.path().join("db.faiss");
        let names = |name: &str| Names::from([(0, name.to_owned())]);
        let files = || fs::read_dir(folder.path()).unwrap().count();
        stage(&index, 4, Names::new()).unwrap();
        assert_eq!(files(), 0, "no names, no file");
        write(&of_index(&index), "id", names("old")).unwrap();
        stage(&index, 3, names("new")).unwrap();
        assert_eq!(of_entries(&index, 4).unwrap(), names("old"));
        assert_eq!(of_entries(&index, 3).unwrap(), names("new"));
        settle(&index, 4).unwrap();
        assert_eq!((of_entries(&index, 3).unwrap(), files()), (names("old"), 1));
        stage(&index, 3, names("new")).unwrap();
        settle(&index, 3).unwrap();
        assert_eq!((of_entries(&index, 4).unwrap(), files()), (names("new"), 1));
        stage(&index, 0, Names::new()).unwrap();
        settle(&index, 0).unwrap();
        assert!(of_entries(&index, 0).unwrap().is_empty());
    }
}

//! Names of entries: a table of (number, path) beside the vectors.
//!
//! A path stands in the table as its text by [`path_text`], which has neither tabs nor line breaks. In a table of another
//! program or of version 0.1, any other text is the path as it is.
//!
//! An index and its names are two files, which no system replaces at once. New names are first staged in a file
//! whose name holds the number of entries of the new index; then the index is written; then the staged file
//! replaces the old names. After an interruption at any point, the number of entries in the index tells which
//! of the two files is valid.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use image_file::{path_of_text, path_text};

use super::{beside_descriptors, beside_index};
use crate::session::whole_file::write_whole;

/// Paths as text by [`path_text`], by the id of an entry or the row of a descriptor.
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
    // A staged table may become the valid one between the two attempts.
    for path in [staged(file, ntotal), of_index(file)] {
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            text => return parse_file(&path, text),
        }
    }
    Ok(Names::new())
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
    rename().with_context(|| format!("cannot write {}", path_text(&names)))
}

/// Lists all staged files beside `names`.
fn leftovers(names: &Path) -> Result<Vec<PathBuf>> {
    let folder = names.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let prefix = [names.file_name().unwrap_or_default().as_encoded_bytes(), STAGED.as_bytes()].concat();
    let is_staged = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let ntotal = name.strip_prefix(&prefix[..]).and_then(|ntotal| str::from_utf8(ntotal).ok());
        ntotal.is_some_and(|ntotal| ntotal.parse::<usize>().is_ok())
    };
    let paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    Ok(paths.into_iter().filter(is_staged).collect())
}

/// Returns the path of the names of descriptors: `FILE.names.tsv` for `FILE.npy`.
pub fn of_descriptors(file: &Path) -> PathBuf {
    beside_descriptors(file, "names.tsv")
}

/// Reads a table: a heading, then one line of a number, a tab and a path for each name.
///
/// # Errors
/// If the table is malformed or cannot be read; the message names the file and the line.
pub fn read(path: &Path) -> Result<Names> {
    parse_file(path, fs::read_to_string(path))
}

fn parse_file(path: &Path, text: io::Result<String>) -> Result<Names> {
    let text = text.with_context(|| format!("cannot read {}", path_text(path)))?;
    parse(&text).with_context(|| path_text(path))
}

/// Reads the names of the rows of descriptors `[n, d]`.
///
/// # Errors
/// As [`read`]; if a row is named that is not there.
pub fn of_rows(path: &Path, n: usize) -> Result<Names> {
    let rows = read(path)?;
    let outside = rows.keys().find(|&&row| !(0..n as i64).contains(&row));
    if let Some(row) = outside {
        bail!("{}: names row {row}, but the rows are numbered from 0 and there are {n}", path_text(path));
    }
    Ok(rows)
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
    Ok((number, path_text(&path_of_text(name))))
}

/// Writes a table with the heading `number`, `path`.
///
/// # Errors
/// If the file cannot be written.
pub fn write(path: &Path, number: &str, rows: impl IntoIterator<Item = (i64, String)>) -> Result<()> {
    write_whole(path, |file| {
        writeln!(file, "{number}\tpath")?;
        for (number, name) in rows {
            writeln!(file, "{number}\t{}", path_text(&path_of_text(&name)))?;
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
        let names =
            [(7, "a  b.jpg"), (-1, r"$'c\td\xff'"), (8, r"e\t'f")].map(|(id, name)| (id, name.to_owned()));
        write(&path, "id", names.clone()).unwrap();
        assert_eq!(read(&path).unwrap(), BTreeMap::from(names));
        let written = fs::read_to_string(&path).unwrap();
        assert_eq!(written, "id\tpath\n7\ta  b.jpg\n-1\t$'c\\td\\xff'\n8\te\\t'f\n");
        fs::write(&path, "id\tpath\nx\ty\n").unwrap();
        let error = crate::session::output::one_line(&read(&path).unwrap_err());
        assert!(error.contains("line 2: expected a whole number, found `x`"), "{error}");
        for (broken, reason) in
            [("", "heading"), ("1\ta\n", "heading"), ("id\tpath\n1\ta\n1\tb\n", "named twice")]
        {
            fs::write(&path, broken).unwrap();
            assert!(crate::session::output::one_line(&read(&path).unwrap_err()).contains(reason), "{broken}");
        }
        assert!(of_entries(Path::new("nowhere"), 0).unwrap().is_empty());
    }

    /// As version 0.1 and other programs write it.
    #[test]
    fn a_table_without_quotations_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.names.tsv");
        let paths = [r"C:\photos\new\tab.jpg", "$'not quoted.jpg'", "a\u{1b}.jpg", " b.jpg", r"$'a\xFF'"];
        let rows: String = paths.iter().enumerate().map(|(row, path)| format!("{row}\t{path}\r\n")).collect();
        fs::write(&path, format!("row\tpath\r\n{rows}")).unwrap();
        let names = read(&path).unwrap();
        let read: Vec<PathBuf> = names.values().map(|name| path_of_text(name)).collect();
        assert_eq!(read, paths.map(PathBuf::from));
        assert_eq!(names[&0], paths[0], "as before");
        assert!(names.iter().all(|(row, name)| *name == path_text(Path::new(paths[*row as usize]))));
    }

    #[cfg(unix)]
    #[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
    #[test]
    fn indexes_whose_names_are_not_utf_8_keep_their_own_staged_names() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let folder = tempfile::tempdir().unwrap();
        let [first, second] =
            [&b"caf\xe8.faiss"[..], b"caf\xe9.faiss"].map(|name| folder.path().join(OsStr::from_bytes(name)));
        let names = Names::from([(0, "a".to_owned())]);
        if let Err(error) = stage(&first, 1, names.clone()) {
            return eprintln!("skipped: the file system refuses names that are not UTF-8: {error:#}");
        }
        settle(&second, 1).unwrap();
        assert_eq!(of_entries(&first, 1).unwrap(), names);
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

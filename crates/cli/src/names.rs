//! Names of entries: a table of (number, path) beside the vectors.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};

use crate::files::write_whole;

/// Where the names of an index's entries are: `FILE.faiss.names.tsv`.
pub fn of_index(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".names.tsv");
    name.into()
}

/// Where the names of descriptors are: `FILE.names.tsv` for `FILE.npy`.
pub fn of_descriptors(file: &Path) -> PathBuf {
    file.with_extension("names.tsv")
}

/// Reads a table, empty where there is no file.
pub fn read_if_there(path: &Path) -> Result<BTreeMap<i64, String>> {
    if path.exists() { read(path) } else { Ok(BTreeMap::new()) }
}

/// Reads a table: a heading, then a number, a tab and a path in each line.
pub fn read(path: &Path) -> Result<BTreeMap<i64, String>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| path.display().to_string())
}

fn parse(text: &str) -> Result<BTreeMap<i64, String>> {
    let mut lines = text.lines().enumerate();
    let heading = lines.next().map(|(_, line)| line).unwrap_or_default();
    ensure!(
        heading.ends_with("\tpath"),
        "the first line is `{heading}`, expected a heading such as `row`, a tab, `path`"
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
    ensure!(!name.contains('\t'), "expected one tab");
    let number = number.parse().with_context(|| format!("`{number}` is no whole number"))?;
    Ok((number, name.to_owned()))
}

/// Writes a table under the heading `number`, `path`.
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
        let error = crate::output::one_line(&read(&path).unwrap_err());
        assert!(error.contains("line 2: `x` is no whole number"), "{error}");
        for (broken, reason) in
            [("", "heading"), ("1\ta\n", "heading"), ("id\tpath\n1\ta\n1\tb\n", "named twice")]
        {
            fs::write(&path, broken).unwrap();
            assert!(crate::output::one_line(&read(&path).unwrap_err()).contains(reason), "{broken}");
        }
        assert!(read_if_there(Path::new("nowhere")).unwrap().is_empty());
    }
}

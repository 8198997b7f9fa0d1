//! Names of entries: a table of (number, path) beside the vectors.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::files::write_whole;

/// Where the names of `file`'s entries are.
pub fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".names.tsv");
    name.into()
}

/// Reads a table, empty where there is no file.
pub fn read_if_there(path: &Path) -> Result<HashMap<i64, String>> {
    if path.exists() { read(path) } else { Ok(HashMap::new()) }
}

/// Reads a table. Its first line is a heading.
pub fn read(path: &Path) -> Result<HashMap<i64, String>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let rows = text.lines().enumerate().skip(1).filter(|(_, line)| !line.is_empty());
    rows.map(|(i, line)| parse(line).with_context(|| format!("{}, line {}", path.display(), i + 1))).collect()
}

fn parse(line: &str) -> Result<(i64, String)> {
    let Some((number, name)) = line.split_once('\t') else { bail!("expected a number, a tab and a path") };
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
        let path = beside(&folder.path().join("db.faiss"));
        write(&path, "id", [(7, "a b.jpg".to_owned()), (-1, "c\td".to_owned())]).unwrap();
        let expected = HashMap::from([(7, "a b.jpg".to_owned()), (-1, "c d".to_owned())]);
        assert_eq!(read(&path).unwrap(), expected);
        fs::write(&path, "id\tpath\nx\ty\n").unwrap();
        let error = crate::output::one_line(&read(&path).unwrap_err());
        assert!(error.contains("line 2: `x` is no whole number"), "{error}");
        assert!(read_if_there(Path::new("nowhere")).unwrap().is_empty());
    }
}

//! Fields that users keep with entries: the same for all images, or by the names of their files.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::BufReader,
    path::{Component, Path},
};

use anyhow::{Context, Result, bail, ensure};
use collection::Meta;
use csv::{ReaderBuilder, StringRecord};
use image_file::{path_of_text, path_text};

/// Headings of the column of file names, in any case; without one of them, it is the first column.
const NAME_HEADINGS: [&str; 2] = ["file", "name"];
/// Largest size of a table.
const MAX_BYTES: u64 = 1 << 30;

/// Fields of images. Values are texts, as the user wrote them.
#[derive(Debug, Default)]
pub struct MetaFields {
    /// Fields of all images.
    shared: Meta,
    /// Fields by the name of the file, which may have folders in front.
    by_name: HashMap<String, Meta>,
}

impl MetaFields {
    /// Reads arguments: `key=value`, or a CSV file with headings. A field of a file takes the place of one of all images.
    ///
    /// # Errors
    /// If an argument is neither, a key is repeated, or a table cannot be read; the message names the file and the line.
    pub fn read(arguments: &[String]) -> Result<Self> {
        let mut fields = Self::default();
        for argument in arguments {
            let path = Path::new(argument);
            match argument.split_once('=') {
                Some((key, value)) if !path.exists() => fields.add_shared(key, value)?,
                None if !path.exists() => bail!("--meta {argument}: is neither a file nor key=value"),
                _ => fields.add_table(path).with_context(|| path_text(path))?,
            }
        }
        Ok(fields)
    }

    /// Returns the fields of an image. A table names it by its path, or by any end of that: `sub/a.jpg` and `a.jpg` are names of
    /// `photos/sub/a.jpg`, and the longest one counts.
    pub fn of(&self, name: &Path) -> Meta {
        let mut fields = self.shared.clone();
        let parts: Vec<String> = parts(name);
        let mut ends = (0..parts.len()).map(|from| parts[from..].join("/"));
        if let Some(own) = ends.find_map(|end| self.by_name.get(&end)) {
            fields.extend(own.clone());
        }
        fields
    }

    fn add_shared(&mut self, key: &str, value: &str) -> Result<()> {
        ensure!(!key.is_empty(), "--meta ={value}: expected a key before `=`");
        let before = self.shared.insert(key.to_owned(), value.into());
        ensure!(before.is_none(), "--meta {key}={value}: {key} is given twice");
        Ok(())
    }

    fn add_table(&mut self, path: &Path) -> Result<()> {
        let about = fs::metadata(path)?;
        ensure!(about.is_file(), "is no regular file");
        ensure!(about.len() <= MAX_BYTES, "expected at most {MAX_BYTES} bytes, found {}", about.len());
        let delimiter = if path.extension().is_some_and(|end| end == "tsv") { b'\t' } else { b',' };
        let file = BufReader::new(File::open(path)?);
        let mut table = ReaderBuilder::new().delimiter(delimiter).from_reader(file);
        let headings = headings(table.headers()?)?;
        let name_column = name_column(&headings);
        for record in table.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            let name = parts(&path_of_text(record[name_column].trim())).join("/");
            ensure!(
                !name.is_empty(),
                "line {line}: expected the name of a file as {}",
                headings[name_column]
            );
            let cells = headings.iter().zip(&record).enumerate();
            let cells = cells.filter(|(column, (_, value))| *column != name_column && !value.is_empty());
            let cells = cells.map(|(_, (key, value))| (key.clone(), value.into()));
            let twice = self.by_name.insert(name, cells.collect()).is_some();
            ensure!(!twice, "line {line}: {} is named twice", &record[name_column]);
        }
        Ok(())
    }
}

/// Returns the headings of a table, without a byte order mark.
fn headings(record: &StringRecord) -> Result<Vec<String>> {
    let clean = |heading: &str| heading.trim_start_matches('\u{feff}').trim().to_owned();
    let headings: Vec<String> = record.iter().map(clean).collect();
    for (column, heading) in headings.iter().enumerate() {
        ensure!(!heading.is_empty(), "line 1: expected a heading for column {}", column + 1);
        ensure!(!headings[..column].contains(heading), "line 1: two columns have the heading {heading}");
    }
    ensure!(
        headings.len() > 1,
        "line 1: expected headings for a file and its fields, found {}",
        headings.len()
    );
    Ok(headings)
}

fn name_column(headings: &[String]) -> usize {
    let is_name = |heading: &String| NAME_HEADINGS.contains(&heading.to_lowercase().as_str());
    headings.iter().position(is_name).unwrap_or(0)
}

/// Returns the parts of a path as text, without `.` in it.
fn parts(path: &Path) -> Vec<String> {
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    parts.map(|part| path_text(part.as_ref())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::session::output::one_line;

    fn read(table: &str, others: &[&str]) -> Result<MetaFields> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fields.csv");
        fs::write(&path, table).unwrap();
        let others = others.iter().map(|other| (*other).to_owned());
        let arguments: Vec<String> = others.chain([path.display().to_string()]).collect();
        MetaFields::read(&arguments)
    }

    fn of(fields: &MetaFields, name: &str) -> serde_json::Value {
        fields.of(Path::new(name)).into()
    }

    #[test]
    fn fields_come_from_pairs_and_from_the_row_of_a_file() {
        let fields = read(
            "licence,file,year\r\nCC0,a.jpg,2001\r\n\"all, \"\"rights\"\"\",sub/a.jpg,\r\nx,./b c.png,007\r\n",
            &["owner=me=you", "licence=none"],
        );
        let fields = fields.unwrap();
        assert_eq!(of(&fields, "photos/a.jpg"), json!({"owner": "me=you", "licence": "CC0", "year": "2001"}));
        assert_eq!(of(&fields, "photos/sub/a.jpg"), json!({"owner": "me=you", "licence": "all, \"rights\""}));
        assert_eq!(of(&fields, "b c.png")["year"], "007");
        assert_eq!(of(&fields, "c.png"), json!({"owner": "me=you", "licence": "none"}));
        assert_eq!(of(&fields, "xa.jpg"), of(&fields, "c.png"));
    }

    #[test]
    fn the_first_column_names_the_file_unless_a_heading_does() {
        let fields = read("\u{feff}picture,title\na.jpg,One\n", &[]).unwrap();
        assert_eq!(of(&fields, "a.jpg"), json!({"title": "One"}));
        let fields = read("title,Name\nOne,a.jpg\nTwo,\"$'tab\\there.jpg'\"\n", &[]).unwrap();
        assert_eq!(of(&fields, "a.jpg"), json!({"title": "One"}));
        assert_eq!(of(&fields, "photos/tab\there.jpg"), json!({"title": "Two"}));
    }

    #[test]
    fn broken_tables_and_arguments_are_refused() {
        for (table, reason) in [
            ("", "line 1: expected headings"),
            ("file\na.jpg\n", "line 1: expected headings"),
            ("file,a,a\n", "two columns have the heading a"),
            ("file,\na.jpg,x\n", "expected a heading for column 2"),
            ("file,a\nb.jpg\n", "found record with 1 fields"),
            ("file,a\nb.jpg,1\n./b.jpg,2\n", "line 3: ./b.jpg is named twice"),
            ("file,a\n\"\",1\n", "line 2: expected the name of a file"),
        ] {
            let error = one_line(&read(table, &[]).unwrap_err());
            assert!(error.contains("fields.csv: ") && error.contains(reason), "{table:?}: {error}");
        }
        let refused = |argument: &str| one_line(&MetaFields::read(&[argument.to_owned()]).unwrap_err());
        assert!(refused("nowhere.csv").contains("is neither a file nor key=value"));
        assert!(refused("=x").contains("expected a key before `=`"));
        assert!(refused(".").contains("is no regular file"));
        let twice = ["a=1", "a=2"].map(str::to_owned);
        assert!(one_line(&MetaFields::read(&twice).unwrap_err()).contains("a is given twice"));
    }
}

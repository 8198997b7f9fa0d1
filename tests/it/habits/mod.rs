//! Folders, lists of files and tables as people have them.

mod empty_tables;
mod folders;
mod ids;
mod lists;

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{
    command_line::{json, sample, text},
    fixtures::{golden, program},
};

/// A folder to work in, with a tiny network.
struct Work(tempfile::TempDir);

impl Work {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// Copies a sample.
    fn photo(&self, from: &str, to: impl AsRef<Path>) {
        self.write(to, &fs::read(sample(from)).unwrap());
    }

    fn write(&self, to: impl AsRef<Path>, content: &[u8]) {
        let path = self.path(to);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The program in this folder, with the tiny network.
    fn program(&self, line: &str) -> Command {
        let mut program = program();
        program.current_dir(self.0.path()).args(line.split_whitespace());
        program.arg("--weights").arg(golden().join("extractors/sscd.classy.pt"));
        program
    }

    fn run(&self, line: &str) -> Output {
        self.program(line).stdin(Stdio::null()).output().unwrap()
    }

    /// The program with a list on stdin.
    fn run_on(&self, line: &str, list: &[u8]) -> Output {
        self.write("list", list);
        self.program(line).stdin(fs::File::open(self.path("list")).unwrap()).output().unwrap()
    }

    /// The JSON document of a run that ends with this code.
    fn json(&self, line: &str, code: i32) -> Value {
        document(&self.run(&format!("{line} --json")), code)
    }

    /// Two indexes of the photographs in a folder: `db.faiss` with their descriptors, `codes.faiss` with codes to approach.
    fn index(&self, folder: &str) {
        self.json(&format!("describe {folder} --out db.npy"), 0);
        for (file, factory) in [("db.faiss", "Flat"), ("codes.faiss", "LSH8")] {
            self.json(&format!("index train --factory {factory} --input db.npy --out {file}"), 0);
            self.json(&format!("index add --index {file} --input db.npy --names db.names.tsv"), 0);
        }
    }
}

fn document(output: &Output, code: i32) -> Value {
    assert_eq!(output.status.code(), Some(code), "{}", messages(output));
    json(output)
}

fn messages(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The last line on stdout.
fn last_line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

/// Values of one key, of each element of an array.
fn all<'a>(document: &'a Value, array: &str, key: &str) -> Vec<&'a str> {
    let rows = document[array].as_array().unwrap_or_else(|| panic!("{array} in {document}"));
    rows.iter().filter_map(|row| row[key].as_str()).collect()
}

/// The name of a file, as text.
fn name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_else(|| text(path))
}

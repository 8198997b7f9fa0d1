//! No verb mixes descriptors of two extractors.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use crate::fixtures::{golden, program, root};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the program on files of this folder with a tiny network.
    fn run(&self, weights: &str, line: &str) -> Output {
        let mut program = program();
        program.current_dir(self.0.path()).args(line.split(' '));
        program.arg("--weights").arg(golden().join("extractors").join(weights)).output().unwrap()
    }

    fn succeeds(&self, weights: &str, line: &str) -> String {
        let output = self.run(weights, line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}: {stderr}");
        stderr
    }

    fn is_refused(&self, weights: &str, line: &str, holder: &str) {
        let output = self.run(weights, line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains("come from different extractors") && stderr.contains(holder), "{stderr}");
        for name in [CLASSY, INT8] {
            assert!(stderr.contains(&format!("({name}, 288 pixels, stretched)")), "{stderr}");
        }
    }

    /// An index of one descriptor of the first network, and descriptors of both.
    fn filled() -> Self {
        let folder = Self::new();
        fs::create_dir(folder.path("photos")).unwrap();
        fs::copy(sample(), folder.path("photos/igloo.jpg")).unwrap();
        folder.succeeds(CLASSY, "describe photos --out a.npy");
        folder.succeeds(INT8, "describe photos --out b.npy");
        folder.succeeds(CLASSY, "index train --factory SQ8 --input a.npy --out db.faiss");
        folder.succeeds(CLASSY, "index add --index db.faiss --input a.npy --names a.names.tsv");
        folder
    }
}

/// The same network in two formats, and with other weights.
const CLASSY: &str = "sscd.classy.pt";
const TORCHVISION: &str = "sscd.torchvision.pt";
const INT8: &str = "sscd.int8.onnx";

fn sample() -> PathBuf {
    root().join("samples/17_igloo.jpg")
}

#[test]
fn files_of_another_extractor_are_refused_by_every_verb() {
    let folder = Folder::filled();
    folder.is_refused(INT8, "index add --index db.faiss --input b.npy", "b.npy");
    folder.is_refused(INT8, "search b.npy --index db.faiss", "b.npy");
    folder.is_refused(INT8, "search photos --index db.faiss", "the extractor in use");
    folder.is_refused(INT8, "activate photos --index db.faiss --out out", "the extractor in use");
    folder.is_refused(INT8, "eval retrieval --images photos --index db.faiss", "the extractor in use");
    let distractors = "eval retrieval --images photos --index db.faiss --distractors b.npy";
    folder.is_refused(CLASSY, distractors, "b.npy");
    folder.succeeds(INT8, "index train --factory SQ8 --input b.npy --out other.faiss");
    folder.is_refused(INT8, "index merge --index db.faiss other.faiss", "other.faiss");
    let entries = folder.run(CLASSY, "index info db.faiss --json");
    assert!(String::from_utf8(entries.stdout).unwrap().contains(r#""ntotal":1"#), "nothing was added");
}

#[test]
fn another_size_of_the_input_is_another_extractor() {
    let folder = Folder::filled();
    folder.succeeds(CLASSY, "describe photos --out small.npy --size 64");
    let output = folder.run(CLASSY, "search small.npy --index db.faiss");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("288 pixels") && stderr.contains("64 pixels"), "{stderr}");
}

#[test]
fn the_same_weights_in_another_format_are_the_same_extractor() {
    let folder = Folder::filled();
    folder.succeeds(TORCHVISION, "search photos --index db.faiss");
    folder.succeeds(TORCHVISION, "search a.npy --index db.faiss");
}

#[test]
fn files_without_a_record_are_taken_with_a_note_for_those_who_ask() {
    let folder = Folder::filled();
    fs::remove_file(folder.path("db.faiss.extractor.json")).unwrap();
    let noted = folder.succeeds(INT8, "search photos --index db.faiss -v");
    assert!(noted.contains("db.faiss: has no extractor record"), "{noted}");
    let silent = folder.succeeds(INT8, "search photos --index db.faiss");
    assert!(!silent.contains("extractor record"), "{silent}");
    // Entries of unknown origin remain of unknown origin.
    folder.succeeds(INT8, "index add --index db.faiss --input b.npy");
    assert!(!folder.path("db.faiss.extractor.json").exists());
}

#[test]
fn the_bundled_index_is_of_the_default_model() {
    let record = fs::read_to_string(root().join("weights/default.faiss.extractor.json")).unwrap();
    let fingerprint = crate::fixtures::extractor().fingerprint();
    assert!(record.contains(&format!(r#""fingerprint":"{fingerprint}""#)), "{record} for {fingerprint}");
    let folder = Folder::new();
    let photo = sample();
    let line = format!("activate {} --out out", Path::new(&photo).display());
    let output = folder.run(CLASSY, &line);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("the bundled index and the extractor in use come from different extractors"),
        "{stderr}"
    );
}

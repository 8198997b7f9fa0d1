//! Indexes and descriptors behind symbolic links: their side files belong to the file that a link leads to.
#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    command_line::{json, sample},
    fixtures::{golden, program, root},
};

const N: usize = 400;

/// Vectors `q.npy` with names, a folder `store`, and links into it from elsewhere.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::copy(root().join("tests/golden/indexes/base.npy"), folder.path("q.npy")).unwrap();
        let rows = (0..N).map(|row| format!("{row}\timage {row}.jpg\n"));
        fs::write(folder.path("q.names.tsv"), format!("row\tpath\n{}", rows.collect::<String>())).unwrap();
        ["store", "links"].into_iter().for_each(|name| fs::create_dir(folder.path(name)).unwrap());
        symlink("../store/db.faiss", folder.path("links/relative.faiss")).unwrap();
        symlink("relative.faiss", folder.path("links/second.faiss")).unwrap();
        symlink(folder.path("store/db.faiss"), folder.path("links/absolute.faiss")).unwrap();
        symlink("store", folder.path("folder")).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn done(&self, line: &str) -> Value {
        let output =
            program().current_dir(self.0.path()).args(line.split(' ')).arg("--json").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        json(&output)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The rows are different vectors, so the entry at distance 0 of a row is the row itself, and has its name.
    fn check_names(&self, index: &str, removed: usize) {
        let found = self.done(&format!("search q.npy --index {index} -k 1"));
        for (row, query) in found["queries"].as_array().unwrap().iter().enumerate().skip(removed) {
            let hit = &query["results"][0];
            assert!(hit["distance"].as_f64().unwrap().abs() < 1e-5, "{index}: {query}");
            assert_eq!(hit["name"], format!("image {row}.jpg"), "{index}: {query}");
            assert_eq!(hit["id"], row - removed, "{index}: ids are positions");
        }
    }
}

const PATHS: [&str; 5] = [
    "links/relative.faiss",
    "store/db.faiss",
    "links/second.faiss",
    "folder/db.faiss",
    "links/absolute.faiss",
];

#[test]
fn names_are_right_by_whichever_path_an_index_is_changed() {
    for filled_by in PATHS {
        let folder = Folder::new();
        folder.done("index train --factory Flat --input q.npy --out store/db.faiss");
        folder.done(&format!("index add --index {filled_by} --input q.npy --names q.names.tsv"));
        for (removed, removed_by) in PATHS.into_iter().enumerate() {
            folder.done(&format!("index remove --index {removed_by} --ids 0"));
            PATHS.into_iter().for_each(|path| folder.check_names(path, removed + 1));
        }
        assert_eq!(folder.names("store"), ["db.faiss", "db.faiss.names.tsv"]);
        assert_eq!(folder.names("links"), ["absolute.faiss", "relative.faiss", "second.faiss"]);
        assert!(PATHS[2].ends_with("second.faiss") && folder.path(PATHS[2]).is_symlink());
    }
}

#[test]
fn links_to_files_that_do_not_exist_yet_are_followed() {
    let folder = Folder::new();
    let weights = golden().join("extractors/sscd.classy.pt");
    fs::create_dir(folder.path("photos")).unwrap();
    fs::copy(sample("17_igloo.jpg"), folder.path("photos/a.jpg")).unwrap();
    symlink("../elsewhere/d.npy", folder.path("links/d.npy")).unwrap();
    folder.done(&format!("describe photos --out links/d.npy --weights {}", weights.display()));
    let stored = ["d.extractor.json", "d.names.tsv", "d.npy"];
    assert_eq!(folder.names("elsewhere"), stored);
    folder.done("index train --factory Flat --input links/d.npy --out links/second.faiss");
    assert_eq!(folder.names("store"), ["db.faiss", "db.faiss.extractor.json"]);
    let record = |path: &Path| fs::read_to_string(path).unwrap();
    assert_eq!(
        record(&folder.path("store/db.faiss.extractor.json")),
        record(&folder.path("elsewhere/d.extractor.json"))
    );
    assert_eq!(folder.names("links").len(), 4, "links alone");
    assert!(folder.names("links").iter().all(|name| folder.path("links").join(name).is_symlink()));
}

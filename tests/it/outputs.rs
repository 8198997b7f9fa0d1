//! Outputs that would replace something else are refused by every verb that writes, before anything is computed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use index::npy;

use crate::{
    command_line::{json, sample},
    fixtures::{golden, program, root},
};

/// A folder with photographs, vectors, an index with 400 entries, an empty one, and notes of the user.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (from, to) in [("17_igloo.jpg", "photos/a.jpg"), ("14_moose.jpg", "others/b.jpg")] {
            let to = folder.path(to);
            fs::create_dir(to.parent().unwrap()).unwrap();
            fs::copy(sample(from), to).unwrap();
        }
        fs::copy(root().join("tests/golden/indexes/base.npy"), folder.path("q.npy")).unwrap();
        for name in ["notes.txt", "new.faiss.names.tsv", "picture.png"] {
            fs::write(folder.path(name), "what I must not forget\n").unwrap();
        }
        folder.succeeds("index train --factory Flat --input q.npy --out db.faiss");
        fs::copy(folder.path("db.faiss"), folder.path("empty.faiss")).unwrap();
        folder.succeeds("index add --index db.faiss --input q.npy");
        fs::write(folder.path("db.faiss.names.tsv"), "id\tpath\n7\tg.jpg\n").unwrap();
        fs::create_dir(folder.path("isc")).unwrap();
        fs::write(folder.path("isc/groundtruth.csv"), "query_id,reference_id\nb,a\n").unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, line: &str) -> Output {
        program().current_dir(self.0.path()).args(line.split(' ')).output().unwrap()
    }

    fn succeeds(&self, line: &str) -> Output {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn list(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    list(&path, files);
                } else {
                    files.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
        let mut files = BTreeMap::new();
        list(self.0.path(), &mut files);
        files
    }

    /// Names weights that do not exist, so that a verb that loads them first says so instead.
    fn refuses(&self, line: &str, reason: &str) {
        let before = self.files();
        let output = self.run(&format!("{line} --weights nowhere.pt"));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        assert!(stderr.contains(reason) && stderr.lines().count() == 1, "{line}: {stderr}");
        assert!(self.files() == before, "{line}");
    }
}

const INPUT: &str = "is an input, and would be replaced";

#[test]
fn outputs_replace_no_input() {
    let folder = Folder::new();
    for line in [
        "describe photos --out photos/a.jpg",
        "describe photos/a.jpg others/b.jpg --out others/b.jpg",
        "activate photos/a.jpg --out out --report photos/a.jpg",
        "activate photos --out out --index db.faiss --report db.faiss",
        "search q.npy --index db.faiss --out db.faiss",
        "search q.npy --index db.faiss --out q.npy",
        "search photos/a.jpg --index db.faiss --out photos/../photos/a.jpg",
        "transform hflip photos/a.jpg --out photos/a.jpg",
        "index train --factory Flat --input q.npy --out q.npy",
        "index merge --index db.faiss empty.faiss --out db.faiss",
        "index merge --index empty.faiss db.faiss --out db.faiss",
        "index add --index db.faiss --input q.npy --names db.faiss.names.tsv",
        "eval retrieval --images photos --index db.faiss --csv db.faiss",
        "eval retrieval --images photos --index db.faiss --distractors q.npy --csv q.npy",
        "eval copy-detection --images photos --queries others --index db.faiss --ground-truth isc/groundtruth.csv --isc-out isc",
        "advise --images photos --index db.faiss --report db.faiss",
    ] {
        folder.refuses(line, INPUT);
    }
}

#[cfg(unix)]
#[test]
fn outputs_replace_no_input_behind_links() {
    let folder = Folder::new();
    std::os::unix::fs::symlink("photos/a.jpg", folder.path("soft.jpg")).unwrap();
    fs::hard_link(folder.path("photos/a.jpg"), folder.path("hard.jpg")).unwrap();
    std::os::unix::fs::symlink("photos", folder.path("linked")).unwrap();
    for out in ["soft.jpg", "hard.jpg", "linked/a.jpg"] {
        folder.refuses(&format!("describe photos --out {out}"), INPUT);
        folder.refuses(&format!("transform hflip photos/a.jpg --out {out}"), INPUT);
    }
}

#[test]
fn outputs_replace_no_file_of_another_kind() {
    let folder = Folder::new();
    for (line, reason) in [
        ("describe photos --out notes.txt", "notes.txt: exists and is no .npy file"),
        ("describe photos --out others/b.jpg", "b.jpg: exists and is no .npy file"),
        ("describe photos --out photos", "photos: exists and is not a regular file"),
        ("describe photos --out notes.txt/x.npy", "notes.txt/x.npy: Not a directory"),
        ("activate photos --out notes.txt", "notes.txt: exists and is no folder"),
        ("activate photos --out out --report q.npy", "q.npy: exists and is no HTML page"),
        ("activate photos --out out --report out/a.png", "out/a.png: two outputs would be written to it"),
        ("activate photos --out out --report out/../out/a.png", "a.png: two outputs would be written to it"),
        ("search q.npy --index db.faiss --out notes.txt", "notes.txt: exists and is no .npz file"),
        ("search photos --index db.faiss --out photos/a.jpg", "a.jpg: exists and is no .npz file"),
        ("transform hflip photos/a.jpg --out picture.png", "picture.png: exists and is no image"),
        (
            "index train --factory Flat --input q.npy --out notes.txt --force",
            "notes.txt: exists and is no index",
        ),
        ("index train --factory Flat --input q.npy --out photos/a.jpg", "a.jpg: exists and is no index"),
        (
            "index train --factory Flat --input q.npy --out new.faiss",
            "new.faiss.names.tsv: exists and is no table",
        ),
        ("index merge --index db.faiss empty.faiss --out notes.txt", "notes.txt: exists and is no index"),
        (
            "eval retrieval --images photos --index db.faiss --csv notes.txt",
            "notes.txt: exists and is no CSV table",
        ),
        (
            "eval retrieval --images photos --index db.faiss --csv x --report x",
            "x: two outputs would be written to it",
        ),
        (
            "eval retrieval --images photos --index db.faiss --resume notes.txt",
            "notes.txt: holds no descriptors",
        ),
        (
            "eval retrieval --images photos --index db.faiss --activate --released q.npy",
            "q.npy: exists and is no folder",
        ),
        (
            "eval copy-detection --images photos --distractors others --index db.faiss --isc-out q.npy",
            "is no folder",
        ),
        (
            "eval copy-detection --images photos --distractors others --index db.faiss --report q.npy",
            "is no HTML page",
        ),
        ("advise --images photos --index db.faiss --out notes.txt", "notes.txt: exists and is no folder"),
        (
            "advise --images photos --index db.faiss --report photos/a.jpg",
            "a.jpg: exists and is no HTML page",
        ),
    ] {
        folder.refuses(line, reason);
    }
}

#[test]
fn an_index_with_entries_is_replaced_by_force_alone() {
    let folder = Folder::new();
    let train = "index train --factory SQ8 --input q.npy --out";
    folder.refuses(
        &format!("{train} db.faiss"),
        "db.faiss: exists and holds 400 entries: pass --force to replace it",
    );
    let merge = "index merge --index empty.faiss empty.faiss --out db.faiss";
    folder.refuses(merge, "db.faiss: exists and holds 400 entries: name another file");
    folder.succeeds(&format!("{train} empty.faiss"));
    let forced = json(&folder.succeeds(&format!("{train} db.faiss --force --json")));
    assert_eq!((&forced["factory"], &forced["ntotal"]), (&"SQ8".into(), &0.into()));
    assert_eq!(fs::read_to_string(folder.path("db.faiss.names.tsv")).unwrap(), "id\tpath\n");
}

#[test]
fn outputs_replace_empty_files_and_files_of_their_own_kind() {
    let folder = Folder::new();
    for name in ["a.npy", "a.npz", "a.png", "a.faiss"] {
        fs::write(folder.path(name), b"").unwrap();
    }
    for _ in 0..2 {
        let weights = golden().join("extractors/sscd.classy.pt");
        folder.succeeds(&format!("describe photos --out a.npy --weights {}", weights.display()));
        folder.succeeds("search q.npy --index db.faiss --out a.npz");
        folder.succeeds("transform hflip photos/a.jpg --out a.png");
        folder.succeeds("index train --factory Flat --input q.npy --out a.faiss");
    }
    assert_eq!(npy::read(&folder.path("a.npy")).unwrap().n, 1);
    assert!(crate::fixtures::npz_at(&folder.path("a.npz"), "D").is_ok());
    assert!(image::open(folder.path("a.png")).is_ok());
}

/// Neither by `activate` nor by an evaluation that reads them.
#[test]
fn released_images_replace_no_other_file() {
    let folder = Folder::new();
    let weights = format!("--weights {}", golden().join("extractors/sscd.classy.pt").display());
    folder.succeeds(&format!("describe photos others --out d.npy {weights}"));
    folder.succeeds("index train --factory IVF2,Flat --input d.npy --out own.faiss");
    folder.succeeds("index add --index own.faiss --input d.npy");
    fs::create_dir(folder.path("out")).unwrap();
    fs::write(folder.path("out/a.png"), "what I must not forget\n").unwrap();
    let activate = "activate photos others --index own.faiss --iterations 1 --out out";
    let output = folder.run(&format!("{activate} {weights}"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("out/a.png: exists and is no image"), "{stderr}");
    assert_eq!(fs::read(folder.path("out/a.png")).unwrap(), b"what I must not forget\n");
    assert!(image::open(folder.path("out/b.png")).is_ok(), "the others are released");

    let page =
        "eval retrieval --images photos --index own.faiss --activate --released out --report out/a.png";
    let output = folder.run(&format!("{page} {weights}"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("out/a.png: exists and is no HTML page"), "{stderr}");
    let output =
        folder.run(&format!("{page} {weights}").replace("out/a.png", "new/a.png").replace(" out", " new"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("new/a.png: two outputs would be written to it"), "{stderr}");
    assert!(!folder.path("new").exists());

    let distractor = folder.path("foreign/a.png");
    fs::create_dir(distractor.parent().unwrap()).unwrap();
    fs::copy(golden().join("img0.png"), &distractor).unwrap();
    let before = fs::read(&distractor).unwrap();
    let evaluate = "eval copy-detection --images photos --distractors foreign --index own.faiss --released foreign --activate";
    let options = "--iterations 1 --transforms none";
    let output = folder.run(&format!("{evaluate} {options} {weights}"));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("would overwrite the original foreign/a.png"), "{stderr}");
    assert!(fs::read(&distractor).unwrap() == before);
}

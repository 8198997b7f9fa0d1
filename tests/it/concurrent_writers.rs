//! Several runs that change one file at the same time. Whatever their order, the outcome of a sequence is known: every entry
//! that was added and not removed is there, once, under its own name.

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Stdio},
    thread::sleep,
    time::Duration,
};

use atomic_file::WriteLock;
use index::npy;
use serde_json::Value;

use crate::{
    command_line::{json, run, sample, text},
    fixtures::program,
};

const D: usize = 16;
/// Entries of each addition.
const ROWS: usize = 300;
/// Ids that are positions, and ids that are stored.
const KINDS: [&str; 2] = ["Flat", "IVF4,Flat"];
const RECORD: &str = r#"{"schema":1,"fingerprint":"f","weights":"w","size":288,"resize":"stretch"}"#;

/// Entries that are added together: their vectors and names are numbered on.
#[derive(Clone, Copy)]
struct Part {
    first: usize,
    n: usize,
}

/// A number in 0..1 (splitmix64, Steele et al. 2014).
fn number(i: usize) -> f32 {
    let mut z = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ z >> 31) >> 40) as f32 / (1 << 24) as f32
}

fn name(entry: usize) -> String {
    format!("image {entry}.jpg")
}

/// A folder with an index `db.faiss`.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(kind: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.train(kind);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// An empty index in `db.faiss`.
    fn train(&self, kind: &str) {
        let (vectors, _) = self.put(Part { first: 0, n: 1000 });
        let index = self.path("db.faiss");
        done(&["index", "train", "--factory", kind, "--input", text(&vectors), "--out", text(&index)]);
    }

    /// Files of vectors, with an extractor's record, and of names.
    fn put(&self, Part { first, n }: Part) -> (PathBuf, PathBuf) {
        let [vectors, names, record] =
            ["npy", "names.tsv", "extractor.json"].map(|end| self.path(&format!("{first}.{end}")));
        let values: Vec<f32> = (first * D..(first + n) * D).map(number).collect();
        npy::write(&vectors, &values, D).unwrap();
        let rows: String = (0..n).map(|row| format!("{row}\t{}\n", name(first + row))).collect();
        fs::write(&names, format!("row\tpath\n{rows}")).unwrap();
        fs::write(&record, RECORD).unwrap();
        (vectors, names)
    }

    fn start_add(&self, part: Part) -> Child {
        let ((vectors, names), index) = (self.put(part), self.path("db.faiss"));
        start(&["index", "add", "--index", text(&index), "--input", text(&vectors), "--names", text(&names)])
    }

    fn start_remove(&self, ids: &str) -> Child {
        start(&["index", "remove", "--index", text(&self.path("db.faiss")), "--ids", ids])
    }

    /// The index holds these entries and no others, with a name each.
    fn holds(&self, parts: &[Part]) {
        let index = self.path("db.faiss");
        let entries: Vec<usize> = parts.iter().flat_map(|part| part.first..part.first + part.n).collect();
        let document = done(&["index", "info", text(&index)]);
        assert_eq!(document["ntotal"], entries.len(), "{document}");
        let names = fs::read_to_string(self.path("db.faiss.names.tsv")).unwrap();
        assert_eq!(names.lines().count(), 1 + entries.len());
        let values: Vec<f32> =
            entries.iter().flat_map(|entry| entry * D..(entry + 1) * D).map(number).collect();
        let queries = self.path("all.npy");
        npy::write(&queries, &values, D).unwrap();
        let found = done(&["search", text(&queries), "--index", text(&index), "-k", "1", "--nprobe", "4"]);
        for (query, &entry) in found["queries"].as_array().unwrap().iter().zip(&entries) {
            assert_eq!(query["results"][0]["name"], name(entry), "{query}");
        }
        let record = fs::read_to_string(self.path("db.faiss.extractor.json")).unwrap();
        assert_eq!(record.trim_end(), RECORD);
        let left = |path: &PathBuf| text(path).contains(".active-index-") || text(path).contains(".for-");
        let left: Vec<PathBuf> = files(self.0.path()).into_iter().filter(left).collect();
        assert!(left.is_empty() || cfg!(not(unix)), "{left:?}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn done(arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["--json", "--device", "cpu"]].concat());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    json(&output)
}

fn start(arguments: &[&str]) -> Child {
    let mut command = program();
    command.args(arguments).args(["--device", "cpu", "--threads", "1"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for runs, which all succeed and say no more than that they waited.
fn finish(running: Vec<Child>) {
    for child in running {
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        let notes: Vec<&str> = stderr.lines().collect();
        let waited = |note: &&str| note.ends_with("db.faiss: waiting for another run that changes it");
        assert!(notes.len() <= 1 && notes.iter().all(waited), "{stderr}");
    }
}

#[test]
fn ten_additions_at_once_keep_all_entries() {
    for kind in KINDS {
        let folder = Folder::new(kind);
        let parts: Vec<Part> = (0..10).map(|i| Part { first: i * ROWS, n: ROWS }).collect();
        finish(parts.iter().map(|&part| folder.start_add(part)).collect());
        folder.holds(&parts);
    }
}

/// Positions move up as entries are removed, so that each removal of the first ten takes those that are then the first.
#[test]
fn removals_and_merges_beside_additions_keep_all_others() {
    for kind in KINDS {
        let folder = Folder::new(kind);
        let (empty, other) = (folder.path("db.faiss"), folder.path("other.faiss"));
        let merged = Part { first: 9000, n: 100 };
        let (vectors, names) = folder.put(merged);
        fs::copy(&empty, &other).unwrap();
        let line =
            ["index", "add", "--index", text(&other), "--input", text(&vectors), "--names", text(&names)];
        done(&line);
        finish(vec![folder.start_add(Part { first: 0, n: 400 })]);
        let added: Vec<Part> = (0..5).map(|i| Part { first: 1000 + i * ROWS, n: ROWS }).collect();
        let mut running: Vec<Child> = added.iter().map(|&part| folder.start_add(part)).collect();
        running.extend([0, 10, 20, 30].map(|first| match kind {
            "Flat" => folder.start_remove("0..10"),
            _ => folder.start_remove(&format!("{first}..{}", first + 10)),
        }));
        running.push(start(&["index", "merge", "--index", text(&empty), text(&other)]));
        finish(running);
        let expected = [&added[..], &[merged, Part { first: 40, n: 360 }]].concat();
        folder.holds(&expected);
    }
}

/// Reads notes until the one about waiting; the run may write more of them while the result lives.
fn wait_for_note(running: &mut Child) -> Lines<BufReader<ChildStderr>> {
    let mut notes = BufReader::new(running.stderr.take().unwrap()).lines();
    let note = notes.find(|note| note.as_ref().unwrap().contains("waiting for another run"));
    assert!(note.is_some(), "it did not wait");
    notes
}

#[test]
fn every_verb_waits_for_the_file_that_it_replaces() {
    let folder = Folder::new("IVF4,Flat");
    finish(vec![folder.start_add(Part { first: 0, n: ROWS })]);
    let path = |name: &str| folder.path(name).display().to_string();
    let (index, vectors, out, rows) = (path("db.faiss"), path("0.npy"), path("out.faiss"), path("rows.npy"));
    let photo = sample("17_igloo.jpg");
    let verbs: [(&str, &[&str]); 6] = [
        (&index, &["index", "add", "--index", &index, "--input", &vectors]),
        (&index, &["index", "remove", "--index", &index, "--ids", "3"]),
        (&index, &["index", "merge", "--index", &index, &index]),
        (&out, &["index", "merge", "--index", &index, &index, "--out", &out]),
        (&out, &["index", "train", "--factory", "Flat", "--input", &vectors, "--out", &out, "--force"]),
        (&rows, &["describe", text(&photo), "--out", &rows]),
    ];
    for (file, arguments) in verbs {
        let before = fs::read(file).ok();
        let lock = WriteLock::acquire(Path::new(file), || panic!("{file} is locked")).unwrap();
        let mut running = start(arguments);
        let _notes = wait_for_note(&mut running);
        sleep(Duration::from_millis(50));
        assert!(running.try_wait().unwrap().is_none(), "{arguments:?}");
        assert!(fs::read(file).ok() == before, "{arguments:?}");
        drop(lock);
        assert_eq!(running.wait().unwrap().code(), Some(0), "{arguments:?}");
        assert!(fs::read(file).ok() != before, "{arguments:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_and_its_file_are_one_index() {
    let folder = Folder::new("Flat");
    let (index, link) = (folder.path("db.faiss"), folder.path("current.faiss"));
    std::os::unix::fs::symlink("db.faiss", &link).unwrap();
    let (vectors, _) = folder.put(Part { first: 0, n: ROWS });
    let lock = WriteLock::acquire(&index, || panic!("it is locked")).unwrap();
    let mut running = start(&["index", "add", "--index", text(&link), "--input", text(&vectors)]);
    let _notes = wait_for_note(&mut running);
    drop(lock);
    assert_eq!(running.wait().unwrap().code(), Some(0));
    assert_eq!(done(&["index", "info", text(&index)])["ntotal"], ROWS);
}

/// The system releases the lock of a run that was killed; what it left beside the index locks nobody out.
#[test]
fn a_killed_writer_locks_nobody_out() {
    let folder = Folder::new("Flat");
    let lock = folder.path(".active-index-db.faiss.lock");
    let mut killed = folder.start_add(Part { first: 0, n: 100_000 });
    while !lock.exists() && killed.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(1));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let before = done(&["index", "info", text(&folder.path("db.faiss"))])["ntotal"].as_u64().unwrap();
    let output = folder.start_add(Part { first: 0, n: ROWS }).wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{output:?}");
    let after = done(&["index", "info", text(&folder.path("db.faiss"))]);
    assert_eq!(after["ntotal"], before + ROWS as u64);
    assert!(!lock.exists() || cfg!(not(unix)));
}

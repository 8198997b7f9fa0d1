//! Lists of files on stdin, in the place of files that are named.

use std::fs::{self, File};

use serde_json::Value;

use super::{Work, all, document, messages};
use crate::fixtures::npy_at;

/// Two folders with a photograph of the same name, and one with a name that begins with a dash.
fn photos() -> Work {
    let work = Work::new();
    work.photo("17_igloo.jpg", "photos/1/a b.jpg");
    work.photo("14_moose.jpg", "photos/2/a b.jpg");
    work.photo("02_coffee.jpg", "photos/-x.jpg");
    work
}

#[test]
fn a_list_is_described_as_if_its_files_were_named() {
    let work = photos();
    let named = work.json("describe photos/1 photos/2 --out named.npy", 0);
    let wanted = fs::read(work.path("named.npy")).unwrap();
    let lists: [&[u8]; 7] = [
        b"photos/1/a b.jpg\nphotos/2/a b.jpg\n",
        b"photos/1/a b.jpg\n\n\nphotos/2/a b.jpg",
        b"photos/1/a b.jpg\r\nphotos/2/a b.jpg\r\n",
        b"photos/1/a b.jpg\0photos/2/a b.jpg\0",
        b"photos/1/a b.jpg\0\0photos/2/a b.jpg",
        b"\xEF\xBB\xBFphotos/1\nphotos/2",
        b"photos/1/a b.jpg\nphotos/1/a b.jpg\n./photos/1/a b.jpg\n./photos/2\nphotos/2/a b.jpg\n",
    ];
    for list in lists {
        let shown = list.escape_ascii();
        let listed = document(&work.run_on("describe - --out listed.npy --json", list), 0);
        let paths = |document: &Value| -> Vec<String> {
            let paths = all(document, "images", "input");
            paths.into_iter().map(|path| path.trim_start_matches("./").to_owned()).collect()
        };
        assert_eq!(paths(&listed), paths(&named), "{shown}");
        assert!(fs::read(work.path("listed.npy")).unwrap() == wanted, "{shown}");
    }
}

/// Paths are not text: they hold what their file system allows.
#[cfg(unix)]
#[test]
fn paths_of_a_list_are_taken_byte_for_byte() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let work = photos();
    let names: [&[u8]; 6] = [b"caf\xE9.jpg", b" a\tb\n.jpg ", b"Icon\r", b"-", b"~", b"\xE4\xBD\xA0.jpg"];
    for name in names {
        fs::copy(work.path("photos/-x.jpg"), work.path(OsStr::from_bytes(name))).unwrap();
    }
    let list = names.join(&b"\0"[..]);
    let all = document(&work.run_on("describe - --out all.npy --json", &list), 0);
    assert_eq!(all["images"].as_array().unwrap().len(), names.len());
    let rows = npy_at(&work.path("all.npy")).unwrap();
    assert_eq!(rows.shape[0], names.len(), "a row for each");
    let lines = [b"-x.jpg".as_slice(), b"Icon\r", b"-", b"caf\xE9.jpg"].join(&b"\n"[..]);
    fs::copy(work.path("photos/-x.jpg"), work.path("-x.jpg")).unwrap();
    let lines = document(&work.run_on("describe - --out lines.npy --json", &lines), 0);
    assert_eq!(lines["images"].as_array().unwrap().len(), 4);
    // Outside a list, a dash is one.
    let named = work.json("describe ./- ./-x.jpg", 2);
    let error = "the following required arguments were not provided: --out <FILE.npy>";
    assert_eq!(named, serde_json::json!({ "schema": 1, "error": error }));
    let named = document(&work.run("describe --json --out named.npy ./- ./-x.jpg"), 0);
    assert_eq!(super::all(&named, "images", "input"), ["./-", "./-x.jpg"]);
}

#[test]
fn a_list_may_stand_beside_other_inputs_and_hold_files_that_fail() {
    let work = photos();
    let output =
        work.run_on("describe photos/2 - --out a.npy --json", b"gone.jpg\nphotos/-x.jpg\nphotos/2\n");
    let found = document(&output, 1);
    assert_eq!(all(&found, "images", "input"), ["photos/2/a b.jpg", "gone.jpg", "photos/-x.jpg"]);
    assert_eq!(all(&found, "images", "error"), ["No such file or directory (os error 2)"]);
    assert_eq!(messages(&output), "gone.jpg: No such file or directory (os error 2)\n");
}

#[test]
fn every_verb_that_reads_images_takes_a_list() {
    let work = photos();
    work.index("photos");
    let list = b"photos/1/a b.jpg\nphotos/2/a b.jpg\n";
    let found = document(&work.run_on("search - --index db.faiss -k 1 --json", list), 0);
    let best: Vec<&str> = found["queries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|query| query["results"][0]["name"].as_str().unwrap())
        .collect();
    assert_eq!(best, ["photos/1/a b.jpg", "photos/2/a b.jpg"]);

    // Released files are apart, below the folder that holds all of the list.
    let line = "activate - --index codes.faiss --out released --fast --iterations 1 --json";
    let released = document(&work.run_on(line, list), 0);
    assert_eq!(all(&released, "images", "output"), ["released/1/a b.png", "released/2/a b.png"]);
    assert!(work.path("released/2/a b.png").is_file());

    let line = "eval retrieval --images - --index db.faiss --released released --transforms none --json";
    let measured = document(&work.run_on(line, list), 0);
    assert_eq!((&measured["images"], &measured["mean"]["passive"]["r1"]), (&2.into(), &1.0.into()));
    let line =
        "eval copy-detection --images photos/1 --distractors - --index db.faiss --transforms none --json";
    let detected = document(&work.run_on(line, b"photos/-x.jpg"), 0);
    assert_eq!((&detected["images"], &detected["distractors"]), (&2.into(), &1.into()));
    let line =
        "advise --images - --index codes.faiss --sample 1 --transforms none --fast --iterations 1 --json";
    assert_eq!(document(&work.run_on(line, list), 0)["images"], 1);
}

#[test]
fn what_is_no_list_is_said() {
    let work = photos();
    let says = |line: &str, list: &[u8], message: &str| {
        let output = work.run_on(line, list);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert_eq!(messages(&output), format!("error: {message}\n"));
    };
    let photo = fs::read(work.path("photos/-x.jpg")).unwrap();
    says("describe - --out a.npy", b"", "no images in the list on stdin");
    says("describe - --out a.npy", b"\r\n\r\n", "no images in the list on stdin");
    says("activate - --out a", b"", "no images in the list on stdin");
    says(
        "describe - --out a.npy",
        &photo,
        "the list of files on stdin: expected paths, found an image: name the file",
    );
    says("describe - photos - --out a.npy", b"", "`-` is given twice, but stdin holds one list");
    says(
        "transform meme - --out a.png",
        b"photos/-x.jpg",
        "`-` stands for a list of files, but one image is edited: name it, or name a file called - as ./-",
    );
    let utf16 = b"\xFF\xFEa\0.\0j\0p\0g\0";
    says("describe - --out a.npy", utf16, "the list of files on stdin: is UTF-16 text: write it as UTF-8");
    let closed = work.run("describe - --out a.npy");
    assert_eq!(messages(&closed), "error: no images in the list on stdin\n");
    assert!(!work.path("a.npy").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_is_no_list() {
    let work = photos();
    let terminal = File::options().read(true).write(true).open("/dev/ptmx").unwrap();
    let output = work.program("describe - --out a.npy").stdin(terminal).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = "error: `-` reads a list of files from stdin, which is a terminal: pipe the list in, or name a file called - as ./-\n";
    assert_eq!(messages(&output), message);
}

//! Folders as systems, storage devices and programs leave them. `tests/folders/make_folders.py` made the picture of two
//! pictures, and what Pillow sees of it.
#![cfg(unix)]

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
        process::CommandExt,
    },
    process::{Command, Stdio},
};

use image_file::{Pixels, Reader};

use super::{Work, all, document, last_line, messages, name};
use crate::{
    command_line::{sample, text},
    fixtures::root,
};

/// Files and folders that are passed over in [`strange`]: 8 by their names, 6 by their content or kind.
const SKIPPED: usize = 14;

/// A folder with four photographs under strange names, and much that is none.
fn strange(work: &Work) {
    for name in ["photos/a.jpg_large", "photos/sub/no ending", "photos/c.dat", "photos/d.MPO"] {
        work.photo("17_igloo.jpg", name);
    }
    for name in ["._a.jpg", "@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg", "__MACOSX/a.jpg", "Thumbs.db"] {
        work.photo("17_igloo.jpg", format!("photos/{name}"));
    }
    for name in [".DS_Store", "sub/desktop.ini", "#recycle/old.jpg", "sub/.syncthing.a.jpg.tmp"] {
        work.photo("17_igloo.jpg", format!("photos/{name}"));
    }
    for name in ["notes.txt", "a.xmp", "a.mov", "sub/empty"] {
        let film: &[u8] = b"\0\0\0\x14ftypqt  \0\0\0\0qt  ";
        let content: &[u8] = if name.ends_with("mov") {
            film
        } else if name.ends_with("empty") {
            b""
        } else {
            b"BM text"
        };
        work.write(format!("photos/{name}"), content);
    }
    let pipe = Command::new("mkfifo").arg(work.path("photos/pipe.jpg")).status().unwrap();
    assert!(pipe.success());
    UnixListener::bind(work.path("photos/socket")).unwrap();
}

#[test]
fn images_are_told_by_content_and_the_rest_is_counted() {
    let work = Work::new();
    strange(&work);
    let found = work.json("describe photos --out a.npy", 0);
    let images = ["photos/a.jpg_large", "photos/c.dat", "photos/d.MPO", "photos/sub/no ending"];
    assert_eq!(all(&found, "images", "input"), images);
    assert_eq!(found["skipped"], SKIPPED, "{found}");
    assert_eq!(found["unreadable"], serde_json::Value::Null);
    let output = work.run("describe photos --out a.npy");
    assert_eq!(
        (last_line(&output), messages(&output)),
        (format!("{SKIPPED} other files skipped"), String::new())
    );
    let output = work.run("describe photos/a.jpg_large --out a.npy");
    assert!(last_line(&output).contains("a.npy"), "nothing skipped, nothing said");
    let verbose = messages(&work.run("describe photos --out a.npy -v"));
    assert_eq!(verbose.matches(": skipped\n").count(), SKIPPED, "{verbose}");
}

#[test]
fn every_verb_counts_what_it_skips() {
    let work = Work::new();
    strange(&work);
    work.index("photos/sub");
    let counts = |line: &str, end: &str| {
        let output = work.run(line);
        let last = last_line(&output);
        assert!(
            last.ends_with(&format!("{end}{SKIPPED} other files skipped")),
            "{last} {}",
            messages(&output)
        );
        assert_eq!(work.json(line, 0)["skipped"], SKIPPED, "{line}");
    };
    counts("search photos --index db.faiss", "; ");
    counts("activate photos --index codes.faiss --out released --fast --iterations 1", "; ");
    counts("eval retrieval --images photos --index db.faiss --transforms none", "; ");
    let detect =
        "eval copy-detection --images photos/sub/no\u{a0}ending --distractors photos --index db.faiss";
    assert_eq!(work.run(detect).status.code(), Some(2), "is among both");
    work.photo("14_moose.jpg", "one/moose.jpg");
    counts("eval copy-detection --images one --distractors photos --index db.faiss --transforms none", "; ");
    counts(
        "advise --images photos --index codes.faiss --sample 1 --transforms none --fast --iterations 1",
        "",
    );
}

#[test]
fn an_empty_folder_says_what_it_holds_instead() {
    let work = Work::new();
    fs::create_dir(work.path("photos")).unwrap();
    let says = |message: &str| {
        let output = work.run("describe photos --out a.npy");
        assert_eq!((output.status.code(), messages(&output)), (Some(2), format!("error: {message}\n")));
    };
    says("no images in photos");
    work.write("photos/notes.txt", b"text");
    says("no images in photos; 1 other file skipped");
    work.write("photos/.DS_Store", b"");
    says("no images in photos; 2 other files skipped");
}

/// Links of `git annex add`, in a tree whose store is below the folder that is named.
#[test]
fn links_into_a_store_keep_their_own_names() {
    let work = Work::new();
    let objects = ["17_igloo.jpg", "14_moose.jpg"].map(|photo| {
        let object = format!(".git/annex/objects/Vf/3K/SHA256E-s1--{photo}/SHA256E-s1--{photo}");
        work.photo(photo, format!("photos/{object}"));
        object
    });
    fs::create_dir(work.path("photos/sub")).unwrap();
    let link = |name: &str, target: String| symlink(target, work.path("photos").join(name)).unwrap();
    link("a.jpg", objects[0].clone());
    link("copy of a.jpg", objects[0].clone());
    link("b.jpg", objects[1].clone());
    link("sub/b.jpg", format!("../{}", objects[1]));
    work.index("photos");
    let names = fs::read_to_string(work.path("db.faiss.names.tsv")).unwrap();
    let lines = ["0\tphotos/a.jpg", "1\tphotos/b.jpg", "2\tphotos/copy of a.jpg", "3\tphotos/sub/b.jpg"];
    assert_eq!(names.lines().skip(1).collect::<Vec<_>>(), lines);
    // The content of this one was dropped here.
    link("c.jpg", ".git/annex/objects/00/11/SHA256E-s1--c.jpg".to_owned());
    let output = work.run("search photos --index db.faiss --json");
    let found = document(&output, 1);
    assert_eq!(all(&found, "queries", "query").len(), 5);
    let reason = "links to .git/annex/objects/00/11/SHA256E-s1--c.jpg, which does not exist";
    assert_eq!(messages(&output), format!("photos/c.jpg: {reason}\n"));
}

#[test]
fn linked_folders_are_followed_once() {
    let work = Work::new();
    work.photo("17_igloo.jpg", "photos/2024/a.jpg");
    work.photo("14_moose.jpg", "elsewhere/b.jpg");
    let link = |name: &str, target: &str| symlink(target, work.path(name)).unwrap();
    link("photos/best", "2024");
    link("photos/album", "../elsewhere");
    link("photos/the same album", "../elsewhere");
    link("photos/2024/up", "..");
    link("elsewhere/back", "../photos");
    let paths = ["photos/2024/a.jpg", "photos/album/b.jpg"];
    assert_eq!(all(&work.json("describe photos --out a.npy", 0), "images", "input"), paths);
    let paths = ["photos/album/b.jpg", "photos/2024/a.jpg"];
    let named = work.json("describe photos/album photos photos --out a.npy", 0);
    assert_eq!(all(&named, "images", "input"), paths, "the first name counts");
}

#[test]
fn folders_that_cannot_be_read_are_named() {
    let work = Work::new();
    work.photo("17_igloo.jpg", "photos/a.jpg");
    work.photo("17_igloo.jpg", "photos/private/b.jpg");
    for (path, mode) in [("photos/private", 0), ("", 0o777)] {
        fs::set_permissions(work.path(path), Permissions::from_mode(mode)).unwrap();
    }
    for (line, body) in [
        ("describe photos --out a.npy", "images"),
        ("search photos --index db.faiss", "queries"),
        ("activate photos --index codes.faiss --out released --fast --iterations 1", "images"),
        ("eval retrieval --images photos --index db.faiss --transforms none", "transforms"),
    ] {
        if !work.path("db.faiss").exists() {
            work.index("photos/a.jpg");
        }
        let mut program = work.program(line);
        program.arg("--json").stdin(Stdio::null());
        if fs::read_dir(work.path("photos/private")).is_ok() {
            // The superuser may read everything: somebody else runs the program.
            program.uid(65534);
        }
        let output = program.output().unwrap();
        let found = document(&output, 1);
        let error = "cannot be read: Permission denied (os error 13)";
        assert_eq!(messages(&output), format!("photos/private: {error}\n"), "{line}");
        assert_eq!(found["unreadable"], serde_json::json!([{ "folder": "photos/private", "error": error }]));
        assert_eq!(found[body].as_array().map(Vec::len), Some(1), "{found}");
    }
    fs::set_permissions(work.path("photos/private"), Permissions::from_mode(0o700)).unwrap();
}

/// Pillow's pixels of frame 0. Both decoders round in their own way, by one level each.
#[test]
fn a_file_of_two_pictures_is_its_first() {
    let folder = root().join("tests/folders");
    let read = |name: &str| Reader::default().open(&folder.join(name)).unwrap();
    let (stereo, expected) = (read("stereo.mpo"), read("stereo.png"));
    assert_eq!(stereo.notes, ["holds 2 pictures, of which the first is read"]);
    let (Pixels::Eight(found), Pixels::Eight(expected)) = (stereo.pixels, expected.pixels) else {
        panic!("8 bits are expected")
    };
    assert_eq!(found.dimensions(), expected.dimensions());
    let largest = found.iter().zip(expected.iter()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(largest <= Some(2), "{largest:?}");
    let work = Work::new();
    fs::copy(folder.join("stereo.mpo"), work.path("DSCF0001.MPO")).unwrap();
    let output = work.run(&format!("describe . {} --out a.npy --json", text(&sample("17_igloo.jpg"))));
    assert_eq!(messages(&output), "./DSCF0001.MPO: note: holds 2 pictures, of which the first is read\n");
    let images = document(&output, 0);
    let inputs = all(&images, "images", "input");
    assert_eq!(
        inputs.iter().map(|input| name(input.as_ref())).collect::<Vec<_>>(),
        ["DSCF0001.MPO", "17_igloo.jpg"]
    );
}

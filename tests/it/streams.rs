//! The program with streams that nobody reads, or that are full.
#![cfg(unix)]

use std::{
    fs::{self, File},
    io,
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::{
    command_line::{broken_folder, json, sample, text},
    fixtures::{golden, program, root},
};

/// The write end of a pipe whose read end is closed, as of `| head -1` that has ended.
pub fn closed() -> Stdio {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A stream on a disk without space.
fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

/// The verb `describe` with a tiny network.
fn describe(input: &Path, out: &Path) -> Command {
    let mut describe = program();
    let weights = golden().join("extractors/sscd.classy.pt");
    describe.args(["describe", text(input), "--out", text(out), "--json", "--weights", text(&weights)]);
    describe
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

/// The run whose messages arrive says what the others have to write.
#[test]
fn messages_that_cannot_be_written_end_no_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("photos")).unwrap();
    broken_folder(&path("photos"));
    let heard = describe(&path("photos"), &path("heard.npy")).output().unwrap();
    assert_eq!(code(&heard), Some(1));
    assert_eq!(String::from_utf8_lossy(&heard.stderr).lines().count(), 5);
    let wanted = fs::read(path("heard.npy")).unwrap();
    let out = path("unheard.npy");
    for (stderr, what) in [(closed(), "closed"), (full(), "full")] {
        let unheard = describe(&path("photos"), &out).stderr(stderr).output().unwrap();
        assert_eq!(code(&unheard), Some(1), "{what}");
        assert_eq!(json(&unheard)["images"], json(&heard)["images"], "{what}");
        assert!(fs::read(&out).unwrap() == wanted, "{what}");
        fs::remove_file(&out).unwrap();
    }
    let nowhere = path("nowhere.faiss");
    let info = ["index", "info", text(&nowhere)];
    assert_eq!(program().args(info).stderr(closed()).status().unwrap().code(), Some(2));
    let misspelt = program().args(["describe", "--wrong"]).stderr(closed()).output().unwrap();
    assert_eq!(code(&misspelt), Some(2), "an error of the command line");
}

#[test]
fn exit_codes_are_those_of_the_work_if_stdout_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("photos")).unwrap();
    broken_folder(&path("photos"));
    let photo = sample("17_igloo.jpg");
    for (input, wanted) in [(&path("photos"), 1), (&photo, 0)] {
        let unread = describe(input, &path("a.npy")).stdout(closed()).output().unwrap();
        assert_eq!(code(&unread), Some(wanted), "{}", input.display());
        assert!(path("a.npy").exists());
    }
    let both = describe(&path("photos"), &path("a.npy")).stdout(closed()).stderr(closed()).status().unwrap();
    assert_eq!(both.code(), Some(1));
    let index = root().join("weights/default.faiss");
    let copy = path("copy.faiss");
    fs::copy(&index, &copy).unwrap();
    let remove = ["index", "remove", "--index", text(&copy), "--ids", "9000000000000000000"];
    assert_eq!(program().args(remove).stdout(closed()).status().unwrap().code(), Some(1));
    let nowhere = path("nowhere.faiss");
    let info = ["index", "info", text(&nowhere), "--json"];
    assert_eq!(program().args(info).stdout(closed()).status().unwrap().code(), Some(2));
}

/// Unlike a closed stdout, which was closed by the reader, a full one loses what the user asked for.
#[test]
fn a_result_that_finds_no_space_is_an_error() {
    let index = root().join("weights/default.faiss");
    let output = program().args(["index", "info", text(&index)]).stdout(full()).output().unwrap();
    assert_eq!(code(&output), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: cannot write to stdout: No space left"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

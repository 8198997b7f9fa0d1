//! The verb `transform`.

use crate::command_line::{json, run, sample, text};

/// Spelling of every edit that `--help` lists, with a number if the edit has one.
fn every_edit() -> Vec<String> {
    let help = run(&["transform", "--help"]);
    let help = String::from_utf8(help.stdout).unwrap().replace('\n', " ");
    let (_, edits) = help.split_once("Edits: ").unwrap();
    let (edits, _) = edits.split_once(" Example").unwrap();
    let number = |edit: &str| match edit.split('=').next() {
        Some("blur" | "jpeg") => "11",
        Some("perspective") => "0.05",
        _ => "0.5",
    };
    edits.split(',').map(|edit| edit.trim().replace("NUMBER", number(edit.trim()))).collect()
}

#[test]
fn every_edit_of_the_help_writes_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let edits = every_edit();
    assert!(edits.len() >= 25 && edits.contains(&"palette".to_owned()), "{edits:?}");
    for (i, edit) in edits.iter().enumerate() {
        let out = folder.path().join(format!("{i}.png"));
        let photo = sample("17_igloo.jpg");
        let output = run(&["transform", edit, text(&photo), "--out", text(&out), "--seed", "3", "--json"]);
        let document = json(&output);
        let (width, height) = image::image_dimensions(&out).unwrap();
        assert_eq!(document["transform"], edit.as_str());
        assert_eq!((&document["width"], &document["height"]), (&width.into(), &height.into()), "{edit}");
    }
}

#[test]
fn errors_say_what_to_write() {
    let photo = sample("17_igloo.jpg");
    let refused = |edit: &str, out: &str| {
        let output = run(&["transform", edit, text(&photo), "--out", out]);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(
        refused("sepia", "x.png").contains("unknown edit `sepia`, expected one of none, rotation=NUMBER")
    );
    assert!(refused("crop", "x.png").contains("write `crop=NUMBER`"));
    assert!(refused("crop=7", "x.png").contains("expected a share above 0 and at most 1, found `7`"));
    for out in ["picture", "picture.xyz", "picture.heic"] {
        let error = refused("hflip", out);
        assert!(error.contains(&format!("{out}: expected a name ending in .png")), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

//! The first steps of a new user, with the bundled quantiser and the real network.

use std::fs;

use crate::{
    command_line::{json, run, sample, text},
    fixtures::program,
};

#[test]
fn a_new_user_adds_finds_withdraws_restores_and_moves_a_collection() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let here = |line: &str| {
        let output = program().current_dir(folder.path()).args(line.split(' ')).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        output
    };
    fs::create_dir(path("photos")).unwrap();
    for name in ["17_igloo.jpg", "02_coffee.jpg", "06_dandelions.jpg"] {
        fs::copy(sample(name), path("photos").join(name)).unwrap();
    }
    here("collection create shop");
    here("collection add photos --collection shop --meta licence=CC0");
    let copy = path("copy.jpg");
    let edited = run(&["transform", "jpeg=40", text(&sample("02_coffee.jpg")), "--out", text(&copy)]);
    assert!(edited.status.success());

    let shown = String::from_utf8(here("find copy.jpg --collection shop --nprobe 16").stdout).unwrap();
    let first = shown.lines().find(|line| line.contains("copy.jpg")).unwrap();
    assert!(first.contains("02_coffee.jpg") && first.contains("licence=CC0"), "{shown}");
    assert!(shown.contains("1 query searched among 3 entries of shop in"), "{shown}");

    let names = |line: &str| {
        let document = json(&here(&format!("{line} --json")));
        let matches = document["queries"][0]["matches"].as_array().unwrap().clone();
        matches.iter().map(|found| found["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let find = "find copy.jpg --collection shop --nprobe 16";
    here("withdraw 02_coffee.jpg --collection shop");
    assert!(!names(find).contains(&"02_coffee.jpg".to_owned()));
    here("restore 02_coffee.jpg --collection shop");
    assert_eq!(names(find)[0], "02_coffee.jpg");

    fs::create_dir(path("elsewhere")).unwrap();
    fs::rename(path("shop"), path("elsewhere/moved")).unwrap();
    assert_eq!(names("find copy.jpg --collection elsewhere/moved --nprobe 16")[0], "02_coffee.jpg");
    here("collection check elsewhere/moved");
}

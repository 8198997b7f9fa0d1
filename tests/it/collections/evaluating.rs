//! `eval find`: lookups of edited copies and of unrelated images.

use std::fs;

use serde_json::Value;

use super::Folder;
use crate::command_line::json;

const LINE: &str =
    "eval find --images photos --collection shop --unrelated others --transforms none,hflip,jpeg=50";

/// A collection of three photographs, and two others.
fn folder() -> Folder {
    let folder = Folder::with_photos(5);
    fs::create_dir(folder.path("others")).unwrap();
    for other in [3, 4] {
        let name = format!("{other}.png");
        fs::rename(folder.path(&format!("photos/{name}")), folder.path(&format!("others/{name}"))).unwrap();
    }
    folder.done("collection add photos --collection shop");
    folder
}

/// Removes the keys that differ from run to run.
fn without_time(mut document: Value) -> Value {
    let keep = document.as_object_mut().unwrap();
    for key in ["seconds", "settings", "cost_verified", "cost_missed", "cost_unrelated", "transforms"] {
        keep.remove(key);
    }
    document
}

#[test]
fn lookups_are_counted_by_edit_and_by_kind() {
    let folder = folder();
    let document =
        folder.ends(&format!("{LINE} --csv lookups.csv --report page.html --nprobe 4 --looks 2"), 0);
    assert_eq!((&document["copies"], &document["unrelated"]), (&9.into(), &6.into()), "{document}");
    assert_eq!((&document["entries"], &document["images"]), (&3.into(), &5.into()));
    assert_eq!((&document["bounds"]["looks"], &document["bounds"]["nprobe"]), (&2.into(), &4.into()));
    let none = &document["transforms"][0];
    assert_eq!((&none["name"], &none["first"]["share"]), (&"none".into(), &1.0.into()), "{document}");
    assert_eq!(document["false_matches"]["lookups"], 6);
    let promises = document["promises"].as_array().unwrap();
    let seen: Vec<u64> = promises.iter().map(|kept| kept["count"].as_u64().unwrap()).collect();
    assert!(seen.is_sorted() && seen.iter().all(|count| *count <= 6), "{seen:?}");
    let csv = fs::read_to_string(folder.path("lookups.csv")).unwrap();
    let copies = csv.lines().skip(1).filter(|line| line.starts_with("photos/0.png,none,1,"));
    assert!(copies.clone().any(|line| line.contains(",1,0,1,") || line.contains(",1,1,1,")), "{csv}");
    let page = fs::read_to_string(folder.path("page.html")).unwrap();
    assert!(page.contains("Promises of E-values") && page.contains("hflip"));
    let text = folder.text(LINE);
    assert!(text.contains("9 copies of images and 6 unrelated lookups among 3 entries of shop"), "{text}");
    assert!(text.contains("false matches: ") && text.contains("unrelated lookups with a result up to E"));
}

#[test]
fn a_second_run_continues_the_first() {
    let folder = folder();
    let line = format!("{LINE} --resume known.state");
    let size = || fs::metadata(folder.path("known.state")).unwrap().len();
    let first = folder.ends(&line, 0);
    let whole = size();
    let milliseconds = |document: &Value| document["transforms"][0]["cost"]["milliseconds"].as_f64();
    assert!(milliseconds(&first).is_some_and(|mean| mean > 0.0), "{first}");
    let file = fs::OpenOptions::new().write(true).open(folder.path("known.state")).unwrap();
    file.set_len(whole / 2).unwrap();
    let second = folder.ends(&line, 0);
    assert!(milliseconds(&second).is_none(), "known descriptors take no time: {second}");
    assert!(without_time(first) == without_time(second), "the figures of both runs differ");
    assert_eq!(size(), whole);
    folder.ends(&format!("{line} --looks 1"), 0);
    assert_eq!(size(), whole, "one look of each picture was described before");
}

#[test]
fn released_images_are_looked_up_in_place_of_their_originals() {
    let folder = folder();
    fs::create_dir(folder.path("released")).unwrap();
    for name in ["0.png", "1.png"] {
        let photo = image::open(folder.path(&format!("photos/{name}"))).unwrap();
        photo.brighten(3).into_rgb8().save(folder.path(&format!("released/{name}"))).unwrap();
    }
    let line = "eval find --images photos --released released --collection shop --transforms none";
    let output = folder.run(&format!("{line} --json"));
    assert_eq!(output.status.code(), Some(1), "one photograph has no released image");
    let document = json(&output);
    assert_eq!((&document["copies"], &document["released"]), (&2.into(), &"released".into()), "{document}");
}

#[test]
fn images_must_be_inside_and_unrelated_ones_outside() {
    let folder = folder();
    let refused = |line: &str, reason: &str| {
        let output = folder.run(line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        assert!(stderr.lines().last().unwrap().contains(reason), "{line}: {stderr}");
    };
    let line = "eval find --collection shop --transforms none";
    refused(&format!("{line} --images photos --unrelated photos"), "an unrelated picture has none");
    refused(&format!("{line} --images others"), "none of the images can be looked up");
    fs::write(folder.path("related.csv"), "query_id,reference_id\n3,nobody.png\n").unwrap();
    refused(&format!("{line} --images photos --related related.csv"), "related.csv: ");
    fs::write(folder.path("notes.txt"), "hello").unwrap();
    refused(&format!("{line} --images photos --resume notes.txt"), "holds no descriptors");
}

#[test]
fn relatives_are_neither_right_nor_wrong() {
    let folder = folder();
    fs::copy(folder.path("photos/0.png"), folder.path("others/frame.png")).unwrap();
    let photo = image::open(folder.path("others/frame.png")).unwrap();
    photo.brighten(2).into_rgb8().save(folder.path("others/frame.png")).unwrap();
    let line = "eval find --images photos --collection shop --unrelated others --transforms none";
    let count = |document: &Value| document["promises"].as_array().unwrap().last().unwrap()["count"].clone();
    let before = folder.ends(line, 0);
    fs::write(folder.path("related.csv"), "query_id,reference_id\nframe,0.png\n").unwrap();
    let after = folder.ends(&format!("{line} --related related.csv"), 0);
    assert!(count(&after).as_u64() <= count(&before).as_u64());
    assert_eq!((&before["related_matches"], &after["related_matches"]), (&0.into(), &1.into()));
    // The small network finds most photographs alike, so that the frame may have another match, which is false.
    let falses = |document: &Value| document["false_matches"]["count"].as_u64().unwrap();
    assert!((falses(&before) - 1..=falses(&before)).contains(&falses(&after)));
}

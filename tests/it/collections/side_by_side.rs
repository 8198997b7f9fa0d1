//! Programs that add and find at once.

use std::process::{Child, Stdio};

use serde_json::Value;

use super::Folder;

/// Rows of each program that no other one adds.
const OWN: usize = 300;
/// Rows that all programs add.
const SHARED: usize = 100;
/// Matches for which all codes are compared: ten times as many.
const ALL: usize = (SHARED + 4 * OWN) / 10;

#[test]
fn eight_programs_add_and_find_at_once_and_store_everything_once() {
    let folder = Folder::with_rows();
    folder.collection().set_segment_entries(200).unwrap();
    folder.put_rows("shared", 0..SHARED);
    folder.done("collection add shared.npy --collection shop --meta first=yes");
    folder.done("collection create all --quantiser quantiser.faiss");
    for number in 0..4 {
        folder.put_rows(&format!("own{number}"), 1000 * (number + 1)..1000 * (number + 1) + OWN);
    }
    let start = |line: &str| -> Child {
        let mut command = folder.command(&format!("{line} --threads 1 --json"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let end = |child: Child| -> Value {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        crate::command_line::json(&output)
    };
    let adding = (0..4).flat_map(|number| {
        [
            format!("collection add own{number}.npy --collection shop"),
            "collection add shared.npy --collection all".to_owned(),
        ]
    });
    let adding: Vec<Child> = adding.map(|line| start(&line)).collect();
    for _ in 0..6 {
        let found = end(start(&format!("find shared.npy --collection shop --all -k {ALL} --nprobe 4")));
        for query in found["queries"].as_array().unwrap() {
            let name = format!("{}.jpg", query["query"].as_str().unwrap());
            assert_eq!(query["matches"][0]["name"], name, "what was there is found while others write");
        }
    }
    let added: u64 = adding.into_iter().map(|child| end(child)["added"].as_u64().unwrap()).sum();
    assert_eq!(added, (4 * OWN + SHARED) as u64);
    assert_eq!(folder.done("collection info shop")["entries"], SHARED + 4 * OWN);
    assert_eq!(folder.done("collection info all")["entries"], SHARED, "stored once, by whichever was first");
    for number in 0..4 {
        let found = folder.done(&format!("find own{number}.npy --collection shop --all -k {ALL} --nprobe 4"));
        for (row, query) in found["queries"].as_array().unwrap().iter().enumerate() {
            assert_eq!(query["matches"][0]["name"], format!("{}.jpg", 1000 * (number + 1) + row));
        }
    }
    for collection in ["shop", "all"] {
        folder.done(&format!("collection check {collection}"));
    }
}

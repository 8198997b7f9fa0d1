//! `collection import` of another collection: all of it, once, by a program that is killed and started again.

use std::{fs, process::Stdio, thread::sleep, time::Duration};

use burn::tensor::{Device, Tensor, TensorData};
use collection::{Collection, Digest, NewEntry};
use serde_json::{Value, json};

use super::{D, Folder, row};

/// Kind of the quantiser.
const KIND: &str = "IVF4,PQ4x4";
/// Rows of a collection whose import takes long enough to be killed: two blocks and more.
const MANY: usize = 40_000;

impl Folder {
    /// Entries as `collection list` shows them.
    fn listed(&self, collection: &str) -> Value {
        self.done(&format!("collection list {collection}"))["entries"].clone()
    }

    /// Matches of rows, whatever the collection is called.
    fn matches(&self, collection: &str) -> Vec<Value> {
        let found = self.done(&format!("find rows.npy --collection {collection} -k 5 --nprobe 4 --all"));
        found["queries"].as_array().unwrap().iter().map(|query| query["matches"].clone()).collect()
    }

    /// Checks that two collections show the same.
    fn require_equal(&self, one: &str, other: &str) {
        self.require_equal_entries(one, other);
        assert_eq!(self.matches(one), self.matches(other));
    }

    /// Checks that two collections have the same entries, and are sound.
    fn require_equal_entries(&self, one: &str, other: &str) {
        assert!(self.listed(one) == self.listed(other), "{one} and {other} differ");
        let kept = |collection: &str| {
            let info = self.done(&format!("collection info {collection}"));
            let keys = [
                "entries",
                "withdrawn",
                "dropped",
                "fingerprint",
                "factory",
                "extractor",
                "calibration",
                "witness",
            ];
            keys.map(|key| info[key].clone())
        };
        assert_eq!(kept(one), kept(other));
        for collection in [one, other] {
            assert_eq!(self.done(&format!("collection check {collection}"))["findings"], json!([]));
        }
    }
}

/// A folder with a collection `shop` of 60 rows, of which one is dropped and one withdrawn, for a kind of quantiser.
fn with_entries(kind: &str) -> Folder {
    let folder = Folder::empty();
    folder.train_as(kind, "quantiser.faiss", D);
    folder.done("collection create shop --quantiser quantiser.faiss");
    folder.put_rows("rows", 0..60);
    folder.done("collection add rows.npy --collection shop --meta licence=CC0");
    folder.done("withdraw 7.jpg --collection shop");
    folder.done("collection compact shop");
    folder.done("withdraw 9.jpg --collection shop");
    folder.done("collection calibrate shop --entries 50");
    folder
}

#[test]
fn a_folder_is_taken_over_into_a_new_one_and_back() {
    let folder = with_entries(KIND);
    let imported = folder.done("collection import shop --collection deep/below/archive");
    let keys = ["added", "already", "withdrawn", "left", "new_ids", "reviews"];
    assert_eq!(
        keys.map(|key| imported[key].clone()),
        [60, 0, 0, 0, 0, 0].map(|count| json!(count)),
        "{imported}"
    );
    assert_eq!([&imported["from"], &imported["collection"]], ["shop", "deep/below/archive"]);
    folder.require_equal("shop", "deep/below/archive");
    folder.done("collection import deep/below/archive --collection again");
    folder.require_equal("shop", "again");

    // Again, it takes over what is new alone, and withdraws what is withdrawn.
    folder.put_rows("more", 60..80);
    folder.done("collection add more.npy --collection shop");
    folder.done("withdraw 11.jpg 12.jpg --collection shop");
    folder.done("restore 12.jpg --collection shop");
    let uri = format!("file://{}", folder.path("again").display());
    let imported = folder.done(&format!("collection import shop --collection {uri}"));
    assert_eq!(
        keys.map(|key| imported[key].clone()),
        [20, 60, 1, 0, 0, 0].map(|count| json!(count)),
        "{imported}"
    );
    folder.require_equal("shop", "again");
    let text = folder.text("collection import shop --collection again");
    assert!(text.contains("there already") && text.contains("80"), "{text}");
}

#[test]
fn two_collections_are_taken_over_into_one() {
    let folder = with_entries(KIND);
    folder.done("collection create press --quantiser quantiser.faiss");
    folder.put_rows("other", 100..130);
    folder.done("collection add other.npy --collection press");
    let output = folder.run("collection import press --collection shop --json");
    let (stderr, imported) = (String::from_utf8_lossy(&output.stderr), crate::command_line::json(&output));
    assert_eq!((&imported["added"], &imported["new_ids"]), (&json!(30), &json!(30)), "{stderr}");
    assert!(stderr.contains("30 ids were given already"), "{stderr}");
    assert_eq!(folder.done("collection import press --collection shop")["already"], 30);
    assert_eq!(folder.done("collection info shop")["entries"], 88);
    assert_eq!(folder.findings(), []);
}

#[test]
fn what_cannot_be_taken_over_is_told_in_one_line() {
    let folder = with_entries(KIND);
    folder.train("other.faiss", D);
    folder.done("collection create other --quantiser other.faiss");
    folder.refused("collection import shop --collection other", "other: has the quantiser IVF4,PQ4x4 (");
    folder.done("collection create plain --quantiser quantiser.faiss --witness none");
    folder.refused(
        "collection import shop --collection plain",
        "plain: has the witnesses none, and shop has keypoints",
    );
    folder.done("collection import plain --collection shop");
    folder.refused("collection import shop --collection ./shop", "is to be imported into itself");
    folder.refused("collection import nowhere --collection new", "nowhere: no collection");
    folder.refused(
        "collection import quantiser.faiss --collection new",
        "an index is imported with its --descriptors",
    );
    folder.refused(
        "collection import s3://bucket/db.faiss --descriptors rows.npy --collection new",
        "--descriptors is for an index in a file",
    );
    assert!(!folder.path("new").exists());
    assert_eq!(
        folder.run("collection import shop --names rows.names.tsv --collection new").status.code(),
        Some(2)
    );
}

/// A folder with a collection `shop` of many entries, for a kind of quantiser.
fn with_many(kind: &str) -> Folder {
    let folder = Folder::empty();
    folder.train_as(kind, "quantiser.faiss", D);
    folder.done("collection create shop --quantiser quantiser.faiss");
    let rows: Vec<f32> = (0..MANY).flat_map(row).collect();
    let entry = |(number, row): (usize, &[f32])| {
        NewEntry::added(format!("{number}.jpg"), Some(Digest::of_descriptor(row)))
    };
    let new: Vec<NewEntry> = rows.chunks_exact(D).enumerate().map(entry).collect();
    let rows = Tensor::from_data(TensorData::new(rows, [MANY, D]), &Device::flex());
    folder.collection().store(&new, rows).unwrap();
    folder
}

/// Kills imports into a new collection, each after a commit, and completes the last one.
fn kill_rounds(rounds: u64, kind: &str, archive: &str) {
    let folder = with_many(kind);
    let create = || folder.done(&format!("collection create {archive} --quantiser quantiser.faiss"));
    let live = || folder.done(&format!("collection info {archive}"))["entries"].as_u64().unwrap();
    let import = format!("collection import shop --collection {archive}");
    create();
    let (mut there, mut cut) = (0, 0);
    for round in 0..rounds {
        let mut command = folder.command(&import);
        let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while live() == there && running.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(2));
        }
        // 97 is coprime to 300.
        sleep(Duration::from_millis(97 * round % 300));
        running.kill().unwrap();
        let ended = running.wait().unwrap().success();
        let now = live();
        assert!(now >= there, "round {round}: {now} of {there} are left");
        assert_eq!(
            folder.done(&format!("collection check {archive}"))["findings"],
            json!([]),
            "round {round}"
        );
        cut += u64::from(!ended && now > there);
        there = now;
        if there == MANY as u64 {
            fs::remove_dir_all(folder.path(archive)).unwrap();
            create();
            there = 0;
        }
    }
    let imported = folder.done(&import);
    assert_eq!((&imported["added"], &imported["already"]), (&json!(MANY as u64 - there), &json!(there)));
    folder.require_equal_entries("shop", archive);
    assert!(cut > 0, "no kill was in the middle of an import");
}

#[test]
fn killed_imports_go_on_where_they_were() {
    kill_rounds(4, KIND, "archive");
}

#[test]
#[ignore = "slow: kills the program 100 times"]
fn a_hundred_killed_imports_go_on_where_they_were() {
    kill_rounds(100, KIND, "archive");
}

#[cfg(feature = "lance")]
#[test]
fn killed_imports_into_lance_go_on_where_they_were() {
    kill_rounds(3, "IVF4,PQ4x8", "archive.lance");
}

#[cfg(unix)]
#[test]
fn an_interrupted_import_keeps_what_is_done() {
    let folder = with_many(KIND);
    folder.done("collection create archive --quantiser quantiser.faiss");
    let mut command = folder.command("collection import shop --collection archive --json");
    let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let archive = Collection::open(&folder.path("archive"), &Device::flex()).unwrap();
    while archive.info().unwrap().live == 0 {
        sleep(Duration::from_millis(2));
    }
    std::process::Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    let output = running.wait_with_output().unwrap();
    let document = crate::command_line::json(&output);
    assert_eq!(output.status.code(), Some(130), "{document}");
    let count = |key: &str| document[key].as_u64().unwrap();
    assert_eq!(document["interrupted"], true, "{document}");
    assert_eq!(count("added"), archive.info().unwrap().live);
    assert_eq!(count("added") + count("left"), MANY as u64);
    let rest = folder.done("collection import shop --collection archive");
    assert_eq!((&rest["added"], &rest["already"]), (&document["left"], &document["added"]));
}

#[cfg(feature = "lance")]
#[test]
fn a_folder_grows_into_lance_and_back() {
    let folder = with_entries("IVF4,PQ4x8");
    folder.done("collection import shop --collection shop.lance");
    folder.require_equal("shop", "shop.lance");
    folder.done("collection import shop.lance --collection again");
    folder.require_equal("shop", "again");
    folder.put_rows("more", 60..80);
    folder.done("collection add more.npy --collection shop.lance");
    folder.done("withdraw 11.jpg --collection shop.lance");
    let imported = folder.done("collection import shop.lance --collection shop");
    assert_eq!((&imported["added"], &imported["withdrawn"]), (&json!(20), &json!(1)), "{imported}");
    folder.require_equal("shop", "shop.lance");
    assert_eq!(folder.done("collection import shop --collection shop.lance")["added"], 0);
}

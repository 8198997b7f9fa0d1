//! `collection create`, `add` and `info`.

use std::fs;

use serde_json::json;

use super::{Folder, weights};
use crate::command_line::broken_folder;

#[test]
fn an_empty_collection_is_described_and_no_folder_is_overwritten() {
    let folder = Folder::with_rows();
    let info = folder.done("collection info shop");
    let expected =
        json!({"schema": 1, "factory": "IVF4,PQ4x4", "d": 16, "entries": 0, "withdrawn": 0, "segments": 0});
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&info[key], value, "{key} of {info}");
    }
    assert_eq!(info["fingerprint"].as_str().unwrap().len(), 64);
    assert!(info["bytes"].as_u64().unwrap() > 0 && info["calibration"].is_null(), "{info}");
    assert!(folder.text("collection info shop").contains("IVF4,PQ4x4"));

    let bundled = folder.done("collection create new/bundled");
    assert_eq!((bundled["d"].as_u64(), bundled["entries"].as_u64()), (Some(512), Some(0)));
    assert!(bundled["extractor"]["weights"] == "sscd_disc_mixup", "{bundled}");
    folder.refused("collection create shop", "shop: exists already");
    folder.refused("collection create other --quantiser nothing.faiss", "nothing.faiss");
    folder.put_rows("rows", 0..300);
    folder.done("index train --factory Flat --input rows.npy --out flat.faiss");
    folder.refused("collection create other --quantiser flat.faiss", "needs an inverted file");
    assert!(!folder.path("other").exists());
    folder.refused("collection info photos", "photos: no collection");
}

#[test]
fn images_are_added_once_with_their_fields() {
    let folder = Folder::with_photos(5);
    fs::copy(folder.path("photos/3.png"), folder.path("photos/same.png")).unwrap();
    fs::write(folder.path("fields.csv"), "file,title\n0.png,First\nphotos/4.png,\"Last, of all\"\n").unwrap();
    let line = "collection add photos --collection shop --meta licence=CC0 --meta fields.csv";
    let added = folder.done(line);
    assert_eq!((added["added"].as_u64(), added["already"].as_u64()), (Some(5), Some(1)));
    let images = added["images"].as_array().unwrap();
    assert_eq!(images.len(), 6);
    assert_eq!(images[5]["status"], "already");
    assert_eq!((&images[3]["id"], &images[0]["status"]), (&images[5]["id"], &json!("added")));

    let listed = folder.done("collection list shop");
    let entries = listed["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 5);
    assert_eq!((&entries[0]["name"], &entries[0]["meta"]["title"]), (&json!("0.png"), &json!("First")));
    assert_eq!(entries[3]["meta"], json!({"licence": "CC0"}));
    assert_eq!(entries[0]["original"].as_str().unwrap().len(), 64);

    let again = folder.run(line);
    assert_eq!(again.status.code(), Some(0));
    let stderr = String::from_utf8(again.stderr).unwrap();
    assert_eq!(stderr.lines().count(), 1, "only another name is worth a note: {stderr}");
    assert!(stderr.contains("same.png: is entry 4 already, 3.png"), "{stderr}");
    assert_eq!(folder.done("collection info shop")["entries"], 5);
}

#[test]
fn broken_images_fail_alone_and_withdrawn_ones_are_told() {
    let folder = Folder::with_photos(1);
    broken_folder(&folder.path("photos"));
    let added = folder.ends("collection add photos --collection shop", 1);
    assert_eq!((added["added"].as_u64(), added["failed"].as_u64()), (Some(2), Some(5)), "{added}");
    assert_eq!(folder.collection().info().unwrap().live, 2);

    folder.done("withdraw 0.png --collection shop");
    let output = folder.run("collection add photos/0.png --collection shop");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("which is withdrawn; `active-index restore"), "{stderr}");
    assert_eq!(folder.collection().info().unwrap().withdrawn, 1);
}

#[test]
fn descriptors_are_added_once_under_the_names_beside_them() {
    let folder = Folder::with_rows();
    folder.put_rows("rows", 0..50);
    let added = folder.done("collection add rows.npy --collection shop --meta kind=row");
    assert_eq!((added["added"].as_u64(), added["already"].as_u64()), (Some(50), Some(0)));
    let ids = added["ids"].as_array().unwrap().clone();
    let found = folder.done("find rows.npy --collection shop -k 1 --nprobe 4");
    for (query, id) in found["queries"].as_array().unwrap().iter().zip(&ids) {
        let number = query["query"].as_str().unwrap();
        let nearest = &query["matches"][0];
        assert_eq!((&nearest["id"], &nearest["name"]), (id, &json!(format!("{number}.jpg"))));
        assert_eq!((&nearest["state"], &nearest["meta"]["kind"]), (&json!("live"), &json!("row")));
    }
    folder.put_rows("more", 40..60);
    let added = folder.done("collection add more.npy --collection shop");
    assert_eq!((added["added"].as_u64(), added["already"].as_u64()), (Some(10), Some(10)));
    assert_eq!(added["ids"][0], ids[40]);

    fs::remove_file(folder.path("rows.names.tsv")).unwrap();
    folder.done("collection create unnamed --quantiser quantiser.faiss");
    folder.done("collection add rows.npy --collection unnamed");
    assert_eq!(folder.done("collection list unnamed --limit 1")["entries"][0]["name"], "rows.npy:0");
}

#[test]
fn what_cannot_be_added_is_refused_in_one_line() {
    let folder = Folder::with_photos(1);
    folder.put_rows("rows", 0..4);
    folder.refused(
        "collection add rows.npy --collection shop",
        "rows.npy: dimension of the descriptors must be",
    );
    folder.refused("collection add rows.npy photos --collection shop", "one .npy file alone");
    folder.refused("collection add photos --collection shop --names rows.names.tsv", "--names");
    folder.refused("collection add photos --collection nowhere", "nowhere: no collection");
    folder.refused("collection add photos --collection shop --meta nothing", "neither a file nor key=value");
    folder.done("collection add photos --collection shop");
    let other = weights().with_file_name("isc.pth.tar");
    for line in ["collection add photos --collection shop", "find photos --collection shop"] {
        let mut command = crate::fixtures::program();
        let output = command.current_dir(folder.0.path()).args(line.split(' ')).arg("--weights").arg(&other);
        let output = output.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(
            stderr.contains("shop: holds descriptors of extractor") && stderr.contains("isc.pth.tar"),
            "{stderr}"
        );
    }
}

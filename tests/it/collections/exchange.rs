//! `collection export` and `import`: indexes and tables of other programs.

use std::fs;

use burn::tensor::Device;
use index::Index;
use serde_json::json;

use super::{Folder, names};

/// A folder with an index `db.faiss` of 60 rows under the ids 100 to 159.
fn with_index() -> Folder {
    let folder = Folder::empty();
    folder.put_rows("rows", 0..60);
    folder.train("db.faiss", super::D);
    let ids: Vec<u8> = (100..160_i64).flat_map(i64::to_le_bytes).collect();
    let header = format!("{:<117}\n", "{'descr': '<i8', 'fortran_order': False, 'shape': (60,), }");
    fs::write(folder.path("ids.npy"), [b"\x93NUMPY\x01\0\x76\0", header.as_bytes(), &ids].concat()).unwrap();
    folder.done("index add --index db.faiss --input rows.npy --names rows.names.tsv --ids ids.npy");
    folder
}

#[test]
fn an_index_is_taken_over_with_its_ids_and_names() {
    let folder = with_index();
    let import = "collection import db.faiss --descriptors rows.npy --collection shop";
    let imported = folder.done(import);
    assert_eq!((&imported["added"], &imported["renumbered"]), (&json!(60), &json!([])));
    let found = folder.done("find rows.npy --collection shop -k 1 --nprobe 4");
    for (number, query) in found["queries"].as_array().unwrap().iter().enumerate() {
        let nearest = &query["matches"][0];
        assert_eq!(
            (&nearest["id"], &nearest["name"]),
            (&json!(100 + number), &json!(format!("{number}.jpg")))
        );
    }
    assert_eq!(folder.done(import)["already"], 60);

    folder.done("index remove --index db.faiss --ids 103,159");
    let shorter = "collection import db.faiss --descriptors rows.npy --ids ids.npy --collection other";
    let imported = folder.done(shorter);
    assert_eq!((&imported["added"], &imported["left"]), (&json!(58), &json!(2)));
    folder.refused(
        "collection import db.faiss --descriptors rows.npy --collection third",
        "name the ids of the rows with --ids",
    );
    assert!(!folder.path("third").exists());
    assert_eq!(folder.findings(), []);
}

#[test]
fn ids_that_are_taken_are_told_and_wrong_rows_refused() {
    let folder = with_index();
    folder.done("collection create shop --quantiser db.faiss");
    folder.put_rows("other", 200..350);
    folder.done("collection add other.npy --collection shop");
    let output = folder.run("collection import db.faiss --descriptors rows.npy --collection shop --json");
    let (stderr, imported) = (String::from_utf8_lossy(&output.stderr), crate::command_line::json(&output));
    assert_eq!((output.status.code(), &imported["added"]), (Some(0), &json!(60)), "{stderr}");
    // The ids 1 to 150 are taken.
    assert_eq!(imported["renumbered"].as_array().unwrap().len(), 51);
    assert!(stderr.contains("51 ids were given already"), "{stderr}");
    assert_eq!(folder.done("collection info shop")["entries"], 210);

    folder.put_rows("wrong", 500..560);
    folder.refused(
        "collection import db.faiss --descriptors wrong.npy --collection new",
        "descriptors are in the cells that db.faiss has their ids in",
    );
    folder.refused("collection import db.faiss --descriptors db.npy --collection new", "db.npy");
    assert!(!folder.path("new").exists());
}

#[test]
fn live_entries_are_exported_as_an_index_with_names() {
    let folder = Folder::with_photos(6);
    folder.done("collection add photos --collection shop --meta licence=CC0");
    folder.done("withdraw 2.png --collection shop");
    let exported = folder.done("collection export shop --out db.faiss --entries entries.csv");
    let counts: Vec<u64> =
        exported["files"].as_array().unwrap().iter().map(|file| file["entries"].as_u64().unwrap()).collect();
    assert_eq!(counts, [5, 6]);
    let mut ids = Index::open(&folder.path("db.faiss"), &Device::flex()).unwrap().ids();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 4, 5, 6]);
    let searched = folder.done("search photos/4.png --index db.faiss -k 9 --nprobe 4");
    let results = searched["queries"][0]["results"].as_array().unwrap().iter();
    let mut found: Vec<&str> = results.map(|hit| hit["name"].as_str().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, ["0.png", "1.png", "3.png", "4.png", "5.png"]);
    assert!(folder.path("db.faiss.extractor.json").exists());
    let table = fs::read_to_string(folder.path("entries.csv")).unwrap();
    assert_eq!(table.lines().next(), Some("id,name,state,file,pending,added,original,meta"));
    let withdrawn = table.lines().nth(3).unwrap();
    assert!(withdrawn.starts_with("3,2.png,withdrawn,,false,"), "{withdrawn}");
    assert!(withdrawn.ends_with(r#","{""licence"":""CC0""}""#), "{withdrawn}");

    folder.refused("collection export shop --out db.faiss", "add --force to replace it");
    folder.done("collection export shop --out db.faiss --force");
    let own = "collection export shop --out shop/quantiser.faiss --force";
    folder.refused(own, "is an input, and would be replaced");
    let output = folder.run("collection export shop");
    assert_eq!(output.status.code(), Some(2));

    // What is exported can be imported again.
    folder.run("describe photos/0.png photos/1.png photos/3.png photos/4.png photos/5.png --out rows.npy");
    folder.done("collection import db.faiss --descriptors rows.npy --collection again");
    let found = folder.done("find photos --collection again -k 1 --nprobe 4");
    assert_eq!(names(&found)[4], ["4.png"]);
    assert_eq!(folder.findings(), []);
}

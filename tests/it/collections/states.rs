//! `withdraw`, `restore`, `collection list`, `check`, `index` and `compact`.

use std::fs;

use serde_json::json;

use super::{Folder, names};

fn states(folder: &Folder) -> Vec<String> {
    let listed = folder.done("collection list shop");
    let entries = listed["entries"].as_array().unwrap().iter();
    entries.map(|entry| entry["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn entries_are_withdrawn_and_restored_by_id_or_name_all_or_none() {
    let folder = Folder::with_rows();
    folder.put_rows("rows", 0..4);
    fs::write(folder.path("rows.names.tsv"), "row\tpath\n0\ta.jpg\n1\ttwice.jpg\n2\ttwice.jpg\n3\tb c.jpg\n")
        .unwrap();
    let ids = folder.done("collection add rows.npy --collection shop")["ids"].clone();
    let [first, second, third] = [0, 1, 2].map(|row| ids[row].as_i64().unwrap());

    folder.refused(
        "withdraw a.jpg twice.jpg --collection shop",
        &format!(
            "2 entries have the name \"twice.jpg\", with the ids {second}, {third}; nothing was changed"
        ),
    );
    folder.refused(
        "withdraw a.jpg missing.jpg --collection shop",
        "no entry has the id or name \"missing.jpg\"",
    );
    let output = folder.run("restore a.jpg x y --collection shop");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.lines().count() == 3 && stderr.contains("2 of 3 names were refused"), "{stderr}");
    assert_eq!(states(&folder), ["live"; 4]);

    let changed = folder.done(&format!("withdraw a.jpg {second} {first} --collection shop"));
    let expected = json!([
        {"id": first, "name": "a.jpg", "state": "withdrawn"},
        {"id": second, "name": "twice.jpg", "state": "withdrawn"}
    ]);
    assert_eq!(changed["entries"], expected);
    assert_eq!(states(&folder), ["withdrawn", "withdrawn", "live", "live"]);
    let found = folder.done("find rows.npy --collection shop --all --nprobe 4");
    assert!(names(&found).iter().all(|matches| matches.len() == 2 && !matches.contains(&"a.jpg")), "{found}");
    assert_eq!(found["entries"], 2);
    let withdrawn = folder.done("collection list shop --state withdrawn --limit 1");
    assert_eq!(withdrawn["entries"][0]["name"], "a.jpg");
    let rest = folder.done(&format!("collection list shop --state withdrawn --after {first}"));
    assert_eq!(rest["entries"].as_array().unwrap().len(), 1);

    folder.done("restore a.jpg --collection shop");
    assert_eq!(states(&folder), ["live", "withdrawn", "live", "live"]);
    assert!(folder.text("collection list shop").contains("4 entries of shop"));

    let compacted = folder.done("collection compact shop");
    assert_eq!((&compacted["before"]["withdrawn"], &compacted["after"]["segments"]), (&json!(1), &json!(1)));
    assert_eq!(states(&folder), ["live", "dropped", "live", "live"]);
    folder.refused(&format!("restore {second} --collection shop"), "dropped by a compaction");
    let info = folder.done("collection info shop");
    assert_eq!((&info["entries"], &info["dropped"], &info["segments"]), (&json!(3), &json!(1), &json!(1)));
}

#[test]
fn entries_are_indexed_at_once_and_whole_in_a_folder() {
    let folder = Folder::with_rows();
    folder.put_rows("rows", 0..60);
    folder.done("collection add rows.npy --collection shop");
    let found = || folder.done("find rows.npy --collection shop --all --nprobe 4")["queries"].clone();
    let before = found();
    let refused = "one machine keeps a collection in a folder, and indexes it whole";
    folder.refused("collection index shop --shard 1/4", refused);
    let indexed = folder.done("collection index shop");
    assert_eq!((&indexed["entries"], &indexed["waiting"]), (&json!(60), &json!([])));
    assert!(indexed.get("shard").is_none(), "{indexed}");
    let info = folder.done("collection info shop");
    assert_eq!((&info["segments"], &info["fresh"]), (&json!(1), &json!(0)));
    assert_eq!(found(), before);
    assert!(folder.text("collection index shop").starts_with("shop: 0 entries indexed in "));
    assert_eq!(folder.findings(), []);
}

#[test]
fn a_long_list_is_one_document_of_all_its_pages() {
    let folder = Folder::with_rows();
    assert_eq!(folder.done("collection list shop")["entries"], json!([]));
    assert!(folder.text("collection list shop").contains("no entry listed"));
    folder.put_rows("rows", 0..2500);
    folder.done("collection add rows.npy --collection shop");
    let listed = folder.done("collection list shop");
    let ids: Vec<i64> =
        listed["entries"].as_array().unwrap().iter().map(|entry| entry["id"].as_i64().unwrap()).collect();
    assert!(ids.len() == 2500 && ids.is_sorted());
    let limited = folder.done("collection list shop --limit 1001");
    assert_eq!(limited["entries"].as_array().unwrap().len(), 1001);
}

#[test]
fn a_check_names_every_damaged_file() {
    let folder = Folder::with_rows();
    folder.put_rows("rows", 0..200);
    folder.done("collection add rows.npy --collection shop");
    folder.done("collection compact shop");
    assert!(folder.text("collection check shop").contains("shop is sound: 200 entries"));
    assert_eq!(folder.done("collection check shop")["findings"], json!([]));
    let segments = fs::read_dir(folder.path("shop/segments")).unwrap().map(|file| file.unwrap().path());
    let files: Vec<_> = segments.filter(|path| path.extension().is_some_and(|end| end != "lock")).collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in
        files.into_iter().chain([folder.path("shop/quantiser.faiss"), folder.path("shop/catalogue.sqlite")])
    {
        let whole = fs::read(&file).unwrap();
        let mut bytes = whole.clone();
        // Other pages of the catalogue may be in no use.
        let name = bytes.windows(7).position(|window| window == b"100.jpg");
        let at = name.unwrap_or(bytes.len() / 2);
        bytes[at..at + 7].iter_mut().for_each(|byte| *byte ^= 0x55);
        fs::write(&file, bytes).unwrap();
        let output = folder.run("collection check shop");
        let stdout = String::from_utf8(output.stdout).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(
            output.status.code(),
            Some(1),
            "{name}: {stdout} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(stdout.lines().next().unwrap().contains(&format!("{name}: ")), "{stdout}");
        let document = folder.ends("collection check shop", 1);
        assert!(!document["findings"][0]["reason"].as_str().unwrap().is_empty(), "{document}");
        fs::write(&file, whole).unwrap();
    }
    assert_eq!(folder.done("collection check shop")["findings"], json!([]));
}

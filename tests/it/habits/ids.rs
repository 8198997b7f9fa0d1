//! Ids in every type of NumPy, as `tests/folders/make_folders.py` saves them.

use std::fs;

use super::Work;
use crate::{
    command_line::text,
    fixtures::{npy_at, root},
};

#[test]
fn ids_of_every_integer_type_are_added_and_removed() {
    let work = Work::new();
    let base = npy_at(&root().join("tests/golden/indexes/base.npy")).unwrap();
    let d = base.shape[1];
    let rows: Vec<f32> = base.values[..3 * d].iter().map(|&value| value as f32).collect();
    index::npy::write(&work.path("rows.npy"), &rows, d).unwrap();
    fs::copy(root().join("tests/golden/indexes/base.npy"), work.path("base.npy")).unwrap();
    work.json("index train --factory IVF2,Flat --input base.npy --out empty.faiss", 0);
    let kinds = [
        "int8",
        "uint8",
        "int16",
        "big_uint16",
        "int32",
        "big_int32",
        "uint32",
        "int64",
        "big_int64",
        "uint64",
    ];
    for kind in kinds {
        fs::copy(work.path("empty.faiss"), work.path("db.faiss")).unwrap();
        let ids = root().join(format!("tests/folders/ids_{kind}.npy"));
        let ids = text(&ids);
        work.json(&format!("index add --index db.faiss --input rows.npy --ids {ids}"), 0);
        let found = work.json("search rows.npy --index db.faiss -k 1 --nprobe 2", 0);
        let ids_found: Vec<i64> = found["queries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|query| query["results"][0]["id"].as_i64().unwrap())
            .collect();
        assert_eq!(ids_found, [7, 0, 9], "{kind}");
        let removed = work.json(&format!("index remove --index db.faiss --ids-file {ids}"), 0);
        assert_eq!((&removed["removed"], &removed["ntotal"]), (&3.into(), &0.into()), "{kind}");
    }
    let ids = root().join("tests/folders/ids_float64.npy");
    let refused =
        work.json(&format!("index add --index empty.faiss --input rows.npy --ids {}", text(&ids)), 2);
    let error = refused["error"].as_str().unwrap();
    assert!(
        error.ends_with("ids_float64.npy: expected an integer type such as int64, found float64"),
        "{error}"
    );
}

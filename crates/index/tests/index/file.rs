//! Writing and reading of files, including files written by faiss.

use std::{fs, path::Path};

use active_index_index::Index;
use burn::tensor::Device;

use crate::data::{KINDS, METRICS, bytes, empty, filled, from_bytes, under_metrics, vectors};

/// Files written by faiss, see `faiss/export.py`.
const FIXTURES: [&str; 8] = [
    "flat_l2.index",
    "flat_ip.index",
    "ivf_flat_l2.index",
    "ivf_flat_ip_sparse.index",
    "ivf_flat_array.index",
    "ivf_flat_hashtable.index",
    "ivf_pq_l2.index",
    "ivf_pq_ip_empty.index",
];

pub fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/index/faiss").join(name)).expect(name)
}

#[test]
fn files_of_faiss_round_trip_byte_for_byte() {
    for name in FIXTURES {
        let file = fixture(name);
        let index = from_bytes(&file).expect(name);
        assert!(bytes(&index) == file, "{name} changed");
    }
}

#[test]
fn direct_maps_are_extended_by_added_vectors() {
    let mut array = from_bytes(&fixture("ivf_flat_array.index")).expect("reads");
    assert_eq!(array.add(vectors(3, 5)).expect("adds"), 10..13);
    assert!(array.add_with_ids(vectors(1, 5), &[77]).is_err(), "an array cannot hold chosen ids");
    let mut table = from_bytes(&fixture("ivf_flat_hashtable.index")).expect("reads");
    table.add_with_ids(vectors(3, 5), &[1000, 1001, 1000]).expect("adds");
    for index in [array, table] {
        assert_eq!(from_bytes(&bytes(&index)).expect("its map is sound").ntotal(), 13);
    }
}

#[test]
fn every_kind_survives_a_round_trip() {
    for (kind, metric) in under_metrics(&KINDS) {
        for index in [empty(kind, metric), filled(kind, metric, 1), filled(kind, metric, 100)] {
            let file = bytes(&index);
            let read = from_bytes(&file).expect(kind);
            assert!(bytes(&read) == file, "{kind}");
            assert_eq!(format!("{read:?}"), format!("{index:?}"));
            let search = |index: &Index| index.search(vectors(5, 3), 4, 2).expect("searches");
            assert_eq!(search(&read), search(&index));
        }
    }
}

#[test]
fn a_file_is_replaced_atomically() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("an.index");
    let (first, second) = (filled("Flat", METRICS[0], 10), filled("IVF4,PQ2x8", METRICS[1], 50));
    first.write(&path).expect("writes");
    assert_eq!(fs::read(&path).expect("reads"), bytes(&first));
    second.write(&path).expect("replaces");
    assert_eq!(fs::read(&path).expect("reads"), bytes(&second));
    assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1, "no temporary file stays");
    let opened = Index::open(&path, &Device::flex()).expect("opens");
    assert_eq!(bytes(&opened), bytes(&second));
}

#[test]
fn errors_of_files_name_the_path() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("an.index");
    let message = || Index::open(&path, &Device::flex()).expect_err("fails").to_string();
    assert!(message().contains("an.index"));
    fs::write(&path, b"IxF2").expect("writes");
    assert!(message().ends_with("an.index: d: expected 4 more bytes, found 0"));
    let nowhere = folder.path().join("missing/an.index");
    let unwritten = filled("Flat", METRICS[0], 1).write(&nowhere).expect_err("no such folder");
    assert!(unwritten.to_string().contains("an.index"));
}

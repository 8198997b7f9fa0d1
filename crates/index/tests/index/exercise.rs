//! All operations of an index, for indexes from corrupt files.

use active_index_index::{Index, MergedIds, Target};
use burn::tensor::{Device, Tensor};

use crate::data::{bytes, from_bytes};

/// Runs every operation. Those that succeed must leave an index that can be written and read.
pub fn exercise(index: &Index) {
    reread(index);
    for value in [0.0, 1.0, -1e30] {
        ask(index, value);
    }
    change(index.clone());
    let mut merged = index.clone();
    if merged.merge(index.clone(), MergedIds::Behind).is_ok() {
        assert_eq!(merged.ntotal(), 2 * index.ntotal());
        reread(&merged);
    }
}

fn reread(index: &Index) {
    let file = bytes(index);
    assert!(
        bytes(&from_bytes(&file).expect("a written index can be read")) == file,
        "rewriting changes nothing"
    );
}

fn ask(index: &Index, value: f32) {
    let query = || vector(index.d(), value);
    let found = index.search(query(), 3, 2).map(|found| found.ids).unwrap_or_default();
    for radius in [value, f32::INFINITY, f32::NEG_INFINITY] {
        let _ = index.range_search(query(), radius, 2);
    }
    for id in found.into_iter().chain([0, 1, -1, i64::MIN, i64::MAX]) {
        assert!(index.reconstruct(id).map_or(true, |vector| vector.len() == index.d()));
    }
    let _ = index.cells(query());
    for target in [Target::Centroid, Target::Reconstruction] {
        let _ = index.target(query(), target);
    }
}

fn change(mut index: Index) {
    let found = index.search(vector(index.d(), 1.0), 2, 1).map(|found| found.ids).unwrap_or_default();
    let before = index.ntotal();
    let removed = index.remove(&found).unwrap_or(0);
    assert_eq!(index.ntotal(), before - removed);
    let _ = index.add_with_ids(vector(index.d(), 0.25), &[7]);
    let before = index.ntotal();
    if let Ok(ids) = index.add(vector(index.d(), 0.5)) {
        assert_eq!(ids.end - ids.start, 1);
        assert_eq!(index.ntotal(), before + 1);
    }
    reread(&index);
    let _ = index.search(vector(index.d(), 0.5), 3, 2);
}

fn vector(d: usize, value: f32) -> Tensor<2> {
    Tensor::full([1, d], value, &Device::flex())
}

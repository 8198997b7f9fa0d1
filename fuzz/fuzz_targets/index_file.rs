//! Any bytes as an index file: refused, or every operation of an index works on them.

#![no_main]

use burn::tensor::{Device, Tensor};
use index::{Error, Index, Target};
use libfuzzer_sys::fuzz_target;

/// Longer vectors slow the fuzzer and cover no more code.
const MAX_D: usize = 4096;

fuzz_target!(|bytes: &[u8]| {
    let Ok(index) = Index::from_bytes(bytes, &Device::flex()) else { return };
    if index.d() > MAX_D {
        return;
    }
    reread(&index);
    for value in [0.0, 1.0] {
        ask(&index, value);
    }
    change(index);
});

/// Asserts that a written index can be read and then writes the same bytes.
fn reread(index: &Index) {
    let bytes = written(index);
    let again = Index::from_bytes(&bytes, &Device::flex()).expect("what was written is read");
    assert_eq!(written(&again), bytes, "what was read is written as it was");
}

fn written(index: &Index) -> Vec<u8> {
    let mut bytes = Vec::new();
    index.write_to(&mut bytes).expect("memory takes every byte");
    bytes
}

/// Runs every query. Finite queries may overflow float32 in a transform: errors are valid answers.
fn ask(index: &Index, value: f32) {
    let query = || vector(index.d(), value);
    let found = index.search(query(), 3, 2).map(|found| found.ids).unwrap_or_default();
    let _: Result<_, Error> = index.range_search(query(), value, 2);
    let _: Result<_, Error> = index.cells(query());
    for id in found.into_iter().chain([0, 1, -1, i64::MAX]) {
        if let Ok(vector) = index.reconstruct(id) {
            assert_eq!(vector.len(), index.d());
        }
    }
    for target in [Target::Centroid, Target::Reconstruction] {
        let _: Result<_, Error> = index.target(query(), target);
    }
}

/// Adds and removes entries: refused, or the index can still be written and read.
fn change(mut index: Index) {
    let found = index.search(vector(index.d(), 1.0), 2, 1).map(|found| found.ids).unwrap_or_default();
    // A map from ids, the positions of RFlat, or ids at the end of their range may forbid either.
    let _: Result<_, Error> = index.remove(&found);
    let _: Result<_, Error> = index.add(vector(index.d(), 0.5));
    let _: Result<_, Error> = index.add_with_ids(vector(index.d(), 0.25), &[7]);
    reread(&index);
    let _: Result<_, Error> = index.search(vector(index.d(), 0.5), 3, 2);
}

/// One vector `[1, d]` of one value.
fn vector(d: usize, value: f32) -> Tensor<2> {
    Tensor::full([1, d], value, &Device::flex())
}

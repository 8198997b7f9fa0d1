//! Every field of every kind of file, truncated or set to hostile values, yields an error that names the
//! field or one it no longer agrees with, never a panic, and never an allocation beyond a few times the
//! file's size.

use std::{fs, path::Path};

use active_index_index::{Error, Index, faiss_kinds};
use burn::tensor::Device;

use crate::{
    allocation::largest_allocation,
    data::{KINDS, METRICS, bytes, filled, from_bytes, under_metrics, vectors},
    exercise::exercise,
    layout::{Field, fields, named, read_u64},
};

/// Vectors stored in each file.
const N: usize = 30;

/// Allowance in bytes for error messages and the device's bookkeeping.
const SMALL: usize = 64 << 10;

/// Name and file of every kind under every metric.
pub fn files() -> impl Iterator<Item = (String, Vec<u8>)> {
    let all = under_metrics(&KINDS);
    all.map(|(kind, metric)| (format!("{kind}, {metric}"), bytes(&filled(kind, metric, N))))
}

/// Copy of the file with one field set.
fn with(file: &[u8], field: &Field, value: &[u8]) -> Vec<u8> {
    let mut changed = file.to_vec();
    changed[field.at..field.at + field.size].copy_from_slice(value);
    changed
}

/// Reads bytes and checks that it takes no large allocation.
pub fn open_in_bounds(file: &[u8], what: &str) -> active_index_index::Result<Index> {
    let (largest, result) = largest_allocation(|| from_bytes(file));
    assert!(largest <= 2 * file.len() + SMALL, "{what} allocated {largest} bytes for {}", file.len());
    result
}

/// Reads hostile bytes, checks that they are refused, and returns the message.
fn refuse(file: &[u8], what: &str) -> String {
    match open_in_bounds(file, what) {
        Ok(index) => panic!("{what} was accepted: {index:?}"),
        Err(error) => error.to_string(),
    }
}

/// Opens a hostile file by mapping it and returns the message of the error.
fn refusal_of_a_mapped(file: &[u8], path: &Path) -> String {
    fs::write(path, file).expect("writes");
    match Index::open(path, &Device::flex()).expect_err("refused") {
        Error::File { source, .. } => source.to_string(),
        error => panic!("{error} names no file"),
    }
}

/// Words of which a message about a field must contain one: its name, or that of a field that no longer
/// agrees or is misread after a wrong count.
fn words(name: &'static str) -> Vec<&'static str> {
    let others: &[&str] = match name {
        "fourcc" => &["code_size", "flat", "metric_type"],
        "d" => &["flat vector count", "d of the", "dimension", "index", "header of the HNSW graph"],
        "ntotal" => &["flat vector", "code byte", "inverted list", "index", "HNSW levels"],
        "metric_type" => &[
            "metric_type of RaBitQ",
            "header of the HNSW graph",
            "refined index",
            "refining index",
            "index in a map",
        ],
        "nlist" => &["ntotal of the"],
        "direct map type" => {
            &["direct map", "by_residual", "code_size", "of the scalar quantiser", "d of RaBitQ"]
        }
        "direct map array count" => &["direct map array"],
        "assign_probas" | "cum_nneighbor_per_level" | "levels" | "offsets" | "neighbors" => {
            &["HNSW", "cum_nneighbor_per_level", "levels", "offsets", "neighbors"]
        }
        "qtype of the scalar quantiser" => &["code_size of the scalar quantiser", "count of ranges"],
        "nbits of the product quantiser" => &["codeword count"],
        "nbits of LSH" | "thresholds of LSH" => &[
            "LSH rotation",
            "LSH nbits",
            "LSH thresholds",
            "rotation fourcc of LSH",
            "of the rotation of LSH",
        ],
        "rotate_data" | "train_thresholds" => {
            &["LSH rotation", "LSH thresholds", "rotation of LSH", "of the transform", "the transform's bias"]
        }
        // A rotation that is present is read like any other transform.
        "have_bias"
        | "rotation of LSH"
        | "bias of the rotation of LSH"
        | "d_in of the rotation of LSH"
        | "d_out of the rotation of LSH"
        | "is_trained of the rotation of LSH" => &["rotation of LSH", "of the transform", "the transform's"],
        "matrix of the transform" | "bias of the transform" | "d_out of the transform" => {
            &["of the transform", "the transform's matrix", "d_out of the normalisation"]
        }
        "number of transforms" => &["transform fourcc"],
        "list type fourcc" => &["list sizes"],
        "size of an inverted list" => &["code bytes", "of an inverted list", "inverted list sizes"],
        "id count of an inverted list" => &["of an inverted list", "inverted list sizes"],
        _ => &[],
    };
    [&[name], others].concat()
}

#[test]
fn every_field_refuses_hostile_values() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("hostile.index");
    let mut wrong = Vec::new();
    for (kind, file) in files() {
        for field in fields(&file) {
            for hostile in &field.hostile {
                let what = format!("{kind}: {} at {} = {hostile:?}", field.name, field.at);
                let changed = with(&file, &field, hostile);
                let message = match open_in_bounds(&changed, &what) {
                    Ok(index) => {
                        wrong.push(format!("{what} was accepted: {index:?}"));
                        continue;
                    }
                    Err(error) => error.to_string(),
                };
                if !words(field.name).iter().any(|word| message.contains(word)) {
                    wrong.push(format!("{what} is not named by: {message}"));
                }
                assert_eq!(refusal_of_a_mapped(&changed, &path), message, "{what}, mapped");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Values that the reader ignores, or that matter only in use.
#[test]
fn every_field_tolerates_odd_values() {
    let mut wrong = Vec::new();
    for (kind, file) in files() {
        for field in fields(&file) {
            for odd in &field.odd {
                let what = format!("{kind}: {} at {} = {odd:?}", field.name, field.at);
                match open_in_bounds(&with(&file, &field, odd), &what) {
                    Ok(index) => exercise(&index),
                    Err(error) => wrong.push(format!("{what}: {error}")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_cut_is_an_error() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("cut.index");
    for (kind, file) in files() {
        let cuts =
            fields(&file).into_iter().flat_map(|field| [field.at, field.at + 1, field.at + field.size]);
        for cut in cuts.filter(|&cut| cut < file.len()) {
            let what = format!("{kind}: the first {cut} bytes");
            let message = refuse(&file[..cut], &what);
            assert!(message.contains("more bytes"), "{what}: {message}");
            // An empty file cannot be mapped.
            assert!(cut == 0 || refusal_of_a_mapped(&file[..cut], &path) == message, "{what}, mapped");
        }
    }
}

#[test]
fn a_cut_names_the_field() {
    let file = bytes(&filled("Flat", METRICS[0], N));
    let message = from_bytes(&file[..10]).expect_err("cut inside ntotal").to_string();
    assert_eq!(message, "ntotal: expected 8 more bytes, found 2");
}

#[test]
fn trailing_bytes_are_an_error() {
    for (kind, mut file) in files() {
        file.push(0);
        let message = from_bytes(&file).expect_err(&kind).to_string();
        assert_eq!(message, "expected the end of the file, found 1 more bytes");
    }
}

#[test]
fn unknown_kinds_are_told_from_those_of_faiss() {
    let message = from_bytes(b"GIF89a").expect_err("no index").to_string();
    assert_eq!(message, "index: expected the fourcc of an index of faiss 1.15, found \"GIF8\"");
}

#[test]
fn every_kind_of_faiss_is_read_or_refused_by_its_name() {
    for kind in faiss_kinds() {
        let error = from_bytes(kind.fourcc.as_bytes()).expect_err("only a fourcc");
        match (kind.instead, &error) {
            (None, Error::Truncated { field: "d", .. }) => {}
            (Some(instead), Error::UnsupportedKind { class, .. }) => {
                assert_eq!(error.to_string(), format!("index: {class} is not supported; {instead}"));
                assert_eq!(class, kind.class);
            }
            _ => panic!("{kind:?}: {error}"),
        }
    }
}

/// `sprs` sizes are (list, size) pairs; a file with two such lists suffices to corrupt them.
#[test]
fn sparse_sizes_refuse_hostile_values() {
    let mut index = crate::data::empty("IVF4,PQ2x8", METRICS[0]);
    index.add(vectors(1, 2)).expect("adds");
    index.add(vectors(1, 2)).expect("adds");
    let file = bytes(&index);
    let at = file.windows(4).position(|bytes| bytes == b"sprs").expect("one list of four is sparse") + 4;
    assert_eq!([read_u64(&file, at), read_u64(&file, at + 16)], [2, 2]);
    let hostile = [(0, 0), (0, 1), (0, 3), (0, u64::MAX), (8, 4), (8, u64::MAX), (16, 0), (16, 1), (16, 3)];
    for (offset, value) in hostile.into_iter().chain([(16, 1 << 60), (16, 1 << 61), (16, u64::MAX)]) {
        let mut changed = file.clone();
        changed[at + offset..at + offset + 8].copy_from_slice(&value.to_le_bytes());
        refuse(&changed, &format!("{value} at byte {offset} of the sizes"));
    }
    let mut twice = file[..at].to_vec();
    let list = read_u64(&file, at + 8);
    [4, list, 1, list, 1].iter().for_each(|value: &u64| twice.extend(value.to_le_bytes()));
    twice.extend(&file[at + 24..]);
    refuse(&twice, "a list named twice");
}

/// Sizes whose sum overflows; each alone exceeds the file.
#[test]
fn list_sizes_do_not_overflow() {
    for kind in ["IVF4,Flat", "IVF4,PQ2x8", "IVF4,SQ8"] {
        let file = bytes(&filled(kind, METRICS[0], N));
        let sizes: Vec<Field> = fields(&file);
        let mut changed = file.clone();
        for field in named(&sizes, "size of an inverted list") {
            changed = with(&changed, field, &(1u64 << 63).to_le_bytes());
        }
        refuse(&changed, "sizes of 2^63");
    }
}

/// Places in a direct map must exist.
#[test]
fn direct_maps_refuse_places_outside_the_lists() {
    for (name, first_place) in [("array", 8), ("hashtable", 24)] {
        let file = crate::file::fixture(&format!("ivf_flat_{name}.index"));
        let lists = file.windows(4).position(|bytes| bytes == b"ilar").expect("lists");
        let map = lists - if name == "array" { 8 + 10 * 8 } else { 16 + 10 * 16 };
        for hostile in [i64::MIN, i64::MAX, -2, 4 << 32, 1 << 31] {
            let mut changed = file.clone();
            changed[map + first_place..][..8].copy_from_slice(&hostile.to_le_bytes());
            refuse(&changed, &format!("{name}: place {hostile}"));
        }
        for hostile in [1u64, 9, 11, 1 << 59, 1 << 60, 1 << 61, u64::MAX] {
            let mut changed = file.clone();
            let count = if name == "array" { map } else { map + 8 };
            changed[count..count + 8].copy_from_slice(&hostile.to_le_bytes());
            refuse(&changed, &format!("{name}: count {hostile}"));
        }
        exercise(&from_bytes(&file).expect("sound"));
    }
}

/// Transforms and re-ranking may be nested, up to a limit.
#[test]
fn nesting_is_limited() {
    let flat = bytes(&filled("Flat", METRICS[0], N));
    let refined = bytes(&filled("Flat,RFlat", METRICS[0], N));
    let (header, k_factor) = (&refined[..37], &refined[refined.len() - 4..]);
    let mut nested = flat.clone();
    for depth in 1..6 {
        nested = [header, &nested, &flat, k_factor].concat();
        if depth < 4 {
            exercise(&open_in_bounds(&nested, "refined again").expect("not yet too deep"));
        } else {
            let message = refuse(&nested, "too deep");
            assert_eq!(message, "index within indexes: expected at most 4 deep, found more");
        }
    }
    let endless = header.repeat(100_000);
    refuse(&endless, "as many as fit");
}

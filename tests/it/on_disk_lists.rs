//! Indexes of faiss whose inverted lists are in a file of their own (`golden/make_on_disk.py`). They hold the
//! entries of indexes in `golden/indexes`, whose answers are faiss's.

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::{Device, Tensor};
use index::{Index, npy};
use tempfile::TempDir;

use crate::{
    agreement::{Answers, agree, agree_in_range},
    command_line::{json, run, text},
    fixtures::{Array, npy_at, npz_at, root},
};

const FILES: [&str; 5] = [
    "filled_ivf8_pq4x8_l2",
    "filled_ivf8_sqfp16_ip",
    "merged_ivf8_pq4x8_l2",
    "merged_ivf8_sqfp16_ip",
    "merged_l2norm_ivf8_flat_l2",
];

fn golden(name: &str) -> PathBuf {
    root().join("tests/golden").join(name)
}

/// Name of the index of `golden/indexes` with the same entries.
fn ordinary(name: &str) -> &str {
    name.split_once('_').unwrap().1
}

fn answer(name: &str, key: &str) -> Array {
    npz_at(&golden("indexes").join(format!("{}_results.npz", ordinary(name))), key).unwrap()
}

/// A new folder with both files of an index.
fn moved(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for ending in ["index", "ivfdata"] {
        let file = format!("{name}.{ending}");
        fs::copy(golden("on_disk").join(&file), folder.path().join(&file)).unwrap();
    }
    folder
}

fn open(path: &Path) -> index::Result<Index> {
    Index::open(path, &Device::flex())
}

/// The first columns of the queries, `[24, d]`.
fn queries(d: usize) -> Tensor<2> {
    let all = npy_at(&golden("indexes/queries.npy")).unwrap();
    all.tensor([all.shape[0], all.shape[1]]).slice([0..all.shape[0], 0..d])
}

/// Asserts that an index answers as faiss did before the lists were moved to their file.
fn answers_as_faiss(name: &str, index: &Index) {
    for nprobe in [1, 4] {
        let [distances, ids] = ["D", "I"].map(|key| answer(name, &format!("{key}_nprobe{nprobe}")));
        let found = index.search(queries(index.d()), distances.shape[1], nprobe).unwrap();
        agree(name, &found, &Answers::from_arrays(&distances, &ids));
    }
    let limits: Vec<usize> = answer(name, "range_lims").values.iter().map(|&limit| limit as usize).collect();
    let radius = answer(name, "range_radius").values[0] as f32;
    let within = index.range_search(queries(index.d()), radius, 4).unwrap();
    let expected = Answers::from_arrays(&answer(name, "range_D"), &answer(name, "range_I"));
    agree_in_range(name, &within, &limits, &expected);
}

fn written(index: &Index) -> Vec<u8> {
    let mut bytes = Vec::new();
    index.write_to(&mut bytes).unwrap();
    bytes
}

#[test]
fn both_files_may_be_moved_together() {
    for name in FILES {
        let folder = moved(name);
        let index = open(&folder.path().join(format!("{name}.index"))).unwrap();
        let lists = folder.path().canonicalize().unwrap().join(format!("{name}.ivfdata"));
        assert_eq!((index.lists_file(), index.ntotal()), (Some(lists.as_path()), 400), "{name}");
        answers_as_faiss(name, &index);
        let ordinary = fs::read(golden("indexes").join(format!("{}.index", ordinary(name)))).unwrap();
        assert!(written(&index) == ordinary, "{name}: written as faiss writes the same lists in memory");
    }
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_folder_of_the_lists() {
    let (name, elsewhere) = (FILES[0], tempfile::tempdir().unwrap());
    let folder = moved(name);
    let link = elsewhere.path().join("current.faiss");
    std::os::unix::fs::symlink(folder.path().join(format!("{name}.index")), &link).unwrap();
    answers_as_faiss(name, &open(&link).unwrap());
}

/// Fields of the record of the lists, behind its fourcc.
struct Record {
    /// Places of all numbers except the length of the name.
    numbers: Vec<usize>,
    /// Place of the length of the name.
    name: usize,
}

fn read_u64(file: &[u8], at: usize) -> usize {
    u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize
}

fn record(file: &[u8]) -> Record {
    let start = file.windows(4).position(|bytes| bytes == b"ilod").unwrap() + 4;
    let slots = start + 24 + 24 * read_u64(file, start + 16);
    let name = slots + 8 + 16 * read_u64(file, slots);
    let total = name + 8 + read_u64(file, name);
    assert_eq!(total + 8, file.len(), "the record ends the file");
    Record { numbers: (start..name).step_by(8).chain([total]).collect(), name }
}

/// Copy of an index file with another path of its lists.
fn with_path(file: &[u8], path: &[u8]) -> Vec<u8> {
    let at = record(file).name;
    let behind = &file[at + 8 + read_u64(file, at)..];
    [&file[..at], &(path.len() as u64).to_le_bytes(), path, behind].concat()
}

#[test]
fn the_path_in_the_index_is_tried_first() {
    let name = FILES[2];
    let (lists, elsewhere) = (moved(name), tempfile::tempdir().unwrap());
    let path = lists.path().join(format!("{name}.ivfdata"));
    let file = fs::read(golden("on_disk").join(format!("{name}.index"))).unwrap();
    let index = elsewhere.path().join("an.index");
    fs::write(&index, with_path(&file, text(&path).as_bytes())).unwrap();
    // A file of the same name beside the index is not taken.
    fs::write(elsewhere.path().join(format!("{name}.ivfdata")), b"other").unwrap();
    let opened = open(&index).unwrap();
    assert_eq!(opened.lists_file(), Some(path.as_path()));
    answers_as_faiss(name, &opened);
    // Of a path of another system, only the name is of use.
    fs::rename(&path, elsewhere.path().join(format!("{name}.ivfdata"))).unwrap();
    fs::write(&index, with_path(&file, format!("/gone/{name}.ivfdata").as_bytes())).unwrap();
    answers_as_faiss(name, &open(&index).unwrap());
}

#[test]
fn missing_and_short_files_of_lists_are_named_beside_the_index() {
    let name = FILES[0];
    let folder = moved(name);
    let [index, lists] = ["index", "ivfdata"].map(|ending| folder.path().join(format!("{name}.{ending}")));
    let whole = fs::read(&lists).unwrap();
    let refusal = || {
        let message = open(&index).unwrap_err().to_string();
        for file in [&index, &lists] {
            assert!(message.contains(text(file.file_name().unwrap().as_ref())), "{message}");
        }
        assert_eq!(message.lines().count(), 1, "{message}");
        message
    };
    fs::write(&lists, &whole[..whole.len() - 1]).unwrap();
    assert!(refusal().ends_with("is 16383 bytes long instead of 16384"), "{}", refusal());
    fs::write(&lists, b"").unwrap();
    refusal();
    fs::remove_file(&lists).unwrap();
    assert!(refusal().contains("No such file"), "{}", refusal());
    fs::create_dir(&lists).unwrap();
    refusal();
    let bytes = fs::read(&index).unwrap();
    let message = Index::from_bytes(&bytes, &Device::flex()).unwrap_err().to_string();
    assert!(
        message.contains(&format!("{name}.ivfdata")) && message.contains("opened by its path"),
        "{message}"
    );
}

/// Every number of the record, small and huge: refused, or without access beyond the lists' file.
#[test]
fn hostile_places_are_refused() {
    for name in [FILES[0], FILES[2]] {
        let folder = moved(name);
        let index = folder.path().join(format!("{name}.index"));
        let file = fs::read(&index).unwrap();
        let Record { mut numbers, name: length } = record(&file);
        numbers.push(length);
        for at in numbers {
            let right = read_u64(&file, at) as u64;
            let far = [1 << 20, 1 << 32, 1 << 59, 1 << 60, 1 << 61, 1 << 63, u64::MAX - 7, u64::MAX];
            let near = [0, 1, right.wrapping_sub(1), right + 1, right.wrapping_neg(), 2 * right + 1];
            for value in near.into_iter().chain(far).filter(|&value| value != right) {
                let mut changed = file.clone();
                changed[at..at + 8].copy_from_slice(&value.to_le_bytes());
                fs::write(&index, &changed).unwrap();
                match open(&index) {
                    Ok(opened) => {
                        assert!(!far.contains(&value), "{name}: {value} at byte {at}");
                        opened.search(queries(opened.d()), 5, 8).unwrap();
                        assert!(written(&opened).len() < 2 * file.len() + (1 << 16));
                    }
                    Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
                }
            }
        }
        for cut in file.len() - 60..file.len() {
            fs::write(&index, &file[..cut]).unwrap();
            assert!(open(&index).is_err(), "{name}: the first {cut} bytes");
        }
    }
}

#[test]
fn lists_that_overlap_are_refused() {
    let folder = moved(FILES[2]);
    let index = folder.path().join("an.index");
    let file = fs::read(golden("on_disk").join(format!("{}.index", FILES[2]))).unwrap();
    let places = &record(&file).numbers[3..];
    let mut changed = file.clone();
    // The second list becomes the first.
    changed.copy_within(places[0]..places[0] + 24, places[3]);
    fs::write(&index, changed).unwrap();
    let message = open(&index).unwrap_err().to_string();
    assert!(message.contains("places of the inverted lists: expected lists beside one another"), "{message}");
}

#[test]
fn an_empty_index_needs_no_file_of_lists() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("an.index");
    fs::copy(golden("on_disk/empty_ivf8_pq4x8_l2.index"), &path).unwrap();
    let mut index = open(&path).unwrap();
    assert_eq!((index.ntotal(), index.lists_file()), (0, None));
    index.add(queries(index.d())).unwrap();
    index.write(&path).unwrap();
    assert_eq!(open(&path).unwrap().ntotal(), 24);
}

#[test]
fn changes_write_the_lists_into_the_index() {
    let name = FILES[0];
    for change in ["add", "remove", "merge"] {
        let folder = moved(name);
        let [index, lists, more] =
            [format!("{name}.index"), format!("{name}.ivfdata"), "more.npy".to_owned()]
                .map(|file| folder.path().join(file));
        npy::write(&more, &[0.25; 16], 16).unwrap();
        let info = |index: &Path| json(&run(&["index", "info", text(index), "--json"]));
        assert!(info(&index)["lists_file"].as_str().unwrap().ends_with(".ivfdata"));
        let other = folder.path().join("other.index");
        fs::copy(golden("indexes/ivf8_pq4x8_l2.index"), &other).unwrap();
        let line = match change {
            "add" => vec!["index", "add", "--index", text(&index), "--input", text(&more)],
            "remove" => vec!["index", "remove", "--index", text(&index), "--ids", "3"],
            _ => vec!["index", "merge", "--index", text(&index), text(&other)],
        };
        let output = run(&[&line[..], &["--device", "cpu"]].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("now holds its inverted lists; it no longer needs"), "{change}: {said}");
        fs::remove_file(&lists).unwrap();
        let entries = info(&index)["ntotal"].as_u64();
        assert_eq!(
            entries,
            Some(if change == "add" {
                401
            } else if change == "merge" {
                800
            } else {
                399
            })
        );
        assert!(info(&index).get("lists_file").is_none());
    }
}

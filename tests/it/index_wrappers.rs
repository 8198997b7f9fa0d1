//! Maps of ids changed as faiss changes them (`golden/make_wrappers.py`).

use std::{fs, path::PathBuf};

use burn::tensor::{Device, Tensor};
use index::{Index, MergedIds};

use crate::fixtures::{largest_difference, npy_at, npz_at, root};

fn folder() -> PathBuf {
    root().join("tests/golden/wrappers")
}

fn open(name: &str) -> Index {
    Index::open(&folder().join(format!("{name}.index")), &Device::flex())
        .unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn bytes(index: &Index) -> Vec<u8> {
    let mut bytes = Vec::new();
    index.write_to(&mut bytes).unwrap();
    bytes
}

/// Rows of a file of vectors.
fn rows(name: &str, range: std::ops::Range<usize>) -> Tensor<2> {
    let all = npy_at(&folder().join(name)).unwrap();
    all.tensor([all.shape[0], all.shape[1]]).slice([range, 0..all.shape[1]])
}

fn ids(name: &str) -> Vec<i64> {
    npy_at(&folder().join(name)).unwrap().values.into_iter().map(|id| id as i64).collect()
}

/// Names of the kinds that faiss changed.
fn changed() -> Vec<String> {
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.filter_map(|name| Some(name.to_str()?.strip_suffix("_changed.index")?.to_owned()));
    let names: Vec<String> = names.collect();
    assert!(names.len() >= 10, "{names:?}");
    names
}

/// Empties an index, which keeps its quantisers.
fn emptied(mut index: Index) -> Index {
    let ids = index.ids();
    assert_eq!(index.remove(&ids).unwrap(), 100);
    index
}

#[test]
fn maps_of_ids_are_changed_as_faiss_changes_them() {
    let [own, more] = ["ids.npy", "more_ids.npy"].map(ids);
    for name in changed() {
        let mut index = open(&name);
        let mut other = emptied(index.clone());
        other.add_with_ids(rows("more.npy", 0..10), &more[..10]).unwrap();
        assert_eq!(index.remove(&own[10..20]).unwrap(), 10);
        index.add_with_ids(rows("more.npy", 10..30), &more[10..]).unwrap();
        index.merge(other, MergedIds::Kept).unwrap();
        let expected = fs::read(folder().join(format!("{name}_changed.index"))).unwrap();
        assert!(bytes(&index) == expected, "{name}");
        assert_eq!(index.ids(), [&own[..10], &own[20..], &more[10..], &more[..10]].concat(), "{name}");
    }
}

#[test]
fn second_codes_are_those_of_faiss() {
    let mut index = open("ivf4_pq2plus4_l2");
    assert_eq!(index.add(rows("more.npy", 0..30).slice([0..30, 0..4])).unwrap(), 100..130);
    assert!(bytes(&index) == fs::read(folder().join("ivf4_pq2plus4_l2_added.index")).unwrap());
    // faiss removes nothing; here the later entries move up.
    let whole = index.clone();
    assert_eq!(index.remove(&[0, 50, 129, 700]).unwrap(), 3);
    for (old, new) in [(1, 0), (49, 48), (51, 49), (128, 126)] {
        assert_eq!(index.reconstruct(new).unwrap(), whole.reconstruct(old).unwrap());
    }
    let queries = || rows("queries.npy", 0..24).slice([0..24, 0..4]);
    let [all, rest] = [(&whole, 130), (&index, 127)].map(|(index, k)| index.search(queries(), k, 4).unwrap());
    for query in 0..24 {
        let kept = all.distances_of(query).iter().zip(all.ids_of(query));
        let kept = kept.filter(|(_, id)| ![0, 50, 129].contains(*id)).map(|(distance, _)| *distance);
        assert_eq!(kept.collect::<Vec<_>>(), rest.distances_of(query), "query {query}");
    }
    let doubled = {
        let mut doubled = index.clone();
        doubled.merge(index.clone(), MergedIds::Behind).unwrap();
        doubled
    };
    assert_eq!(doubled.reconstruct(127 + 48).unwrap(), whole.reconstruct(49).unwrap());
    assert!(Index::from_bytes(&bytes(&doubled), &Device::flex()).is_ok());
}

/// faiss names an id as often as it finds it, and finds by id the vector stored last.
#[test]
fn repeated_and_negative_ids_are_found_once() {
    for name in ["idmap_flat_repeated", "idmap2_sq8_repeated"] {
        let index = open(name);
        let path = folder().join(format!("{name}_results.npz"));
        let [distances, all] = ["D", "I"].map(|key| npz_at(&path, key).unwrap());
        let found = index.search(rows("queries.npy", 0..24), 10, 1).unwrap();
        for query in 0..24 {
            let row = query * 40..(query + 1) * 40;
            let mut expected: Vec<(i64, f64)> = Vec::new();
            for (&id, &distance) in all.values[row.clone()].iter().zip(&distances.values[row]) {
                if !expected.iter().any(|&(seen, _)| seen == id as i64) {
                    expected.push((id as i64, distance));
                }
            }
            let near = expected.iter().map(|&(id, _)| id).take(10);
            assert_eq!(found.ids_of(query), near.collect::<Vec<_>>(), "{name}, query {query}");
        }
        assert!(found.ids.iter().any(|&id| id < 0), "{name}: ids below 0 survive");
        if let Ok(expected) = npz_at(&path, "reconstruct") {
            for (row, expected) in expected.values.chunks_exact(8).enumerate() {
                let found = index.reconstruct(5 * row as i64).unwrap().into_iter().map(f64::from);
                assert!(largest_difference(&found.collect::<Vec<_>>(), expected) < 1e-6, "{name}, {row}");
            }
        }
        assert!(bytes(&index) == fs::read(folder().join(format!("{name}.index"))).unwrap(), "{name}");
    }
}

/// faiss removes from the lists, whose ids it does not lower, so that its results name wrong entries.
#[test]
fn removal_from_a_map_round_cells_keeps_every_other_answer() {
    let own = ids("ids.npy");
    for name in
        ["idmap_ivf4_flat_l2", "idmap2_ivf4_pq4x4_ip", "idmap_ivf4_pq4x4fs_l2", "idmap2_pca4_ivf4_sq8_l2"]
    {
        let (before, mut index) = (open(name), open(name));
        assert_eq!(index.remove(&own[10..20]).unwrap(), 10, "{name}");
        let queries = || rows("queries.npy", 0..24);
        let [all, rest] = [&before, &index].map(|index| index.search(queries(), 90, 4).unwrap());
        for query in 0..24 {
            let kept = all.ids_of(query).iter().filter(|id| !own[10..20].contains(id)).copied();
            let kept: Vec<i64> = kept.take(60).collect();
            assert_eq!(kept, rest.ids_of(query)[..60], "{name}, query {query}");
        }
        let read = Index::from_bytes(&bytes(&index), &Device::flex()).unwrap();
        assert_eq!(read.search(queries(), 90, 4).unwrap(), rest, "{name}");
        for &id in own[..10].iter().chain(&own[20..]) {
            assert_eq!(index.reconstruct(id).unwrap(), before.reconstruct(id).unwrap(), "{name}, {id}");
        }
    }
}

#[test]
fn ids_of_ones_own_are_given_to_every_kind() {
    for name in ["idmap_flat_l2", "idmap2_lsh16rt_l2", "pca4_idmap_flat_ip", "idmap_ivf4_flat_l2"] {
        let mut index = open(name);
        assert!(!index.ids_are_positions());
        assert_eq!(Some(index.next_id() - 1), ids("ids.npy").into_iter().max(), "{name}");
        index.add_with_ids(rows("more.npy", 0..1), &[1 << 40]).unwrap();
        assert_eq!(index.add(rows("more.npy", 1..3)).unwrap(), (1 << 40) + 1..(1 << 40) + 3);
        let refused = index.add_with_ids(rows("more.npy", 0..1), &[-1]).unwrap_err();
        assert_eq!(refused.to_string(), "id must be at least 0, found -1");
        let refused = index.add_to_lists(rows("more.npy", 0..1), &[5], 2).unwrap_err();
        assert!(refused.to_string().contains("entries in several lists"), "{refused}");
        assert_eq!(index.ntotal(), 103);
    }
}

//! Small files of every kind written by faiss, with faiss's answers (`golden/make_indexes.py`,
//! `golden/make_wrappers.py`).

use std::{fs, path::PathBuf};

use burn::tensor::{Device, Tensor};
use index::{Factory, Index, Neighbours, RangeNeighbours};

use crate::{
    agreement::{Answers, agree, agree_in_range},
    fixtures::{Array, root},
};

/// Folders in `golden`, each with its `kinds.json`, `base.npy`, `queries.npy` and `ids.npy`.
const FOLDERS: [&str; 2] = ["indexes", "wrappers"];

/// A record of `kinds.json`.
struct Kind {
    folder: PathBuf,
    name: String,
    /// `None` if the string leaves a dimension open or the file contains more than the string.
    factory: Option<String>,
    metric: String,
    d: usize,
}

fn kinds() -> Vec<Kind> {
    let kinds: Vec<Kind> = FOLDERS.iter().flat_map(|folder| kinds_in(folder)).collect();
    assert!(kinds.len() >= 100, "{} kinds", kinds.len());
    kinds
}

fn kinds_in(folder: &str) -> Vec<Kind> {
    let folder = root().join("tests/golden").join(folder);
    let text = fs::read(folder.join("kinds.json")).unwrap();
    let records: Vec<serde_json::Value> = serde_json::from_slice(&text).unwrap();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let kind = |record: &serde_json::Value| Kind {
        folder: folder.clone(),
        name: text(&record["name"]).unwrap(),
        factory: text(&record["factory"]),
        metric: text(&record["metric"]).unwrap(),
        d: record["d"].as_u64().unwrap() as usize,
    };
    records.iter().map(kind).collect()
}

impl Kind {
    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.index", self.name))
    }

    fn open(&self) -> Index {
        Index::open(&self.path(), &Device::flex()).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    /// faiss's answer, if it gave one.
    fn answer(&self, key: &str) -> Option<Array> {
        crate::fixtures::npz_at(&self.folder.join(format!("{}_results.npz", self.name)), key).ok()
    }

    /// The queries `[24, d]`: the first `d` of their columns.
    fn queries(&self) -> Tensor<2> {
        let queries = crate::fixtures::npy_at(&self.folder.join("queries.npy")).unwrap();
        queries.tensor([queries.shape[0], queries.shape[1]]).slice([0..queries.shape[0], 0..self.d])
    }

    fn has(&self, word: &str) -> bool {
        self.name.contains(word)
    }

    /// Id of a row of the base vectors.
    fn id(&self, row: usize) -> i64 {
        let own = self.has("own_ids") || self.has("idmap");
        let ids = || crate::fixtures::npy_at(&self.folder.join("ids.npy")).unwrap().values;
        if own { ids()[row] as i64 } else { row as i64 }
    }
}

#[test]
fn every_kind_answers_as_faiss() {
    let mut compared = 0;
    for kind in kinds().iter().filter(|kind| !kind.has("_empty") && !kind.has("_sparse")) {
        let index = kind.open();
        let probed: &[usize] = if kind.has("ivf") { &[1, 4] } else { &[1] };
        for &nprobe in probed {
            for key in [format!("nprobe{nprobe}"), format!("nprobe{nprobe}_k3")] {
                let name = format!("{}, {key}", kind.name);
                let Some(distances) = kind.answer(&format!("D_{key}")) else { continue };
                let ids = kind.answer(&format!("I_{key}")).expect(&name);
                let found = index.search(kind.queries(), distances.shape[1], nprobe).unwrap();
                agree(&name, &found, &Answers::from_arrays(&distances, &ids));
                compared += 1;
            }
        }
    }
    assert!(compared >= 200, "only {compared} answers");
}

#[test]
fn every_kind_answers_range_searches_as_faiss() {
    let mut compared = 0;
    for kind in kinds() {
        let Some(radius) = kind.answer("range_radius") else { continue };
        let index = kind.open();
        let limits = kind.answer("range_lims").unwrap();
        let [distances, ids] = ["range_D", "range_I"].map(|key| kind.answer(key).unwrap());
        assert!(!ids.values.is_empty(), "{}", kind.name);
        let found: RangeNeighbours = index.range_search(kind.queries(), radius.values[0] as f32, 4).unwrap();
        let limits: Vec<usize> = limits.values.iter().map(|&v| v as usize).collect();
        agree_in_range(&kind.name, &found, &limits, &Answers::from_arrays(&distances, &ids));
        compared += 1;
    }
    assert!(compared >= 60, "only {compared} kinds");
}

#[test]
fn every_file_survives_reading_and_writing_byte_for_byte() {
    for kind in kinds() {
        let expected = fs::read(kind.path()).unwrap();
        let mut found = Vec::new();
        kind.open().write_to(&mut found).unwrap();
        let differs = found.iter().zip(&expected).position(|(a, b)| a != b);
        assert_eq!((differs, found.len()), (None, expected.len()), "{}", kind.name);
    }
}

#[test]
fn every_kind_is_read_as_its_factory_string() {
    for kind in kinds() {
        let index = kind.open();
        assert_eq!(index.metric().to_string(), kind.metric, "{}", kind.name);
        assert_eq!(index.d(), kind.d, "{}", kind.name);
        if let Some(text) = &kind.factory {
            let expected: Factory = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(index.factory(), expected, "{}", kind.name);
        }
    }
}

#[test]
fn every_kind_reconstructs_as_faiss() {
    let mut compared = 0;
    for kind in kinds() {
        let Some(expected) = kind.answer("reconstruct") else { continue };
        if kind.has("pcaw") {
            // faiss multiplies by the transpose of a matrix that is not a rotation; we refuse the file.
            assert!(kind.open().reconstruct(0).is_err());
            continue;
        }
        let index = kind.open();
        for (row, expected) in expected.values.chunks_exact(kind.d).enumerate() {
            let id = kind.id(row);
            let found = index.reconstruct(id).unwrap_or_else(|e| panic!("{}, {id}: {e}", kind.name));
            let found: Vec<f64> = found.into_iter().map(f64::from).collect();
            let difference = crate::fixtures::largest_difference(&found, expected);
            // Float32 sums of up to 24 products, each below 4.
            assert!(difference < 1e-5, "{}, {id}: {difference}", kind.name);
        }
        compared += 1;
    }
    assert!(compared >= 60, "only {compared} kinds");
}

#[test]
fn an_empty_file_of_faiss_is_filled_as_faiss_fills_it() {
    for kind in kinds().iter().filter(|kind| kind.has("_empty")) {
        let base = crate::fixtures::npy_at(&kind.folder.join("base.npy")).unwrap();
        let two = base.tensor([base.shape[0], base.shape[1]]).slice([0..2, 0..base.shape[1]]);
        let mut index = kind.open();
        assert_eq!(index.ntotal(), 0);
        let nothing: Neighbours = index.search(kind.queries(), 3, 4).unwrap();
        assert!(nothing.ids.iter().all(|&id| id == -1), "{}", kind.name);
        index.add(two.clone()).unwrap();
        let mut found = Vec::new();
        index.write_to(&mut found).unwrap();
        let filled = kind.folder.join(format!("{}.index", kind.name.replace("_empty", "_sparse")));
        assert!(found == fs::read(filled).unwrap(), "{}", kind.name);
    }
}

/// The base vectors `[400, d]` as `make_indexes.py` adds them: whole numbers for direct scalar types.
fn base(kind: &Kind) -> Tensor<2> {
    let base = crate::fixtures::npy_at(&kind.folder.join("base.npy")).unwrap();
    let rows = base.values.iter().map(|&value| match (kind.has("direct_signed"), kind.has("direct")) {
        (true, _) => (3.0 * value as f32).round_ties_even(),
        (_, true) => (3.0 * value as f32).round_ties_even().abs(),
        _ => value as f32,
    });
    let rows: Vec<f32> = rows.collect();
    let [n, d] = [base.shape[0], base.shape[1]];
    let all = Tensor::<2>::from_data(burn::tensor::TensorData::new(rows, [n, d]), &Device::flex());
    all.slice([0..n, 0..kind.d])
}

/// Removes all entries of a file of faiss and adds the vectors that faiss added.
#[test]
fn an_emptied_file_is_filled_again_as_faiss_filled_it() {
    let scalar = |kind: &&Kind| {
        let graph = kind.has("hnsw");
        !graph && (kind.has("sq") || kind.name.starts_with("flat") || kind.name.starts_with("ivf8_flat_l2"))
    };
    let kinds = kinds_in("indexes");
    let mut count = 0;
    for kind in kinds.iter().filter(scalar) {
        let mut index = kind.open();
        index.remove(&(0..400).collect::<Vec<i64>>()).unwrap();
        assert_eq!(index.ntotal(), 0, "{}", kind.name);
        index.add(base(kind)).unwrap();
        let mut found = Vec::new();
        index.write_to(&mut found).unwrap();
        let expected = fs::read(kind.path()).unwrap();
        let differs = found.iter().zip(&expected).position(|(a, b)| a != b);
        assert_eq!((differs, found.len()), (None, expected.len()), "{}", kind.name);
        count += 1;
    }
    assert!(count >= 35, "only {count} kinds");
}

/// The entries that a search keeps in view can be set as in faiss.
#[test]
fn graphs_searched_narrowly_or_widely_answer_as_faiss() {
    let kinds = kinds();
    for (name, ef_search) in ["hnsw8_flat_*l2", "hnsw8_flat_*ip", "hnsw8_pq4x8_*l2"]
        .into_iter()
        .flat_map(|name| [(name, 3), (name, 64)])
    {
        let find = |name: &str| kinds.iter().find(|kind| kind.name == name).expect(name);
        let expected = find(&name.replace('*', &format!("ef{ef_search}_")));
        let mut index = find(&name.replace('*', "")).open();
        assert_eq!((index.ef_search(), expected.open().ef_search()), (Some(16), Some(ef_search)), "{name}");
        index.set_ef_search(ef_search).unwrap();
        let [distances, ids] = ["D_nprobe1", "I_nprobe1"].map(|key| expected.answer(key).unwrap());
        let found = index.search(expected.queries(), distances.shape[1], 1).unwrap();
        agree(&expected.name, &found, &Answers::from_arrays(&distances, &ids));
    }
}

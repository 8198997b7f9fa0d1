//! `index train|add|remove|merge|info` and `search` over kinds of index, called as a user calls them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use index::npy;
use serde_json::Value;

use crate::{
    command_line::{json, run, sample, text},
    fixtures::root,
};

/// Kinds that cover every sort of ids, codes and wrapping.
const KINDS: [&str; 9] = [
    "Flat",
    "LSH24r",
    "PQ4x4,RFlat",
    "IVF4,PQ4x8",
    "IVF4,PQ4x4fs",
    "OPQ4_8,IVF4,PQ4x8",
    "L2norm,IVF4_HNSW4,SQ8",
    "IDMap,PQ4x4,Refine(SQ8)",
    "PCA8,IDMap2,IVF4,PQ4x4",
];
const D: usize = 16;
const N: usize = 400;

/// A folder with vectors `base.npy` `[400, 16]`, halves of it, their names, and queries.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let base = npy::read(&root().join("tests/golden/indexes/base.npy")).unwrap();
        assert_eq!((base.n, base.d), (N, D));
        folder.put("base", &base.values, 0);
        folder.put("front", &base.values[..N / 2 * D], 0);
        folder.put("back", &base.values[N / 2 * D..], N / 2);
        npy::write(&folder.path("queries.npy"), &base.values[..4 * D], D).unwrap();
        folder
    }

    /// Writes vectors and their names, numbered from `first`.
    fn put(&self, name: &str, values: &[f32], first: usize) {
        npy::write(&self.path(&format!("{name}.npy")), values, D).unwrap();
        let rows = (0..values.len() / D).map(|row| format!("{row}\timage {}.jpg\n", first + row));
        fs::write(
            self.path(&format!("{name}.names.tsv")),
            format!("row\tpath\n{}", rows.collect::<String>()),
        )
        .unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn train(&self, kind: &str) -> PathBuf {
        let index = self.path("empty.faiss");
        let base = self.path("base.npy");
        done(&["index", "train", "--factory", kind, "--input", text(&base), "--out", text(&index)]);
        index
    }

    /// Copy of an empty index, filled with the vectors `name`.
    fn fill(&self, empty: &Path, name: &str) -> PathBuf {
        let index = self.path(&format!("{name}.faiss"));
        fs::copy(empty, &index).unwrap();
        let (input, names) = (self.path(&format!("{name}.npy")), self.path(&format!("{name}.names.tsv")));
        done(&["index", "add", "--index", text(&index), "--input", text(&input), "--names", text(&names)]);
        index
    }

    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    }

    /// All results of the queries over all cells: query, name, id, distance; sorted.
    fn found(&self, index: &Path) -> Vec<(String, String, i64, String)> {
        let queries = self.path("queries.npy");
        let all = ["search", text(&queries), "--index", text(index), "-k", "1000", "--nprobe", "4"];
        hits(&done(&all))
    }
}

/// JSON document of a successful run.
fn done(arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
    json(&output)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn hits(document: &Value) -> Vec<(String, String, i64, String)> {
    let mut all = Vec::new();
    for query in document["queries"].as_array().unwrap() {
        for hit in query["results"].as_array().unwrap() {
            let name = hit["name"].as_str().unwrap_or_default().to_owned();
            let query = query["query"].as_str().unwrap().to_owned();
            all.push((query, name, hit["id"].as_i64().unwrap(), hit["distance"].to_string()));
        }
    }
    all.sort();
    all
}

#[test]
fn names_follow_entries_that_move_up_or_stay() {
    let folder = Folder::new();
    for kind in KINDS {
        let index = folder.fill(&folder.train(kind), "base");
        let mut expected = folder.found(&index);
        assert_eq!(expected.len(), 4 * N, "{kind}");
        let document = done(&["index", "remove", "--index", text(&index), "--ids", "399,0,3..5"]);
        assert_eq!((&document["removed"], &document["missing"]), (&4.into(), &0.into()));
        assert_eq!(document["ntotal"], N - 4);
        let removed = [0, 3, 4, 399];
        expected.retain(|(_, _, id, _)| !removed.contains(id));
        if !kind.contains("IVF") && !kind.contains("IDMap") {
            let before = |id| removed.iter().filter(|&&removed| removed < id).count() as i64;
            expected.iter_mut().for_each(|(_, _, id, _)| *id -= before(*id));
        }
        assert_eq!(folder.found(&index), expected, "{kind}");
        let names = fs::read_to_string(folder.path("base.faiss.names.tsv")).unwrap();
        assert_eq!(names.lines().count(), 1 + N - 4);
        assert!(names.starts_with("id\tpath\n"), "{names}");
    }
}

#[test]
fn entries_in_several_cells_are_found_once_and_from_farther() {
    let folder = Folder::new();
    let (empty, input) = (folder.train("IVF4,PQ4x8"), folder.path("base.npy"));
    let add = |cells: &'static str| {
        let index = folder.path(&format!("{cells}.faiss"));
        fs::copy(&empty, &index).unwrap();
        let document =
            done(&["index", "add", "--index", text(&index), "--input", text(&input), "--cells", cells]);
        assert_eq!(document["ntotal"], N * cells.parse::<usize>().unwrap());
        let queries = folder.path("queries.npy");
        let found = done(&["search", text(&queries), "--index", text(&index), "-k", "1000", "--nprobe", "1"]);
        let ids: Vec<(String, i64)> = hits(&found).into_iter().map(|(query, _, id, _)| (query, id)).collect();
        let distinct: std::collections::HashSet<_> = ids.iter().cloned().collect();
        assert_eq!(distinct.len(), ids.len(), "{cells}");
        ids.len()
    };
    let [one, two, four] = ["1", "2", "4"].map(add);
    assert!(one < two && two < four, "{one}, {two}, {four}");
    assert_eq!(four, 4 * N, "every entry is in every cell");
    let flat = folder.train("Flat");
    let refused = run(&["index", "add", "--index", text(&flat), "--input", text(&input), "--cells", "2"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("does not support entries in several lists"), "{}", stderr(&refused));
}

#[test]
fn halves_merge_to_the_whole() {
    let folder = Folder::new();
    for kind in KINDS.into_iter().chain(["IVF4,PQ4x8,RFlat"]) {
        let empty = folder.train(kind);
        let [whole, front, back] = ["base", "front", "back"].map(|name| folder.fill(&empty, name));
        let untouched = [&front, &back].map(|path| fs::read(path).unwrap());
        let out = folder.path(&format!("{kind}.faiss"));
        let merged = done(&["index", "merge", "--index", text(&front), text(&back), "--out", text(&out)]);
        assert_eq!((&merged["merged"], &merged["ntotal"]), (&(N / 2).into(), &N.into()), "{kind}");
        assert_eq!(folder.found(&out), folder.found(&whole), "{kind}");
        assert_eq!([&front, &back].map(|path| fs::read(path).unwrap()), untouched);
        done(&["index", "merge", "--index", text(&front), text(&back)]);
        assert!(fs::read(&front).unwrap() == fs::read(&out).unwrap(), "{kind}");
        assert_eq!(folder.found(&front), folder.found(&whole), "{kind}");
    }
}

#[test]
fn ids_are_kept_where_they_are_stored() {
    ["IVF4,PQ4x8", "IDMap,PQ8x8", "IDMap2,IVF4,Flat"].into_iter().for_each(ids_are_kept);
}

fn ids_are_kept(kind: &str) {
    let folder = Folder::new();
    let empty = folder.train(kind);
    let (whole, back) = (folder.fill(&empty, "base"), folder.fill(&empty, "back"));
    done(&["index", "remove", "--index", text(&whole), "--ids", "0..=199"]);
    done(&["index", "merge", "--index", text(&whole), text(&back), "--keep-ids"]);
    let found = folder.found(&whole);
    // The entries of `back` have ids from 0 again, and their own names.
    assert_eq!(found.len(), 4 * N);
    for (_, name, id, _) in &found {
        let number: i64 = name.trim_start_matches("image ").trim_end_matches(".jpg").parse().unwrap();
        assert_eq!(number, if *id < 200 { id + 200 } else { *id });
    }
    let flat = folder.fill(&folder.train("Flat"), "front");
    let refused = run(&["index", "merge", "--index", text(&flat), text(&flat), "--keep-ids"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("the ids of Flat are positions"), "{}", stderr(&refused));
}

#[test]
fn ids_that_are_not_there_are_counted_and_named() {
    let folder = Folder::new();
    for kind in ["Flat", "IVF4,PQ4x4fs"] {
        let index = folder.fill(&folder.train(kind), "front");
        let remove = ["index", "remove", "--index", text(&index), "--json", "--ids"];
        let before = folder.files();
        let none = run(&[&remove[..], &["200,1000..9000000000000000000"]].concat());
        assert_eq!(none.status.code(), Some(1));
        assert_eq!((&json(&none)["removed"], &json(&none)["ntotal"]), (&0.into(), &200.into()));
        assert!(stderr(&none).contains("ids have no entry: 200, 1000, 1001, 1002, 1003, ..."), "{none:?}");
        assert!(folder.files() == before, "nothing is written");
        let some = run(&[&remove[..], &["7", "8,7", "300"]].concat());
        assert_eq!(some.status.code(), Some(1));
        assert_eq!((&json(&some)["removed"], &json(&some)["missing"]), (&2.into(), &1.into()));
        assert!(stderr(&some).ends_with("front.faiss: 1 of 3 ids have no entry: 300\n"), "{some:?}");
    }
}

#[test]
fn failed_verbs_change_nothing() {
    let folder = Folder::new();
    let index = folder.fill(&folder.train("IVF4,PQ4x8"), "base");
    let refined = folder.fill(&folder.train("IVF4,PQ4x8,RFlat"), "front");
    let other = folder.fill(&folder.train("IVF4,PQ4x4fs"), "back");
    let (index, refined, other) = (text(&index), text(&refined), text(&other));
    let vectors = folder.path("queries.npy");
    let before = folder.files();
    let cases: [(&[&str], &str); 9] = [
        (&["remove", "--index", refined, "--ids", "1"], "does not support removing entries"),
        (&["remove", "--index", index, "--ids", "-1"], "expected an id such as 7"),
        (&["remove", "--index", index, "--ids", "5..5"], "the range contains no id"),
        (&["remove", "--index", index], "--ids"),
        (&["remove", "--index", index, "--ids-file", text(&vectors)], "expected [n]"),
        (&["merge", "--index", index, other], "back.faiss: the indexes have different quantisers"),
        (&["merge", "--index", index, index, other], "different quantisers"),
        (&["merge", "--index", index, "nowhere.faiss"], "nowhere.faiss: No such file"),
        (&["merge", "--index", index], "OTHER.faiss"),
    ];
    for (arguments, reason) in cases {
        let output = run(&[&["index"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(reason), "{arguments:?}: {}", stderr(&output));
    }
    assert!(folder.files() == before);
}

#[test]
fn factories_that_do_not_fit_are_named() {
    let folder = Folder::new();
    let (input, out) = (folder.path("base.npy"), folder.path("out.faiss"));
    let cases = [
        ("IVF4,PQ5x8", "cannot train IVF4,PQ5x8 on"),
        ("IVF4,PQ5x8", "a divisor of dimension 16, found 5"),
        ("IVF500,Flat", "at least 500 training vectors"),
        ("HNSW1,Flat", "\"HNSW1\" is not `HNSW{links}`"),
        ("NSG32,Flat", "\"NSG32\" is not a transform"),
        ("PQ8x4fs", "\"PQ8x4fs\" needs `IVF{nlist}` before it"),
        ("OPQ5,Flat", "m of OPQ"),
        ("PCA17,Flat", "output dimension of PCA"),
    ];
    for (factory, reason) in cases {
        let output =
            run(&["index", "train", "--factory", factory, "--input", text(&input), "--out", text(&out)]);
        assert_eq!(output.status.code(), Some(2), "{factory}");
        assert!(stderr(&output).contains(reason), "{factory}: {}", stderr(&output));
        assert!(!out.exists());
    }
}

#[test]
fn a_retrained_index_loses_the_names_of_the_old_one() {
    let folder = Folder::new();
    let empty = folder.train("Flat");
    let names = folder.path("empty.faiss.names.tsv");
    assert!(!names.exists(), "no names, no file");
    fs::write(&names, "id\tpath\n0\told.jpg\n").unwrap();
    folder.train("IVF4,PQ4x8");
    assert_eq!(fs::read_to_string(&names).unwrap(), "id\tpath\n");
    let input = folder.path("base.npy");
    done(&["index", "add", "--index", text(&empty), "--input", text(&input)]);
    assert!(folder.found(&empty).iter().all(|(_, name, ..)| name.is_empty()));
}

#[test]
fn info_tells_how_entries_are_spread() {
    let folder = Folder::new();
    let info = |index: &Path| done(&["index", "info", text(index)]);
    let document = info(&folder.fill(&folder.train("OPQ4_8,IVF4,PQ4x8,RFlat"), "base"));
    assert_eq!(document["code_size"], 4 + 4 * D);
    assert_eq!((&document["nlist"], &document["nprobe"]), (&4.into(), &1.into()));
    let lists = &document["lists"];
    let size = |key: &str| lists[key].as_u64().unwrap();
    assert!(size("smallest") <= size("median") && size("median") <= size("largest"), "{lists}");
    assert!(size("largest") >= 100 && size("largest") <= 400 && size("empty") == 0, "{lists}");
    let document = info(&folder.fill(&folder.train("LSH24r"), "base"));
    assert_eq!((&document["code_size"], &document["lists"]), (&3.into(), &Value::Null));
}

#[test]
fn a_radius_finds_what_is_nearer() {
    let folder = Folder::new();
    let queries = folder.path("queries.npy");
    let out = folder.path("found.npz");
    for kind in ["Flat", "IVF4,PQ4x8", "OPQ4_8,IVF4,PQ4x8"] {
        let index = folder.fill(&folder.train(kind), "base");
        let all = folder.found(&index);
        let distance = |hit: &(String, String, i64, String)| hit.3.parse::<f32>().unwrap();
        let mut distances: Vec<f32> = all.iter().map(distance).collect();
        distances.sort_by(f32::total_cmp);
        let radius = f32::midpoint(distances[40], distances[41]);
        let given = radius.to_string();
        let search = ["search", text(&queries), "--index", text(&index), "--nprobe", "4"];
        let found = done(&[&search[..], &["--radius", &given, "--out", text(&out)]].concat());
        let nearer: Vec<_> = all.iter().filter(|hit| distance(hit) < radius).cloned().collect();
        assert!(nearer.len() > 30, "{kind}");
        assert_eq!(hits(&found), nearer, "{kind}");
        let [lims, ids] = ["lims", "I"].map(|key| crate::fixtures::npz_at(&out, key).unwrap());
        assert_eq!((lims.shape, lims.values[4]), (vec![5], nearer.len() as f64));
        assert_eq!(ids.shape, [nearer.len()]);
        let both = run(&[&search[..], &["--radius", "1", "-k", "3"]].concat());
        assert_eq!(both.status.code(), Some(2), "a number of entries or a radius");
    }
}

/// Descriptors near those of the samples, enough to train a product quantiser.
fn training_descriptors(folder: &Path) -> PathBuf {
    let descriptors = folder.join("samples.npy");
    done(&["describe", text(&root().join("samples")), "--out", text(&descriptors)]);
    let samples = npy::read(&descriptors).unwrap();
    let copies = (0..20).flat_map(|copy| {
        samples.values.iter().enumerate().map(move |(i, x)| x + 0.01 * ((i * 31 + copy * 17) % 7) as f32)
    });
    let training = folder.join("training.npy");
    npy::write(&training, &copies.collect::<Vec<f32>>(), samples.d).unwrap();
    training
}

/// Extractor, activation and evaluation do not depend on inverted files or product quantisers.
#[test]
#[ignore = "slow: sweeps all kinds"]
fn every_kind_serves_every_verb() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let training = training_descriptors(folder.path());
    let (index, photos, out) = (path("db.faiss"), path("photos"), path("out"));
    fs::create_dir(&photos).unwrap();
    fs::copy(sample("17_igloo.jpg"), photos.join("17_igloo.jpg")).unwrap();
    for kind in ["LSH", "PQ8x8", "OPQ8_64,IVF4,PQ8x8", "IVF4,PQ8x4fs", "IVF4,PQ8x8,RFlat"] {
        let train = ["index", "train", "--factory", kind, "--input", text(&training), "--out", text(&index)];
        done(&[&train[..], &["--force"]].concat());
        let samples = path("samples.npy");
        done(&["index", "add", "--index", text(&index), "--input", text(&samples)]);
        let released = done(&[
            "activate",
            text(&photos),
            "--index",
            text(&index),
            "--out",
            text(&out),
            "--iterations",
            "2",
            "--objective",
            "reconstruction",
        ]);
        let row = &released["images"][0];
        assert_eq!(row["cell"].is_null(), !kind.contains("IVF"), "{kind}: {row}");
        assert!(row["cosine_after"].as_f64() > row["cosine_before"].as_f64(), "{kind}: {row}");
        let found = done(&["search", text(&photos), "--index", text(&index), "-k", "2"]);
        let hit = &found["queries"][0]["results"][0];
        assert_eq!(hit["id"], 17, "{kind}: {found}");
        assert_eq!(hit["similarity"].is_null(), kind == "LSH");
        let measured = done(&[
            "eval",
            "retrieval",
            "--images",
            text(&photos),
            "--index",
            text(&index),
            "--released",
            text(&out),
            "--transforms",
            "none",
            "--distractors",
            text(&samples),
        ]);
        assert_eq!(measured["distractors"], 40, "{kind}");
        assert!(measured["mean"]["released"]["r100"].as_f64() > Some(0.0), "{kind}: {measured}");
    }
}

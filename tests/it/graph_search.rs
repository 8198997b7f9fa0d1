//! `search --ef-search` in graphs of entries, with faiss's answers (`golden/make_indexes.py`).

use std::fs;

use index::Neighbours;

use crate::{
    agreement::{Answers, agree},
    command_line::{json, run, text},
    fixtures::{npz_at, root},
};

#[test]
fn entries_in_view_are_those_of_the_file_or_of_the_user() {
    let folder = tempfile::tempdir().unwrap();
    let golden = root().join("tests/golden/indexes");
    let [index, queries, found] =
        ["an.faiss", "queries.npy", "found.npz"].map(|name| folder.path().join(name));
    fs::copy(golden.join("queries.npy"), &queries).unwrap();
    fs::copy(golden.join("hnsw8_flat_l2.index"), &index).unwrap();
    let line = ["search", text(&queries), "--index", text(&index), "--out", text(&found), "--device", "cpu"];
    for (options, answers) in [
        (&[][..], "hnsw8_flat_l2"),
        (&["--ef-search", "3"], "hnsw8_flat_ef3_l2"),
        (&["--ef-search", "64"], "hnsw8_flat_ef64_l2"),
    ] {
        let output = run(&[&line[..], options].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let answers = golden.join(format!("{answers}_results.npz"));
        let expected = ["D_nprobe1", "I_nprobe1"].map(|key| npz_at(&answers, key).unwrap());
        let [distances, ids] = ["D", "I"].map(|key| npz_at(&found, key).unwrap());
        let Answers { distances, ids } = Answers::from_arrays(&distances, &ids);
        let expected = Answers::from_arrays(&expected[0], &expected[1]);
        agree(&format!("{options:?}"), &Neighbours { k: 10, distances, ids }, &expected);
    }
    let info = json(&run(&["index", "info", text(&index), "--json"]));
    assert_eq!((&info["ef_search"], &info["factory"]), (&16.into(), &"HNSW8,Flat".into()));
}

#[test]
fn other_indexes_refuse_the_option() {
    let golden = root().join("tests/golden/indexes");
    let [queries, index] = ["queries.npy", "ivf8_flat_l2.index"].map(|name| golden.join(name));
    let line = ["search", text(&queries), "--index", text(&index), "--ef-search", "3", "--device", "cpu"];
    let output = run(&line);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(0));
    assert!(said.contains("index IVF8,Flat does not support efSearch: it has no HNSW graph"), "{said}");
}

#[test]
fn removing_from_a_graph_is_refused_and_leaves_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("an.faiss");
    fs::copy(root().join("tests/golden/indexes/hnsw8_flat_l2.index"), &path).unwrap();
    let before = fs::read(&path).unwrap();
    let output = run(&["index", "remove", "--index", text(&path), "--ids", "3"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(0));
    assert!(said.contains("index HNSW8,Flat does not support removing entries"), "{said}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

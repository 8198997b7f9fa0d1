//! `search` visits as many cells as the index file says. The answers are faiss's after `index.nprobe = 4`
//! (`golden/make_indexes.py`), of files in which that number is written where faiss writes it.

use std::{fs, path::Path, process::Output};

use index::{Neighbours, npy};

use crate::{
    agreement::{Answers, agree},
    command_line::{json, run, text},
    fixtures::{npz_at, root},
};

/// Kinds of inverted files, alone and wrapped.
const KINDS: [&str; 8] = [
    "ivf8_flat_own_ids_l2",
    "ivf8_pq4x8_ip",
    "ivf8_pq8x4fs_l2",
    "ivf8_hnsw8_flat_ip",
    "ivf8_pq4x8_rflat_l2",
    "opq4_8_ivf8_pq4x8_l2",
    "l2norm_ivf8_flat_ip",
    "pca8_ivf8_pq4x8_rflat_l2",
];
const NLIST: u64 = 8;
const QUERIES: usize = 24;

/// Writes a golden index with another nprobe, which stands behind nlist.
fn write_with_nprobe(kind: &str, nprobe: u64, path: &Path) {
    let mut bytes = fs::read(root().join(format!("tests/golden/indexes/{kind}.index"))).unwrap();
    let header = [NLIST.to_le_bytes(), 1_u64.to_le_bytes()].concat();
    let found: Vec<usize> = (0..bytes.len() - 16).filter(|&at| bytes[at..].starts_with(&header)).collect();
    let &[at] = found.as_slice() else { panic!("{kind}: {} places look like nlist and nprobe", found.len()) };
    bytes[at + 8..at + 16].copy_from_slice(&nprobe.to_le_bytes());
    fs::write(path, bytes).unwrap();
}

fn search(folder: &Path, options: &[&str]) -> Output {
    let [queries, index, found] = ["queries.npy", "an.index", "found.npz"].map(|name| folder.join(name));
    let line = ["search", text(&queries), "--index", text(&index), "--out", text(&found), "--device", "cpu"];
    let output = run(&[&line[..], options].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The last line of the table.
fn summary(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap().to_owned()
}

#[test]
fn a_search_visits_as_many_cells_as_the_file_says() {
    let folder = tempfile::tempdir().unwrap();
    let golden = root().join("tests/golden/indexes");
    fs::copy(golden.join("queries.npy"), folder.path().join("queries.npy")).unwrap();
    for kind in KINDS {
        let answers = golden.join(format!("{kind}_results.npz"));
        let check = |name: &str| {
            let expected = ["D", "I"].map(|key| npz_at(&answers, &format!("{key}_{name}")).unwrap());
            let found = ["D", "I"].map(|key| npz_at(&folder.path().join("found.npz"), key).unwrap());
            let found = Answers::from_arrays(&found[0], &found[1]);
            let found = Neighbours { k: 10, distances: found.distances, ids: found.ids };
            agree(&format!("{kind}, {name}"), &found, &Answers::from_arrays(&expected[0], &expected[1]));
        };
        write_with_nprobe(kind, 4, &folder.path().join("an.index"));
        assert_eq!(json(&search(folder.path(), &["--json"]))["nprobe"], 4, "{kind}");
        check("nprobe4");
        let radius = npz_at(&answers, "range_radius").unwrap().values[0].to_string();
        assert_eq!(json(&search(folder.path(), &["--radius", &radius, "--json"]))["nprobe"], 4, "{kind}");
        let limits = npz_at(&folder.path().join("found.npz"), "lims").unwrap().values;
        assert_eq!(limits, npz_at(&answers, "range_lims").unwrap().values, "{kind}: within {radius}");
        let given = json(&search(folder.path(), &["--nprobe", "1", "--json"]));
        assert_eq!((&given["nprobe"], given["queries"].as_array().unwrap().len()), (&1.into(), QUERIES));
        check("nprobe1");
    }
}

#[test]
fn the_number_and_its_source_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let golden = root().join("tests/golden/indexes");
    fs::copy(golden.join("queries.npy"), folder.path().join("queries.npy")).unwrap();
    let index = folder.path().join("an.index");
    write_with_nprobe("ivf8_pq4x8_l2", 4, &index);
    let own = summary(&search(folder.path(), &[]));
    assert!(own.ends_with(" ms; nprobe 4, as the index file says"), "{own}");
    let given = summary(&search(folder.path(), &["--nprobe", "2"]));
    assert!(given.ends_with(" ms; nprobe 2"), "{given}");
    // A search visits all cells at most, and faiss too.
    for nprobe in [1000, u64::MAX] {
        write_with_nprobe("ivf8_pq4x8_l2", nprobe, &index);
        assert_eq!(json(&search(folder.path(), &["--json"]))["nprobe"], NLIST);
    }
    fs::copy(golden.join("pq4x8_l2.index"), &index).unwrap();
    let whole = search(folder.path(), &[]);
    assert!(summary(&whole).ends_with(" ms"), "no cells: {}", summary(&whole));
    assert!(json(&search(folder.path(), &["--json"])).get("nprobe").is_none());
}

/// Changes keep the number, so that later searches visit as many cells.
#[test]
fn changes_keep_the_number() {
    let folder = tempfile::tempdir().unwrap();
    let [index, other, more] = ["an.index", "other.index", "more.npy"].map(|name| folder.path().join(name));
    npy::write(&more, &[0.25; 16], 16).unwrap();
    for kind in ["ivf8_pq4x8_l2", "opq4_8_ivf8_pq4x8_l2"] {
        write_with_nprobe(kind, 4, &index);
        write_with_nprobe(kind, 2, &other);
        let (index, other, more) = (text(&index), text(&other), text(&more));
        for change in [
            &["add", "--index", index, "--input", more][..],
            &["remove", "--index", index, "--ids", "3"],
            &["merge", "--index", index, other],
        ] {
            let output = run(&[&["index"], change, &["--json", "--device", "cpu"]].concat());
            assert_eq!(json(&output)["nprobe"], 4, "{kind}: {change:?}");
        }
    }
}

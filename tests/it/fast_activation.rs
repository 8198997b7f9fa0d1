//! `activate --fast` for indexes with and without cells. The paper's objective is expected to bring the descriptor nearer to what
//! the index stores (cosine) where there are no cells.

use std::{fs, path::Path};

use index::npy;
use serde_json::Value;

use crate::command_line::{json, run, sample, text};

const D: usize = 512;

/// Numbers in -0.5..0.5 (splitmix64, Steele et al. 2014).
fn numbers(n: usize) -> Vec<f32> {
    let number = |i: usize| {
        let mut z = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..n).map(number).collect()
}

fn train(folder: &Path, kind: &str) -> String {
    let (vectors, index) = (folder.join("training.npy"), folder.join(format!("{kind}.faiss")));
    npy::write(&vectors, &numbers(256 * D), D).unwrap();
    let output =
        run(&["index", "train", "--factory", kind, "--input", text(&vectors), "--out", text(&index)]);
    assert_eq!(output.status.code(), Some(0), "{kind}: {}", String::from_utf8_lossy(&output.stderr));
    index.display().to_string()
}

/// The row of the one image.
fn fast(out: &Path, options: &[&str]) -> Value {
    let photo = sample("17_igloo.jpg");
    let output =
        run(&[&["activate", text(&photo), "--out", text(out), "--fast", "--json"], options].concat());
    assert_eq!(output.status.code(), Some(0), "{options:?}: {}", String::from_utf8_lossy(&output.stderr));
    json(&output)["images"][0].clone()
}

#[test]
fn two_steps_approach_what_an_index_without_cells_stores() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["PQ8x4", "LSH64r", "OPQ8_64,PQ8x4"] {
        let (index, out) = (train(folder.path(), kind), folder.path().join(kind));
        let row = fast(&out, &["--index", &index]);
        assert_eq!((&row["iterations"], &row["cell"], &row["kept"]), (&2.into(), &Value::Null, &Value::Null));
        assert!(row["cosine_after"].as_f64() > row["cosine_before"].as_f64(), "{kind}: {row}");
        // A later run with other options goes on where the first ended.
        let written = fs::read(out.join("17_igloo.png")).unwrap();
        let row = fast(&out, &["--index", &index, "--resume", "--min-psnr", "45"]);
        assert_eq!(row["skipped"], true, "{kind}");
        assert!(fs::read(out.join("17_igloo.png")).unwrap() == written, "{kind}");
    }
}

#[test]
fn indexes_with_and_without_cells_are_activated_for_together() {
    let folder = tempfile::tempdir().unwrap();
    let [cells, codes] = ["IVF4,PQ8x4", "PQ8x4"].map(|kind| train(folder.path(), kind));
    let row = fast(&folder.path().join("out"), &["--index", &cells, "--index", &codes]);
    assert_eq!(row["iterations"], 2);
    assert!(row["cell"].is_u64() && row["kept"].is_number(), "{row}");
}

/// Vectors that are stored exactly are no target; the reason does not speak of cells that nobody asked for.
#[test]
fn an_index_of_exact_vectors_has_no_target() {
    let folder = tempfile::tempdir().unwrap();
    let (index, photo) = (train(folder.path(), "Flat"), sample("17_igloo.jpg"));
    let output = run(&["activate", text(&photo), "--index", &index, "--fast", "--out", "unused"]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("there is nothing to approach") && !stderr.contains("cells"), "{stderr}");
}

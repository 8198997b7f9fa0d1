//! faiss itself reads what is written here, and gives the same answers.

use std::{io::Write, path::PathBuf, process::Command};

use burn::tensor::{Device, Tensor, TensorData};
use index::{Index, Metric, Neighbours, TrainConfig, npy};
use tests::root;

/// Reads an index and queries, and writes faiss's answers.
const SCRIPT: &str = "
import sys, faiss, numpy as np
index = faiss.read_index(sys.argv[1])
if hasattr(index, 'nprobe'): index.nprobe = 4
distances, ids = index.search(np.load(sys.argv[2]), 10)
distances.tofile(sys.argv[3]); ids.tofile(sys.argv[4])
";

/// Python with faiss in an environment of its own below target/, made once; why there is none otherwise.
fn python_with_faiss() -> Result<PathBuf, String> {
    let folder = root().join("target/faiss-peer");
    let python = folder.join("bin/python");
    let run = |program: &PathBuf, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().map_err(|e| e.to_string())?;
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    };
    if run(&python, &["-c", "import faiss"]).is_ok() {
        return Ok(python);
    }
    run(&PathBuf::from("python3"), &["-m", "venv", &folder.display().to_string()])?;
    run(&python, &["-m", "pip", "install", "--quiet", "faiss-cpu", "numpy"])?;
    Ok(python)
}

/// Clustered vectors `[n, 32]`, the same every time.
fn vectors(n: usize) -> Tensor<2> {
    let value = |i: usize| {
        let (row, column) = (i / 32, i % 32);
        let noise = ((i * 2_654_435_761) >> 7) % 1000;
        ((row % 23 * 31 + column * 17) % 29) as f32 / 4.0 + noise as f32 / 500.0
    };
    Tensor::from_data(TensorData::new((0..n * 32).map(value).collect(), [n, 32]), &Device::flex())
}

#[test]
fn faiss_reads_our_files() {
    let python = match python_with_faiss() {
        Ok(python) => python,
        Err(reason) => {
            // Not `eprintln`: the test harness would swallow it.
            return writeln!(std::io::stderr(), "SKIPPED faiss_reads_our_files: no faiss-cpu: {reason}")
                .unwrap();
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let queries = vectors(50);
    npy::write_tensor(&path("queries.npy"), queries.clone()).unwrap();
    let metrics = [Metric::L2, Metric::InnerProduct];
    let kinds =
        ["Flat", "IVF16,Flat", "IVF16,PQ8x8"].into_iter().flat_map(|f| metrics.map(|metric| (f, metric)));
    for (factory, metric) in kinds {
        let config = TrainConfig { metric, ..TrainConfig::default() };
        let mut index = Index::train(&factory.parse().unwrap(), vectors(4096), &config).unwrap();
        index.add(vectors(3000)).unwrap();
        index.write(&path("index.faiss")).unwrap();
        let arguments = ["index.faiss", "queries.npy", "distances", "ids"].map(path);
        let output = Command::new(&python).args(["-c", SCRIPT]).args(&arguments).output().unwrap();
        assert!(output.status.success(), "{factory}: {}", String::from_utf8_lossy(&output.stderr));

        let ours = index.search(queries.clone(), 10, 4).unwrap();
        let distances = std::fs::read(path("distances")).unwrap();
        let distances: Vec<f32> = distances.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let ids = std::fs::read(path("ids")).unwrap();
        let ids: Vec<i64> = ids.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect();
        check(&format!("{factory} {metric}"), &ours, &distances, &ids);
    }
}

/// Same distances, and same ids wherever no neighbour in the list is as near.
fn check(kind: &str, ours: &Neighbours, distances: &[f32], ids: &[i64]) {
    assert_eq!(ours.ids.len(), ids.len());
    // Float32 sums in another order, of terms up to a few hundred.
    let close = |a: f32, b: f32| (a - b).abs() <= 1e-5 * b.abs().max(100.0);
    for i in 0..ids.len() {
        assert!(
            close(ours.distances[i], distances[i]),
            "{kind}, {i}: {} for {}",
            ours.distances[i],
            distances[i]
        );
        let row = i / ours.k * ours.k..(i / ours.k + 1) * ours.k;
        let is_last = i + 1 == row.end;
        let tied = is_last || row.into_iter().any(|j| j != i && close(distances[j], distances[i]));
        assert!(ours.ids[i] == ids[i] || tied, "{kind}, {i}: id {} for {}", ours.ids[i], ids[i]);
    }
}

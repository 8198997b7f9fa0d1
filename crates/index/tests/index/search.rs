//! Searches compared with an exhaustive search in double precision over the decoded vectors.

use active_index_index::{Index, Metric, Target};

use crate::data::{
    D, DECODED_KINDS, KINDS, METRICS, NLIST, bytes, empty, filled, from_bytes, is_inverted, rows, tensor,
    under_metrics, values, vectors,
};

/// Number of vectors stored.
const N: usize = 200;

/// Error of float32 sums of [`D`] products, for values of order 1.
const TOLERANCE: f64 = 1e-5;

/// Sort key in double precision; smaller is nearer.
fn key(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let pairs = a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
    match metric {
        Metric::L2 => pairs.map(|(a, b)| (a - b).powi(2)).sum(),
        Metric::InnerProduct => -pairs.map(|(a, b)| a * b).sum::<f64>(),
    }
}

/// Cell and decoded vector of every id, and the centroid of every cell.
struct Contents {
    metric: Metric,
    cells: Vec<usize>,
    decoded: Vec<Vec<f32>>,
    centroids: Vec<Vec<f32>>,
}

impl Contents {
    fn of(index: &Index) -> Self {
        let decoded = (0..N as i64).map(|id| index.reconstruct(id).expect("stored")).collect();
        let mut centroids = vec![vec![0.0; D]; NLIST];
        let mut cells = vec![0; N];
        if let Some(found) = index.cells(vectors(N, 2)).expect("assigns") {
            cells = found.iter().map(|&cell| cell as usize).collect();
            let nearest =
                values(index.target(vectors(N, 2), Target::Centroid).expect("has centroids").points);
            cells.iter().zip(nearest.chunks(D)).for_each(|(&cell, c)| centroids[cell] = c.to_vec());
            assert!((0..NLIST).all(|cell| cells.contains(&cell)), "every cell shows its centroid");
        }
        Self { metric: index.metric(), cells, decoded, centroids }
    }

    /// Ids and keys of the entries in the `nprobe` nearest cells, nearest first.
    fn search(&self, query: &[f32], nprobe: usize) -> Vec<(i64, f64)> {
        let mut order: Vec<usize> = (0..NLIST).collect();
        let by_cell = |&cell: &usize| key(self.metric, query, &self.centroids[cell]);
        order.sort_by(|a, b| by_cell(a).total_cmp(&by_cell(b)));
        let visited = |&id: &usize| order[..nprobe].contains(&self.cells[id]);
        let mut found: Vec<(i64, f64)> = (0..N)
            .filter(visited)
            .map(|id| (id as i64, key(self.metric, query, &self.decoded[id])))
            .collect();
        found.sort_by(|a, b| a.1.total_cmp(&b.1));
        found
    }
}

fn check(index: &Index, k: usize, nprobe: usize) {
    let contents = Contents::of(index);
    let visited = if index.nlist().is_some() { nprobe.min(NLIST) } else { NLIST };
    let queries = rows(30, 9);
    let found = index.search(tensor(&queries), k, nprobe).expect("searches");
    assert_eq!((found.k, found.ids.len(), found.distances.len()), (k, 30 * k, 30 * k));
    for (number, query) in queries.chunks_exact(D).enumerate() {
        let expected = contents.search(query, visited);
        check_row(index.metric(), found.ids_of(number), found.distances_of(number), &expected);
    }
}

/// Compares the neighbours of one query; ids may differ only in ties.
fn check_row(metric: Metric, ids: &[i64], distances: &[f32], expected: &[(i64, f64)]) {
    let sign = if metric == Metric::L2 { 1.0 } else { -1.0 };
    let present = expected.len().min(ids.len());
    for ((&id, &distance), &(expected_id, key)) in ids.iter().zip(distances).zip(expected) {
        assert!((f64::from(distance) * sign - key).abs() < TOLERANCE, "{distance} for {key}");
        let tied = expected.iter().any(|&(other, near)| other == id && (near - key).abs() < TOLERANCE);
        assert!(id == expected_id || tied, "id {id} for {expected_id}");
    }
    let worst = if metric == Metric::L2 { f32::MAX } else { f32::MIN };
    assert!(ids[present..].iter().all(|&id| id == -1));
    assert!(distances[present..].iter().all(|&distance| distance == worst));
    let mut unique: Vec<i64> = ids[..present].to_vec();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), present, "no id twice");
}

#[test]
fn neighbours_are_those_of_an_exhaustive_search() {
    for (kind, metric) in under_metrics(&DECODED_KINDS) {
        let index = filled(kind, metric, N);
        for (k, nprobe) in [(1, 1), (5, 1), (5, 2), (7, 3), (10, 4), (3, 1000)] {
            check(&index, k, nprobe);
        }
    }
}

#[test]
fn k_may_exceed_the_number_of_entries() {
    for (kind, metric) in under_metrics(&DECODED_KINDS) {
        let index = filled(kind, metric, N);
        check(&index, N + 50, 1);
        check(&index, N + 50, 4);
    }
    for (kind, metric) in under_metrics(&KINDS) {
        let found = filled(kind, metric, 5).search(vectors(2, 3), 7, NLIST).expect("searches");
        assert!([0, 7].into_iter().all(|query| found.ids[query + 5..query + 7] == [-1; 2]), "{kind}");
        let nothing = empty(kind, metric).search(vectors(2, 3), 3, 1).expect("searches nothing");
        assert_eq!(nothing.ids, [-1; 6]);
    }
}

/// faiss supports product-quantiser codes of the vectors instead of residuals; only a file can select them.
#[test]
fn codes_without_residuals_can_be_searched() {
    for metric in METRICS {
        let mut file = bytes(&filled("IVF4,PQ2x8", metric, N));
        let by_residual = 4 + 33 + 16 + (4 + 33 + 8 + NLIST * D * 4) + 9;
        assert_eq!(file[by_residual], 1);
        file[by_residual] = 0;
        let index = from_bytes(&file).expect("reads");
        for nprobe in [1, 2, 4] {
            check(&index, 6, nprobe);
        }
        let target = values(index.target(vectors(10, 2), Target::Reconstruction).expect("decodes").points);
        assert_eq!(target.len(), 10 * D);
        assert_eq!(bytes(&index), file);
    }
}

/// The matrix product has errors of about 1e-7 of the squared norms; the returned distances must not.
#[test]
fn tiny_distances_are_exact() {
    let mut stored = rows(100, 4);
    stored.iter_mut().for_each(|value| *value += 30.0);
    let mut near = stored.clone();
    near.iter_mut().step_by(D).for_each(|value| *value += 1e-3);
    for kind in ["Flat", "IVF4,Flat", "IVF4_HNSW4,Flat", "Flat,RFlat"] {
        let mut index = Index::train(&kind.parse().expect("parses"), tensor(&stored), &Default::default())
            .expect("trains");
        index.add(tensor(&stored)).expect("adds");
        let found = index.search(tensor(&near), 1, 4).expect("searches");
        for (id, (&nearest, &distance)) in found.ids.iter().zip(&found.distances).enumerate() {
            assert_eq!(nearest, id as i64, "{kind}");
            let moved = near[id * D] - stored[id * D];
            assert!((distance - moved * moved).abs() < 1e-11, "{kind}: {distance}");
        }
    }
}

#[test]
fn no_queries_give_no_neighbours() {
    for kind in KINDS {
        let found = filled(kind, Metric::L2, 10).search(vectors(0, 3), 5, 2).expect("searches");
        assert!(found.ids.is_empty() && found.distances.is_empty());
    }
}

#[test]
fn invalid_arguments_are_errors() {
    for kind in KINDS {
        let index = filled(kind, Metric::L2, 10);
        assert!(index.search(vectors(1, 3), 0, 1).is_err(), "{kind}: k 0");
        assert!(index.search(vectors(1, 3), usize::MAX, 1).is_err(), "{kind}: absurd k");
        assert!(!is_inverted(kind) || index.search(vectors(1, 3), 1, 0).is_err(), "{kind}: nprobe 0");
        let mut queries = rows(3, 3);
        queries[2 * D + 1] = f32::NAN;
        let message = index.search(tensor(&queries), 1, 1).expect_err("NaN").to_string();
        assert_eq!(message, "queries: row 2 contains a value that is not finite");
        let narrow = vectors(2, 3).slice([0..2, 0..D - 1]);
        let message = index.search(narrow, 1, 1).expect_err("narrow").to_string();
        assert_eq!(message, "queries: expected dimension 8, found 7");
    }
}

/// Kinds of graphs of entries, under both metrics.
const GRAPHS: [&str; 5] = ["HNSW4,Flat", "HNSW16,Flat", "HNSW8,SQ8", "HNSW8,SQfp16", "HNSW8,PQ2x8"];

/// Inner products of short vectors leave some entries without links to them, so only most are found.
#[test]
fn a_graph_searched_widely_finds_what_an_exhaustive_search_finds() {
    for kind in GRAPHS {
        let mut index = empty(kind, Metric::L2);
        // In pieces, so that the graph grows.
        for (start, end) in [(0, 1), (1, 50), (50, N)] {
            index.add(tensor(&rows(N, 2)[start * D..end * D])).expect("adds");
        }
        index.set_ef_search(N).expect("has a graph");
        let index = from_bytes(&bytes(&index)).expect("a sound graph");
        assert_eq!(index.ef_search(), Some(N));
        for k in [1, 10, N] {
            check(&index, k, 1);
        }
    }
}

#[test]
fn a_narrow_search_of_a_graph_finds_most() {
    for (kind, metric) in under_metrics(&GRAPHS) {
        let index = filled(kind, metric, 2000);
        let exact = filled(kind.split_once(',').expect("codes").1, metric, 2000);
        let find = |index: &Index| index.search(vectors(100, 3), 10, 1).expect("searches");
        let (found, expected) = (find(&index), find(&exact));
        let hits = |query: usize| {
            let expected = expected.ids_of(query);
            found.ids_of(query).iter().filter(|id| expected.contains(id)).count()
        };
        let recall = (0..100).map(hits).sum::<usize>() as f64 / 1000.0;
        assert!(recall > 0.7, "{kind}, {metric}: {recall}");
    }
}

/// As in faiss, which throws.
#[test]
fn nothing_is_removed_from_a_graph() {
    for kind in ["HNSW4,Flat", "PCA4,HNSW4,SQfp16,RFlat"] {
        let mut index = filled(kind, Metric::L2, 20);
        let refused = index.remove(&[3]).expect_err("refused").to_string();
        assert!(
            refused.ends_with("HNSW4,Flat does not support removing entries") || kind != "HNSW4,Flat",
            "{refused}"
        );
        assert!(refused.contains("does not support removing entries"), "{refused}");
        assert_eq!(index.ntotal(), 20);
    }
    for kind in ["Flat", "IVF4_HNSW4,Flat"] {
        let mut index = filled(kind, Metric::L2, 20);
        assert_eq!(index.ef_search(), None);
        let refused = index.set_ef_search(5).expect_err("no graph").to_string();
        assert_eq!(
            refused,
            format!("index {kind} does not support efSearch: it has no HNSW graph of its entries")
        );
    }
    let mut index = filled("HNSW4,Flat", Metric::L2, 20);
    assert!(index.set_ef_search(0).is_err() && index.set_ef_search(1 << 40).is_err());
}

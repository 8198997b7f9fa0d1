//! Recall of graphs built here, and validation of hostile graphs.

use rand::RngExt;

use super::*;
use crate::{metric::Metric, quantise::random_streams::seeded};

const D: usize = 16;

fn points(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = seeded(seed, 0);
    (0..n * D).map(|_| rng.random_range(-1.0..1.0)).collect()
}

fn build(centroids: &[f32], metric: Metric, m: usize) -> Hnsw {
    Hnsw::build(centroids, D, metric, &HnswConfig { m, ..HnswConfig::default() }).expect("builds")
}

/// Ids of the `k` nearest centroids by exhaustive search.
fn exact(centroids: &[f32], metric: Metric, query: &[f32], k: usize) -> Vec<usize> {
    let mut keys: Vec<(f32, usize)> =
        centroids.chunks(D).map(|c| metric.key(metric.distance(query, c))).zip(0..).collect();
    keys.sort_by(|a, b| a.0.total_cmp(&b.0));
    keys.iter().take(k).map(|&(_, id)| id).collect()
}

#[test]
fn the_nearest_centroids_are_found() {
    for (metric, m) in [(Metric::L2, 32), (Metric::InnerProduct, 32), (Metric::L2, 8)] {
        let (centroids, queries) = (points(1000, 1), points(200, 2));
        let graph = build(&centroids, metric, m);
        graph.validate(1000).expect("valid");
        let mut hits = 0;
        for query in queries.chunks(D) {
            let found = graph.search(&centroids, metric, query, 10).expect("searches");
            assert!(found.is_sorted_by_key(|&(_, distance)| metric.key(distance)));
            assert!(found.iter().all(|&(id, distance)| {
                distance == metric.distance(query, &centroids[id * D..(id + 1) * D])
            }));
            let expected = exact(&centroids, metric, query, 10);
            hits += found.iter().filter(|(id, _)| expected.contains(id)).count();
        }
        let recall = hits as f64 / 2000.0;
        assert!(recall > if m == 8 { 0.75 } else { 0.93 }, "{metric} {m}: {recall}");
    }
}

#[test]
fn a_search_for_all_finds_all() {
    for n in [0, 1, 2, 70] {
        let centroids = points(n, 1);
        let graph = build(&centroids, Metric::L2, 4);
        graph.validate(n).expect("valid");
        let wide = Hnsw { ef_search: 100, ..graph };
        let mut ids: Vec<usize> = wide
            .search(&centroids, Metric::L2, &[0.5; D], 100)
            .expect("searches")
            .iter()
            .map(|&(id, _)| id)
            .collect();
        assert_eq!(ids, exact(&centroids, Metric::L2, &[0.5; D], n));
        ids.sort_unstable();
        assert_eq!(ids, Vec::from_iter(0..n));
    }
}

#[test]
fn the_seed_determines_the_graph() {
    let centroids = points(300, 1);
    let graph = |seed| {
        let config = HnswConfig { m: 4, seed, ..HnswConfig::default() };
        Hnsw::build(&centroids, D, Metric::L2, &config).expect("builds")
    };
    assert_eq!(graph(1), graph(1));
    assert_ne!(graph(1), graph(2));
}

#[test]
fn equal_points_end_the_search() {
    let centroids = vec![0.25; 200 * D];
    let graph = build(&centroids, Metric::L2, 4);
    graph.validate(200).expect("valid");
    assert!(!graph.search(&centroids, Metric::L2, &[0.25; D], 5).expect("searches").is_empty());
}

#[test]
fn arguments_out_of_range_are_errors() {
    let centroids = points(10, 1);
    for config in [
        HnswConfig { m: 1, ..HnswConfig::default() },
        HnswConfig { m: usize::MAX, ..HnswConfig::default() },
        HnswConfig { ef_construction: 0, ..HnswConfig::default() },
        HnswConfig { ef_search: -1, ..HnswConfig::default() },
    ] {
        assert!(Hnsw::build(&centroids, D, Metric::L2, &config).is_err(), "{config:?}");
    }
    let config = HnswConfig::default();
    assert!(Hnsw::build(&centroids, 0, Metric::L2, &config).is_err());
    assert!(Hnsw::build(&centroids[1..], D, Metric::L2, &config).is_err());
    let graph = build(&centroids, Metric::L2, 4);
    assert!(graph.search(&centroids[D..], Metric::L2, &[0.0; D], 1).is_err());
    assert!(graph.search(&centroids, Metric::L2, &[0.0; 1], 1).is_err());
}

/// Corruption of a valid graph.
type Damage = fn(&mut Hnsw);

#[test]
fn corrupt_fields_are_errors() {
    let damages: [Damage; 16] = [
        |g| g.cum_nneighbor_per_level.clear(),
        |g| g.cum_nneighbor_per_level[1] = -1,
        |g| g.cum_nneighbor_per_level[0] = 1,
        |g| g.levels[3] = 0,
        |g| g.levels[3] = 1000,
        |g| g.levels.truncate(9),
        |g| g.offsets[4] += 1,
        |g| g.offsets[0] = u64::MAX,
        |g| g.offsets.truncate(9),
        |g| g.neighbors.truncate(9),
        |g| g.neighbors[2] = 300,
        |g| g.neighbors[2] = -2,
        |g| g.entry_point = 300,
        |g| g.entry_point = -1,
        |g| g.max_level += 1,
        |g| g.ef_search = 0,
    ];
    let good = build(&points(300, 1), Metric::L2, 4);
    for (number, damage) in damages.into_iter().enumerate() {
        let mut graph = good.clone();
        damage(&mut graph);
        assert!(graph.validate(300).is_err(), "damage {number}");
    }
    assert!(good.validate(299).is_err());
    assert!(good.validate(usize::MAX).is_err());
}

#[test]
fn an_upper_level_leads_only_to_vertices_on_it() {
    let mut graph = build(&points(300, 1), Metric::L2, 4);
    let low = graph.levels.iter().position(|&levels| levels == 1).expect("most are low");
    let slot = graph.slots(graph.entry_point as usize, 1).start;
    graph.neighbors[slot] = low as i32;
    assert!(graph.validate(300).is_err());
}

/// A search over random edges terminates, even with points that are not finite.
#[test]
fn any_valid_graph_can_be_searched() {
    let mut rng = seeded(9, 0);
    let mut centroids = points(120, 1);
    centroids[D] = f32::NAN;
    centroids[2 * D] = f32::INFINITY;
    for _ in 0..50 {
        let mut graph = build(&centroids, Metric::L2, 3);
        for slot in &mut graph.neighbors {
            *slot = rng.random_range(-1..120);
        }
        if graph.validate(120).is_err() {
            graph.levels.fill(1);
            graph.max_level = 0;
            graph.offsets = (0..=120).map(|v| v * 6).collect();
            graph.neighbors.truncate(720);
        }
        graph.validate(120).expect("valid");
        for k in [0, 1, 500] {
            assert!(
                graph.search(&centroids, Metric::L2, &[0.1; D], k).expect("searches").len() <= k.min(120)
            );
        }
    }
}

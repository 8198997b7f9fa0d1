//! Answers equal those of one index of all live entries, whose nearest codes are ranked by descriptors.

use std::collections::BTreeMap;

use active_index_collection::{Collection, FindSettings};
use half::f16;
use index::{Index, Metric};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::fixtures::{D, descriptors, entries, findings, open, quantiser, tensor};

/// Cosine of a query and a descriptor after rounding to float16, in float64.
fn cosine(query: &[f32], descriptor: &[f32]) -> f64 {
    let pairs = || query.iter().zip(descriptor).map(|(q, s)| (f64::from(*q), f16::from_f32(*s).to_f64()));
    let sum = |term: fn((f64, f64)) -> f64| pairs().map(term).sum::<f64>();
    sum(|(q, s)| q * s) / (sum(|(q, _)| q * q) * sum(|(_, s)| s * s)).sqrt()
}

/// The `k` largest cosines among the `max(10 k, 100)` nearest codes of one index of the live entries.
fn expected(
    quantiser: &Index,
    live: &BTreeMap<i64, Vec<f32>>,
    query: &[f32],
    settings: &FindSettings,
) -> Vec<(i64, f64)> {
    let mut index = quantiser.emptied();
    let ids: Vec<i64> = live.keys().copied().collect();
    let rows: Vec<f32> = live.values().flatten().copied().collect();
    index.add_with_ids(tensor(&rows), &ids).expect("adds");
    let compared = (10 * settings.k).max(100);
    let found = index.search(tensor(query), compared, settings.nprobe).expect("searches");
    let ids = found.ids.iter().filter(|&&id| id >= 0);
    let mut ranked: Vec<(i64, f64)> = ids.map(|&id| (id, cosine(query, &live[&id]))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.truncate(settings.k);
    ranked
}

/// Compares answers, whose distances and cosines may differ by rounding.
fn compare(collection: &Collection, live: &BTreeMap<i64, Vec<f32>>, queries: &[f32]) {
    for (k, nprobe) in [(1, 1), (5, 4), (30, 16)] {
        let settings = FindSettings { k, nprobe, ..FindSettings::default() };
        let found = collection.find(tensor(queries), &settings).expect("finds");
        for (query, found) in queries.chunks_exact(D).zip(found) {
            let expected = expected(collection.quantiser(), live, query, &settings);
            assert_eq!(found.len(), expected.len());
            for (found, (id, cosine)) in found.iter().zip(expected) {
                assert!((f64::from(found.cosine) - cosine).abs() < 1e-5, "{found:?} for {id} {cosine}");
                assert_eq!(found.id, id);
            }
        }
    }
}

/// Adds, withdraws, restores and compacts at random.
fn change(kind: &str, metric: Metric, seed: u64) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("collection");
    let writer = Collection::create(&path, &quantiser(kind, metric)).expect("creates");
    writer.set_segment_entries(100).expect("sets");
    let reader = open(&path);
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut live, mut withdrawn) = (BTreeMap::new(), BTreeMap::new());
    let queries = descriptors(6, 1000 + seed);
    for step in 0..12 {
        let n = rng.random_range(1..120);
        let rows = descriptors(n, 31 * seed + step);
        let stored = writer.store(&entries(0..n), tensor(&rows)).expect("stores");
        live.extend(stored.iter().map(|stored| stored.id()).zip(rows.chunks_exact(D).map(<[f32]>::to_vec)));
        let chosen = |rng: &mut StdRng, from: &BTreeMap<i64, Vec<f32>>, share: f64| -> Vec<i64> {
            from.keys().copied().filter(|_| rng.random_bool(share)).collect()
        };
        let gone = chosen(&mut rng, &live, 0.1);
        reader.withdraw(&gone).expect("withdraws");
        withdrawn.extend(gone.iter().filter_map(|id| live.remove_entry(id)));
        let back = chosen(&mut rng, &withdrawn, 0.3);
        writer.restore(&back).expect("restores");
        live.extend(back.iter().filter_map(|id| withdrawn.remove_entry(id)));
        if step % 5 == 4 {
            reader.compact().expect("compacts");
            withdrawn.clear();
        }
        compare(&writer, &live, &queries);
        compare(&reader, &live, &queries);
    }
    assert_eq!(findings(&reader), [""; 0]);
    let ids: Vec<i64> = live.keys().copied().collect();
    let mut exported = writer.export().expect("exports").ids();
    exported.sort_unstable();
    assert_eq!(exported, ids);
}

#[test]
fn answers_are_those_of_one_index_whatever_the_segments() {
    for seed in 1..4 {
        change("IVF16,PQ4x4", Metric::L2, seed);
    }
    change("IVF16,PQ4x4", Metric::InnerProduct, 4);
    change("OPQ4_16,IVF16,PQ4x4", Metric::L2, 5);
    change("IVF16_HNSW8,SQ8", Metric::L2, 6);
}

//! Answers equal those of one index of all live entries, whose nearest codes are ranked by descriptors.

use std::collections::BTreeMap;

use active_index_collection::{Collection, FindSettings, Indexed};
use half::f16;
use index::{Index, Metric};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::fixtures::{D, descriptors, entries, findings, quantiser, tensor, wait_for_others};
use crate::place::{FACTORIES, FACTORY, Place};

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
    let place = Place::new();
    let writer = place.create(&quantiser(kind, metric), None).expect("creates");
    writer.set_segment_entries(100).expect("sets");
    let reader = place.open();
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
        if step % 5 == 2 {
            reader.index(0, 1).expect("indexes");
        }
        if step % 5 == 4 {
            reader.compact().expect("compacts");
            withdrawn.clear();
        }
        wait_for_others();
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
fn entries_are_indexed_at_once() {
    let place = Place::new();
    let shop = place.create(&quantiser(FACTORY, Metric::L2), None).expect("creates");
    shop.set_segment_entries(1_000_000).expect("sets");
    let rows = descriptors(500, 7);
    let stored = shop.store(&entries(0..500), tensor(&rows)).expect("stores");
    let ids: Vec<i64> = stored.iter().map(|stored| stored.id()).collect();
    assert_eq!((shop.info().expect("counts").segments, shop.info().expect("counts").fresh), (0, 500));
    assert_eq!(shop.index(0, 1).expect("indexes"), Indexed { entries: 500, waiting: Vec::new() });
    let info = shop.info().expect("counts");
    assert_eq!((info.segments, info.fresh, info.live), (1, 0, 500));
    let live: BTreeMap<i64, Vec<f32>> =
        ids.into_iter().zip(rows.chunks_exact(D).map(<[f32]>::to_vec)).collect();
    compare(&shop, &live, &descriptors(6, 8));
    assert_eq!(shop.index(0, 1).expect("finds nothing to index"), Indexed::default());
    assert_eq!(shop.info().expect("counts").segments, 1);
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn shares_that_do_not_exist_are_refused() {
    let place = Place::new();
    let shop = place.create(&quantiser(FACTORY, Metric::L2), None).expect("creates");
    for (share, of) in [(0, 0), (2, 2), (5, 2), (0, 65_537), (u32::MAX, u32::MAX)] {
        let refused = shop.index(share, of).expect_err("there is no such share").to_string();
        assert!(
            refused.starts_with("share must be below 2") || refused.contains("from 1 to 65536"),
            "{refused}"
        );
    }
}

#[test]
fn answers_are_those_of_one_index_whatever_the_segments() {
    for seed in 1..3 {
        change(FACTORY, Metric::L2, seed);
    }
    for ((kind, metric), seed) in FACTORIES.into_iter().zip(3..) {
        change(kind, metric, seed);
    }
}

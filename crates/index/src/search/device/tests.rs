//! Device searches run on the CPU and compared with host searches.

use burn::tensor::{Device, Tensor};
use device_math::transfer::upload_matrix;
use rand::RngExt;

use super::*;
use crate::{
    index::{Index, MergedIds},
    kinds::device_entries::device_entries,
    quantise::{TrainConfig, random_streams::seeded},
};

const D: usize = 18;

const KINDS: [&str; 15] = [
    "Flat",
    "SQ8",
    "SQ4",
    "PQ3",
    "PQ6x5",
    "IVF7,Flat",
    "IVF7,SQ8",
    "IVF7,SQ6",
    "IVF7,SQfp16",
    "IVF7,PQ3",
    "IVF7,PQ6x4",
    "OPQ3,IVF7,PQ3",
    "PCA9,Flat",
    "PCAR12,IVF7,PQ3",
    "L2norm,RR18,SQ8",
];

fn vectors(n: usize, seed: u64) -> Tensor<2> {
    let mut rng = seeded(seed, 0);
    upload_matrix((0..n * D).map(|_| rng.random_range(-1.0..1.0)).collect(), D, &Device::flex())
}

fn trained(factory: &str, metric: Metric) -> Index {
    let config = TrainConfig { metric, ..TrainConfig::default() };
    Index::train(&factory.parse().expect("a factory"), vectors(600, 1), &config).expect("trains")
}

/// Distances must agree within 2e-5, more than the error of float32 sums of products of norms below `D`, and
/// ids must agree wherever no other distance is as near.
fn assert_same(name: &str, found: &Neighbours, expected: &Neighbours) {
    const TOLERANCE: f32 = 2e-5;
    assert_eq!((found.k, found.ids.len()), (expected.k, expected.ids.len()), "{name}");
    for query in 0..found.ids.len() / found.k {
        let (near, wanted) = (found.distances_of(query), expected.distances_of(query));
        for rank in 0..found.k {
            assert!((near[rank] - wanted[rank]).abs() <= TOLERANCE, "{name}: {near:?}, {wanted:?}");
            let tied = |other: usize| {
                wanted.get(other).is_none_or(|other| (other - wanted[rank]).abs() <= 2.0 * TOLERANCE)
            };
            if wanted[rank].abs() == f32::MAX || !(tied(rank.wrapping_sub(1)) && rank > 0 || tied(rank + 1)) {
                let ids = (found.ids_of(query)[rank], expected.ids_of(query)[rank]);
                assert_eq!(ids.0, ids.1, "{name}, query {query}, rank {rank}");
            }
        }
    }
}

fn check(name: &str, index: &Index, queries: &Tensor<2>, k: usize, nprobe: usize) {
    let name = format!("{name}, {}, ntotal {}, k {k}, nprobe {nprobe}", index.metric(), index.ntotal());
    let found = index.search_on_device(queries.clone(), k, nprobe).expect(&name);
    let expected = index.search(queries.clone(), k, nprobe).expect(&name);
    assert_same(&name, &index.read_neighbours(found).expect(&name), &expected);
}

#[test]
fn every_kind_finds_what_the_host_finds() {
    let queries = vectors(41, 3);
    for factory in KINDS {
        for metric in [Metric::L2, Metric::InnerProduct] {
            let mut index = trained(factory, metric);
            check(factory, &index, &queries, 3, 2);
            // Fewer entries than cells, so that most lists are empty, and fewer than k.
            index.add(vectors(5, 4)).expect("adds");
            check(factory, &index, &queries, 10, 3);
            index.add(vectors(700, 2)).expect("adds");
            for (k, nprobe) in [(1, 1), (10, 1), (1, 3), (10, 3), (10, 7), (128, 100)] {
                check(factory, &index, &queries, k, nprobe);
            }
        }
    }
}

#[test]
fn changes_reach_the_device() {
    let queries = vectors(9, 3);
    for factory in ["Flat", "IVF7,PQ3"] {
        let mut index = trained(factory, Metric::L2);
        let other = index.clone();
        index.add(vectors(50, 2)).expect("adds");
        check(factory, &index, &queries, 5, 7);
        index.remove(&[3, 7, 49]).expect("removes");
        check(factory, &index, &queries, 5, 7);
        let mut more = other.clone();
        more.add(vectors(30, 5)).expect("adds");
        index.merge(more, MergedIds::Behind).expect("merges");
        check(factory, &index, &queries, 80, 7);
        check(factory, &other, &queries, 5, 7);
    }
}

/// Uses caller-supplied ids, and one list longer than a step.
#[test]
fn long_lists_are_visited_in_steps() {
    let mut index = trained("IVF7,Flat", Metric::L2);
    let near = vectors(1, 9).repeat_dim(0, 6000) + vectors(6000, 10) * 0.01;
    let ids: Vec<i64> = (0..6000).map(|i| (1 << 40) | (i * 3)).collect();
    index.add_with_ids(near.clone(), &ids).expect("adds");
    check("long", &index, &vectors(600, 9), 5, 2);
    let found = index.search_on_device(near.narrow(0, 77, 1), 1, 1).expect("searches");
    assert_eq!(index.read_neighbours(found).expect("reads").ids, [1 << 40 | 231]);
}

#[test]
fn invalid_arguments_are_refused() {
    let mut index = trained("IVF7,PQ3", Metric::L2);
    index.add(vectors(50, 2)).expect("adds");
    let ask = |queries: Tensor<2>, k, nprobe| index.search_on_device(queries, k, nprobe);
    assert!(ask(vectors(2, 3), 0, 1).is_err());
    assert!(ask(vectors(2, 3), MAX_K + 1, 1).is_err());
    assert!(ask(vectors(2, 3), 1, 0).is_err());
    assert!(ask(vectors(2, 3).slice([0..2, 0..5]), 1, 1).is_err());
    let stale = ask(vectors(2, 3), 50, 7).expect("searches");
    index.remove(&(0..40).collect::<Vec<i64>>()).expect("removes");
    assert!(index.read_neighbours(stale).is_err());
    for factory in ["LSH18", "IVF7,PQ3x4fs", "PQ3,RFlat", "IVF7_HNSW4,Flat"] {
        let found = trained(factory, Metric::L2).search_on_device(vectors(2, 3), 1, 1);
        assert!(matches!(found, Err(Error::Unsupported { .. })), "{factory}");
    }
}

/// A non-finite query is named in the error, whatever its value, and does not affect the neighbours of the
/// others.
#[test]
fn queries_that_are_not_finite_are_named() {
    for factory in ["Flat", "L2norm,Flat", "PCA9,Flat", "IVF7,PQ3"] {
        let mut index = trained(factory, Metric::L2);
        index.add(vectors(50, 2)).expect("adds");
        let device =
            DeviceIndex::new(device_entries(&index.kind).expect("a kind for devices"), &Device::flex())
                .expect("a kind for devices");
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let row = Tensor::<2>::full([1, D], wrong, &Device::flex());
            let queries = Tensor::cat(vec![vectors(3, 3), row, vectors(2, 4)], 0);
            let found = device.search(queries.clone(), 4, 2);
            assert!(matches!(found, Err(Error::NotFinite { row: 3, .. })), "{factory}: {found:?}");
            let found = index.search_on_device(queries, 4, 2).expect("searches");
            let found = index.read_neighbours(found).expect("reads");
            let expected = index.search(vectors(3, 3), 4, 2).expect("searches");
            let three =
                Neighbours { k: 4, distances: found.distances[..12].to_vec(), ids: found.ids[..12].to_vec() };
            assert_same(factory, &three, &expected);
        }
    }
}

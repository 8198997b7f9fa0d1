//! Recall and mean average precision.

use active_index_evaluation::{
    Error,
    retrieval::{Measures, measure, rank},
};
use burn::tensor::{Device, Tensor};
use index::{Index, TrainConfig};

/// Average precision from its definition: the mean over relevant entries of the precision at their rank.
fn average_precision(relevant: &[bool]) -> f64 {
    let hits = relevant.iter().filter(|hit| **hit).count();
    let precision_at =
        |place: usize| relevant[..=place].iter().filter(|hit| **hit).count() as f64 / (place + 1) as f64;
    let sum: f64 = (0..relevant.len()).filter(|place| relevant[*place]).map(precision_at).sum();
    sum / hits.max(1) as f64
}

#[test]
fn ranks_agree_with_the_definitions() {
    let ids: Vec<i64> = (0..100).collect();
    let truth = [0, 9, 10, 99, 100, -1, 3, 0];
    let ranks: Vec<_> = truth.iter().map(|id| rank(&ids, *id)).collect();
    let found = Measures::from_ranks(&ranks).expect("measures");
    let recall =
        |k: usize| truth.iter().filter(|id| ids[..k].contains(id)).count() as f64 / truth.len() as f64;
    assert_eq!((found.r1, found.r10, found.r100, found.queries), (recall(1), recall(10), recall(100), 8));
    let precision = |id: &i64| average_precision(&ids.iter().map(|found| found == id).collect::<Vec<_>>());
    let map = truth.iter().map(precision).sum::<f64>() / truth.len() as f64;
    assert!((found.map - map).abs() < 1e-12);
}

#[test]
fn misses_duplicates_and_missing_neighbours() {
    assert_eq!(rank(&[5, 7, 7, -1], 7), Some(2));
    assert_eq!(rank(&[5, -1, -1], -1), None);
    assert_eq!(rank(&[], 0), None);
    let far = Measures::from_ranks(&[Some(101), None]).expect("measures");
    assert_eq!((far.r1, far.r10, far.r100, far.map), (0.0, 0.0, 0.0, 0.0));
    assert!(matches!(Measures::from_ranks(&[]), Err(Error::NoQueries)));
}

#[test]
fn the_mean_weighs_transformations_equally() {
    let all = Measures::from_ranks(&[Some(1)]).expect("all");
    let half = Measures::from_ranks(&[Some(1), None]).expect("half");
    let mean = Measures::mean(&[all, half]).expect("mean");
    assert_eq!((mean.r1, mean.map, mean.queries), (0.75, 0.75, 3));
    assert!(matches!(Measures::mean(&[]), Err(Error::NoQueries)));
}

/// `n` points on a line: neighbour j of point i is |i - j| away.
fn line(n: usize) -> Tensor<2> {
    let rows: Vec<f32> = (0..n).flat_map(|i| [i as f32, 0.0]).collect();
    Tensor::<1>::from_floats(rows.as_slice(), &Device::flex()).reshape([n, 2])
}

fn flat(vectors: Tensor<2>) -> Index {
    let factory = "Flat".parse().expect("factory");
    let mut index = Index::train(&factory, vectors.clone(), &TrainConfig::default()).expect("train");
    index.add(vectors).expect("add");
    index
}

#[test]
fn an_index_is_measured() {
    let index = flat(line(300));
    let first = line(300).slice_dim(0, 0..4);
    let found = measure(&index, first.clone(), &[0, 1, 2, 3], 1).expect("measure");
    assert_eq!((found.r1, found.map), (1.0, 1.0));
    // from the end of the line, id 5 ranks sixth and id 200 is beyond the hundred
    let end = first.slice_dim(0, 0..1).repeat_dim(0, 2);
    let found = measure(&index, end, &[5, 200], 1).expect("measure");
    assert_eq!((found.r1, found.r10, found.r100), (0.0, 0.5, 0.5));
    assert!((found.map - 1.0 / 12.0).abs() < 1e-12);
}

#[test]
fn equal_distances_rank_in_the_order_of_the_index() {
    let index = flat(line(1).repeat_dim(0, 5));
    let found = measure(&index, line(1).repeat_dim(0, 5), &[0, 1, 2, 3, 4], 1).expect("measure");
    let harmonic = (1..=5).map(|rank| 1.0 / f64::from(rank)).sum::<f64>() / 5.0;
    assert_eq!((found.r1, found.r10), (0.2, 1.0));
    assert!((found.map - harmonic).abs() < 1e-12);
}

#[test]
fn queries_and_truth_must_pair_up() {
    let index = flat(line(10));
    assert!(matches!(
        measure(&index, line(2), &[0], 1),
        Err(Error::TruthLength { descriptors: 2, truth: 1 })
    ));
    assert!(matches!(measure(&index, line(2).slice_dim(0, 0..0), &[], 1), Err(Error::NoQueries)));
    let wider = line(2).repeat_dim(1, 2);
    assert!(matches!(measure(&index, wider, &[0, 1], 1), Err(Error::Index(_))));
}

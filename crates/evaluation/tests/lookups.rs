//! Figures of lookups that are made up.

use active_index_evaluation::{
    Error,
    bootstrap::Bootstrap,
    find::{Basis, Figures, FoundEntry, Lookup},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn found(id: i64, e_value: f64) -> FoundEntry {
    FoundEntry {
        id,
        is_match: e_value <= 1e-3,
        e_value,
        cosine: 0.5,
        look: "whole picture".to_owned(),
        inliers: None,
        is_related: false,
    }
}

/// A lookup of edit `edit` of a photograph, which the entry of the photograph's number shows if `is_copy`.
fn lookup(photograph: usize, edit: usize, is_copy: bool, found: Vec<FoundEntry>) -> Lookup {
    let right = if is_copy { vec![photograph as i64] } else { Vec::new() };
    Lookup { photograph, edit, right, found, looks: 1 + edit, cells: 4, comparisons: 2, seconds: Some(0.05) }
}

fn figures(lookups: &[Lookup]) -> Figures {
    Figures::new(lookups, 2, &Bootstrap { resamples: 50, seed: 1 }).expect("figures")
}

#[test]
fn shares_are_those_of_the_definitions() {
    let lookups = [
        lookup(0, 0, true, vec![found(0, 1e-9), found(7, 0.5)]),
        // The right entry is first without a verdict.
        lookup(0, 1, true, vec![found(0, 0.1)]),
        // A wrong match comes first, the right one is verified too.
        lookup(1, 0, true, vec![found(8, 1e-8), found(1, 1e-4)]),
        lookup(1, 1, true, vec![]),
        lookup(2, 0, false, vec![found(9, 0.01)]),
        lookup(2, 1, false, vec![found(9, 1e-5), found(3, 0.3)]),
    ];
    let figures = figures(&lookups);
    assert_eq!((figures.copies, figures.unrelated), (4, 2));
    assert_eq!((figures.verified.share, figures.first.share), (0.5, 0.5));
    let by_edit: Vec<_> =
        figures.edits.iter().map(|edit| (edit.verified.share, edit.first.share, edit.wrong)).collect();
    assert_eq!(by_edit, [(1.0, 0.5, 1), (0.0, 0.5, 0)]);
    assert_eq!(figures.edits[1].cost.looks, 2.0);
    assert_eq!((figures.false_matches.lookups, figures.false_matches.count), (2, 1));
    assert_eq!((figures.wrong_matches.lookups, figures.wrong_matches.count), (4, 1));
    let recall: Vec<f64> = figures.recall_at_e.iter().map(|at| at.recall).collect();
    assert_eq!(recall, [0.5, 0.25], "at E of a thousandth and of a millionth");
    assert!(figures.recall_at_rate.iter().all(|at| at.basis == Basis::Promised), "two unrelated lookups");
    // Ranked: right 1e-9, wrong 1e-8, wrong 1e-5, right 1e-4, wrong .01, right .1, wrong .3 and .5; of 4 matches.
    let expected = (1.0 + 2.0 / 4.0 + 3.0 / 6.0) / 4.0;
    assert!((figures.ranking.micro_ap - expected).abs() < 1e-12, "{}", figures.ranking.micro_ap);
    let costs = [figures.cost_verified, figures.cost_missed, figures.cost_unrelated];
    assert_eq!(
        costs.map(|cost| cost.map(|cost| (cost.lookups, cost.looks))),
        [Some((2, 1.0)), Some((2, 2.0)), Some((2, 1.5))]
    );
}

#[test]
fn relatives_are_neither_right_nor_wrong() {
    let relative = FoundEntry { is_related: true, ..found(5, 1e-9) };
    let lookups = [
        lookup(0, 0, true, vec![found(0, 1e-9)]),
        lookup(1, 0, false, vec![relative.clone()]),
        lookup(1, 1, false, vec![relative, found(6, 0.2)]),
    ];
    let figures = Figures::new(&lookups, 1, &Bootstrap::default()).expect("figures");
    assert_eq!((figures.false_matches.count, figures.related_matches), (0, 2));
    assert_eq!(figures.ranking.micro_ap, 1.0);
    let seen: Vec<usize> = figures.promises.iter().map(|kept| kept.count).collect();
    assert!(seen.iter().all(|count| *count <= 1) && seen.last() == Some(&1), "only the wrong one: {seen:?}");
}

#[test]
fn an_entry_of_the_same_picture_counts_once() {
    let twice = Lookup { right: vec![0, 4], ..lookup(0, 0, true, vec![found(4, 1e-9), found(0, 1e-8)]) };
    let figures = Figures::new(&[twice], 1, &Bootstrap::default()).expect("figures");
    assert_eq!((figures.ranking.micro_ap, figures.wrong_matches.count), (1.0, 0));
    let nothing = Figures::new(&[lookup(0, 0, false, vec![])], 1, &Bootstrap::default());
    assert!(matches!(nothing, Err(Error::NoMatches)));
}

/// Unrelated lookups whose results arrive by chance at the promised rate times `factor`.
fn by_chance(n: usize, factor: f64) -> Vec<Lookup> {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let one = |i: usize| {
        // Arrivals of a Poisson process of that rate: exponential gaps.
        let mut e_value = 0.0;
        let mut results = Vec::new();
        while results.len() < 5 {
            e_value += -rng.random_range(f64::MIN_POSITIVE..1.0).ln() / factor;
            results.push(found(-1 - results.len() as i64, e_value));
        }
        lookup(1 + i, 0, false, results)
    };
    [lookup(0, 0, true, vec![found(0, 1e-9)])].into_iter().chain((0..n).map(one)).collect()
}

#[test]
fn kept_and_broken_promises_are_told_apart() {
    let within = |factor: f64| {
        let figures = Figures::new(&by_chance(3000, factor), 1, &Bootstrap::default()).expect("figures");
        let shown = figures.promises.into_iter().filter(|kept| [0.01, 0.1, 1.0].contains(&kept.e_value));
        shown.map(|kept| kept.is_within()).collect::<Vec<_>>()
    };
    assert_eq!(within(1.0), [true; 3]);
    assert_eq!(within(3.0), [false; 3], "results are three times as frequent as promised");
    assert_eq!(within(0.3), [false; 3]);
}

#[test]
fn rates_of_false_matches_follow_the_lookups() {
    let figures = Figures::new(&by_chance(3000, 1.0), 1, &Bootstrap::default()).expect("figures");
    let [thousandth, millionth] = figures.recall_at_rate[..] else { panic!("two rates") };
    assert_eq!((thousandth.basis, thousandth.recall), (Basis::Seen, 1.0));
    // Of 3,000 lookups three have a result below the threshold: a relative error of 60 %.
    assert!((2e-4..5e-3).contains(&thousandth.e_value), "{thousandth:?}");
    assert_eq!((millionth.basis, millionth.recall), (Basis::Extrapolated, 1.0));
    // 300 excesses are right to 6 %, and a tenth of the decades to the millionth are seen.
    assert!((1e-7..1e-5).contains(&millionth.e_value), "{millionth:?}");
}

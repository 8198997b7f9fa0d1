//! Summaries of ranks, and their intervals.

use active_index_evaluation::{
    Error,
    bootstrap::Bootstrap,
    retrieval::{Measures, Ranks},
};

/// Returns ranks of `n` photographs in a fixed pattern from 1 to 130; a quarter of them is `None`.
fn ranks(n: usize, step: usize) -> Vec<Option<usize>> {
    (0..n).map(|i| (i % 4 != 3).then(|| 1 + (i * step) % 130)).collect()
}

#[test]
fn figures_are_those_of_measures() {
    let (passive, released) = ([ranks(30, 7), ranks(30, 11)], [ranks(30, 1), ranks(30, 0)]);
    let averaged = [true, false];
    let all = Ranks { passive: &passive, released: Some(&released), averaged: &averaged };
    let summary = all.summary(&Bootstrap::default()).expect("summary");
    for (edit, (passive, released)) in summary.edits.iter().zip(passive.iter().zip(&released)) {
        let close = |a: Measures, b: &[Option<usize>]| {
            let b = Measures::from_ranks(b).expect("ranks");
            assert!((a.r1 - b.r1).abs() + (a.r10 - b.r10).abs() + (a.r100 - b.r100).abs() < 1e-12);
            assert!((a.map - b.map).abs() < 1e-12 && a.queries == b.queries, "{a:?} and {b:?}");
        };
        close(edit.passive.measures, passive);
        close(edit.released.expect("released").measures, released);
    }
    assert_eq!(summary.mean, summary.edits[0], "the other edit does not count");
}

/// The normal approximation: half the width is 1.96 sqrt(p (1 - p) / n), which 1000 resamples meet to 15 %.
#[test]
fn intervals_are_as_wide_as_they_should_be() {
    let n = 400;
    let ranks = [(0..n).map(|i| (i % 10 < 3).then_some(1)).collect::<Vec<_>>()];
    let all = Ranks { passive: &ranks, released: None, averaged: &[true] };
    let estimate = all.summary(&Bootstrap { resamples: 1000, seed: 3 }).expect("summary").mean.passive;
    let expected = 1.96 * (0.3_f64 * 0.7 / n as f64).sqrt();
    for interval in estimate.intervals {
        let half = (interval.high - interval.low) / 2.0;
        assert!((half / expected - 1.0).abs() < 0.15, "{interval:?}, expected +-{expected}");
        assert!((interval.high + interval.low - 0.6).abs() < 0.02, "{interval:?}");
    }
}

/// Both sides vary from photograph to photograph, their difference does not: a paired interval has no width.
#[test]
fn the_gain_is_paired() {
    let passive = [(0..40).map(|i| (i % 2 == 0).then_some(1)).collect::<Vec<_>>()];
    let all = Ranks { passive: &passive, released: Some(&passive), averaged: &[true] };
    let summary = all.summary(&Bootstrap::default()).expect("summary");
    let gain = summary.mean.gain.expect("gain");
    assert!(gain.iter().all(|interval| interval.low == 0.0 && interval.high == 0.0), "{gain:?}");
    assert!(summary.mean.passive.intervals[0].low < 0.4);
}

#[test]
fn the_seed_decides() {
    // Average precisions of seven values: shares of 40 photographs alone would give equal quantiles.
    let passive = [(0..40).map(|i| Some(i % 7 + 1)).collect::<Vec<_>>()];
    let all = Ranks { passive: &passive, released: None, averaged: &[true] };
    let summary = |seed| all.summary(&Bootstrap { seed, ..Bootstrap::default() }).expect("summary");
    assert_eq!(summary(0), summary(0));
    assert_ne!(summary(0), summary(1));
}

#[test]
fn inconsistent_ranks_are_refused() {
    let (two, one) = ([vec![Some(1), None]], [vec![Some(1)]]);
    let summary = |passive, released, averaged| {
        Ranks { passive, released, averaged }.summary(&Bootstrap { resamples: 10, seed: 0 })
    };
    assert!(matches!(summary(&two, Some(&one), &[true]), Err(Error::ColumnLength { expected: 2, found: 1 })));
    assert!(matches!(summary(&two, None, &[true, true]), Err(Error::ColumnLength { .. })));
    assert!(matches!(summary(&two, None, &[false]), Err(Error::NoQueries)));
    assert!(matches!(summary(&[], None, &[]), Err(Error::NoQueries)));
    assert!(matches!(summary(&[Vec::new()], None, &[true]), Err(Error::NoQueries)));
    let ranks = Ranks { passive: &two, released: None, averaged: &[true] };
    assert!(matches!(ranks.summary(&Bootstrap { resamples: 0, seed: 0 }), Err(Error::NoResamples)));
}

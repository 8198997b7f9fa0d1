//! Of queries without a match, as many show a result as their E-values promise.

use active_index_find::{
    Background, Calibration, Calibrator, Error, Finder, Settings, promised_share, refit, refit_if_due,
};
use burn::tensor::Device;
use collection::{Collection, NewEntry};
use device_math::transfer::upload_rows;

use crate::fixtures::{Network, at_cosine, collection, directions, picture};

/// Share of held-out queries that show a result with an E-value of at most `e`.
fn seen(finder: &Finder, queries: &[Vec<f32>], e: f64) -> f64 {
    let answers = finder.find_descriptors(queries.to_vec()).expect("finds");
    let shows =
        answers.iter().filter(|answer| answer.matches.first().is_some_and(|first| first.e_value <= e));
    shows.count() as f64 / queries.len() as f64
}

fn settings(nprobe: usize) -> Settings {
    Settings { nprobe, least_entries: 0, possible_e: f64::INFINITY, max_e: 0.0, ..Settings::default() }
}

fn calibrator(collection: &Collection, looks: usize, nprobe: usize) -> Calibrator<'_> {
    Calibrator::new(collection, &Settings { looks, ..settings(nprobe) }).expect("opens")
}

/// Asserts that held-out queries show results as often as promised. 400 background queries fix a rate to a tenth where they
/// see it and to a third at a hundredth; the held-out ones add their own deviation of 10 %. The tail of random directions is
/// lighter than exponential, so that fewer may show than promised.
fn assert_calibrated(collection: &Collection, calibration: Calibration, nprobe: usize) {
    let finder = Finder::new(collection, settings(nprobe)).expect("opens").with_calibration(calibration);
    let queries = directions(3000, 21);
    for (e, most) in [(0.01, 2.0), (0.1, 1.4), (1.0, 1.1)] {
        let ratio = seen(&finder, &queries, e) / promised_share(e);
        let least = if e < 1.0 { 0.3 } else { 0.88 };
        assert!((least..most).contains(&ratio), "{ratio} of what is promised at E = {e}, nprobe {nprobe}");
    }
}

#[test]
fn held_out_queries_show_as_many_results_as_promised() {
    let folder = tempfile::tempdir().unwrap();
    let collection = collection(folder.path(), &directions(3000, 2));
    for nprobe in [1, 4, 16] {
        let mut calibrator = calibrator(&collection, 1, nprobe);
        calibrator.add_descriptors(directions(400, 20));
        let calibration = calibrator.finish(1000).unwrap();
        let facts = calibration.facts();
        assert_eq!((facts.background, facts.queries, facts.pairs), (Background::Descriptors, 400, 1_200_000));
        assert_eq!((facts.made, facts.entries, facts.looks, facts.refused), (1000, 3000, 1, 0));
        assert_calibrated(&collection, calibration, nprobe);
    }
}

/// Entries that come in series of ten with cosines of about .8, and alone.
fn with_series() -> Vec<Vec<f32>> {
    let (own, noise) = (directions(1500, 2), directions(1500, 30));
    let in_series =
        |i: usize| if i < 1000 { at_cosine(&own[i - i % 10], &noise[i], 0.89) } else { own[i].clone() };
    (0..1500).map(in_series).collect()
}

#[test]
fn own_entries_promise_no_less_than_is_seen_though_most_have_relatives() {
    let folder = tempfile::tempdir().unwrap();
    let collection = collection(folder.path(), &with_series());
    let mut calibrator = calibrator(&collection, 1, 16);
    calibrator.add_entries(400, 5).unwrap();
    let calibration = calibrator.finish(0).unwrap();
    assert_eq!(calibration.facts().background, Background::Entries);
    let refused = calibration.facts().refused;
    assert!((1500..4000).contains(&refused), "nine relatives of two thirds of the queries: {refused}");
    let cosine = calibration.cosine_for(1e-3, 1500, 1, 16);
    assert!(cosine < 0.5, "relatives do not move it: {cosine}");
    let finder = Finder::new(&collection, settings(16)).unwrap().with_calibration(calibration);
    for e in [0.01, 0.1, 1.0] {
        let ratio = seen(&finder, &directions(2000, 21), e) / promised_share(e);
        assert!(ratio < 1.1, "{ratio} of what is promised at E = {e}");
    }
}

#[test]
fn own_entries_do_not_count_beside_background_descriptors() {
    let folder = tempfile::tempdir().unwrap();
    let collection = collection(folder.path(), &with_series());
    let facts = |with_entries: bool| {
        let mut calibrator = calibrator(&collection, 1, 4);
        calibrator.add_descriptors(directions(50, 20));
        if with_entries {
            calibrator.add_entries(400, 5).unwrap();
        }
        calibrator.finish(0).unwrap().facts().clone()
    };
    assert_eq!(facts(true), facts(false));
}

#[test]
fn unknown_copies_in_the_background_do_not_hide_others() {
    let (folder, rows) = (tempfile::tempdir().unwrap(), directions(3000, 2));
    let collection = collection(folder.path(), &rows);
    let with = |background: Vec<Vec<f32>>| {
        let mut calibrator = calibrator(&collection, 1, 4);
        calibrator.add_descriptors(background);
        calibrator.finish(0).unwrap()
    };
    let clean = with(directions(400, 20));
    let mut background = directions(398, 20);
    background.extend((0..2).map(|i| at_cosine(&rows[i], &directions(1, 40)[0], 0.78)));
    let soiled = with(background);
    assert!(soiled.facts().refused >= 1);
    let cosines = [clean, soiled].map(|calibration| calibration.cosine_for(1e-3, 3000, 1, 4));
    assert!((cosines[0] - cosines[1]).abs() < 0.02, "{cosines:?}");
}

#[test]
fn more_views_ask_for_a_larger_cosine() {
    let folder = tempfile::tempdir().unwrap();
    let collection = collection(folder.path(), &directions(1000, 2));
    let rows = directions(600, 50);
    let mut next = rows.iter();
    let mut network = Network::new(|_| next.next().expect("enough").clone());
    let mut calibrator = calibrator(&collection, 4, 4);
    for seed in 0..100 {
        calibrator.add_pictures(&[picture(seed)], &mut network).unwrap();
    }
    assert_eq!(calibrator.queries(), 100);
    let calibration = calibrator.finish(0).unwrap();
    let facts = calibration.facts();
    assert_eq!(facts.background, Background::Pictures);
    assert!(facts.looks > 1 && facts.looks <= 4);
    let cosine = |looks: usize| calibration.cosine_for(0.1, 1000, looks, 4);
    assert!(cosine(1) < cosine(2) && cosine(2) < cosine(4) && cosine(4) < cosine(8));
}

#[test]
fn the_calibration_of_a_collection_is_used_by_its_next_finder() {
    let folder = tempfile::tempdir().unwrap();
    let collection = collection(folder.path(), &directions(1000, 2));
    assert!(Finder::new(&collection, Settings::default()).unwrap().calibration().is_standard());
    let mut calibrator = calibrator(&collection, 1, 4);
    calibrator.add_descriptors(directions(100, 20));
    let calibration = calibrator.finish(7).unwrap();
    collection.set_calibration(&calibration.to_text()).unwrap();
    assert_eq!(
        Finder::new(&collection, Settings::default()).unwrap().calibration().facts(),
        calibration.facts()
    );
    collection.set_calibration("{").unwrap();
    let error = Finder::new(&collection, Settings::default()).err().unwrap();
    assert!(error.to_string().starts_with("the calibration is malformed"), "{error}");
}

/// Adds entries to a collection.
fn grow(collection: &Collection, rows: &[Vec<f32>]) {
    let new: Vec<NewEntry> = rows.iter().map(|_| NewEntry::added("", None)).collect();
    collection.store(&new, upload_rows(rows, &Device::flex())).expect("stores");
}

#[test]
fn a_doubled_collection_is_fitted_anew_to_the_background_that_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let collection = collection(folder.path(), &directions(1000, 2));
    assert_eq!(refit_if_due(&collection, 5).unwrap(), None, "it was never calibrated");
    let mut calibrator = calibrator(&collection, 1, 4);
    calibrator.add_descriptors(directions(100, 20));
    let first = calibrator.keep(7).unwrap();
    grow(&collection, &directions(999, 3));
    assert_eq!(refit_if_due(&collection, 8).unwrap(), None, "one entry less than twice as many");
    grow(&collection, &directions(1, 4));
    let again = refit_if_due(&collection, 9).unwrap().expect("it has doubled");
    let facts = again.facts();
    assert_eq!((facts.made, facts.entries, facts.queries), (9, 2000, first.facts().queries));
    assert_eq!(facts.background, Background::Descriptors);
    assert_eq!(Calibration::of(&collection).unwrap().facts(), facts);
    // Rounded to float16, the background gives the laws that it gives as it was.
    let mut anew = self::calibrator(&collection, 1, 4);
    anew.add_descriptors(directions(100, 20));
    let anew = anew.finish(9).unwrap();
    let cosines = [&again, &anew].map(|calibration| calibration.cosine_for(1e-2, 2000, 1, 4));
    assert!((cosines[0] - cosines[1]).abs() < 1e-3, "{cosines:?}");
    assert_eq!(refit_if_due(&collection, 10).unwrap(), None);
    assert_eq!(refit(&collection, None, 11).unwrap().expect("a background is kept").facts().made, 11);
}

#[test]
fn own_entries_are_drawn_anew_when_a_collection_has_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let collection = collection(folder.path(), &directions(300, 2));
    let mut calibrator = calibrator(&collection, 1, 4);
    calibrator.add_entries(1000, 5).unwrap();
    assert_eq!(calibrator.keep(7).unwrap().facts().queries, 300);
    grow(&collection, &directions(300, 3));
    let facts = refit_if_due(&collection, 9).unwrap().expect("it has doubled").facts().clone();
    assert_eq!((facts.background, facts.queries, facts.entries), (Background::Entries, 600, 600));
}

#[test]
fn too_few_background_queries_or_entries_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let small = collection(folder.path(), &directions(30, 2));
    for queries in [0, 10, 25] {
        let mut calibrator = calibrator(&small, 1, 4);
        calibrator.add_descriptors(directions(queries, 20));
        let error = calibrator.finish(0).unwrap_err();
        assert!(matches!(error, Error::TooFew { entries: 30, .. }), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let empty = collection(folder.path(), &[]);
    let mut calibrator = calibrator(&empty, 1, 4);
    calibrator.add_entries(100, 0).unwrap();
    assert!(matches!(calibrator.finish(0), Err(Error::TooFew { queries: 0, entries: 0, .. })));
}

//! Finders that are made once, asked by several threads with settings of their own, and refreshed.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use active_index_find::{
    Answer, Calibration, Effort, Finder, Query, Settings, Witnesses,
    report::{Answered, with_entries},
};
use collection::{Collection, NewEntry};
use witness::{Kind, Witness};

use crate::fixtures::{D, Network, at_cosine, collection, directions, picture, tensor};

const ENTRIES: usize = 300;

/// Witnesses that count how often they are counted.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Counting {
    fn counts(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Witnesses for Counting {
    fn kind(&self) -> Kind {
        Kind::Keypoints
    }

    fn witness(&self, _id: i64) -> Option<Witness> {
        None
    }

    fn share(&self, _entries: u64) -> f64 {
        self.0.fetch_add(1, Ordering::Relaxed);
        0.5
    }
}

fn ask(finder: &Finder, row: &[f32]) -> Answer {
    let query = Query::described(picture(1), row.to_vec());
    finder.find(&[query], &mut Network::new(|_| vec![0.0; D])).expect("finds").remove(0)
}

fn add(collection: &Collection, n: usize, seed: u64) {
    let entries: Vec<NewEntry> = (0..n).map(|i| NewEntry::added(format!("{seed}-{i}"), None)).collect();
    collection.store(&entries, tensor(&directions(n, seed))).expect("stores");
}

#[test]
fn other_settings_count_no_witnesses_and_read_no_calibration() {
    let (folder, rows, witnesses) =
        (tempfile::tempdir().unwrap(), directions(ENTRIES, 2), Counting::default());
    let collection = collection(folder.path(), &rows);
    let finder = Finder::new(&collection, Settings::default()).unwrap().with_witnesses(&witnesses);
    collection.set_calibration("no calibration").expect("sets");
    for (k, effort) in [(1, Effort::Low), (3, Effort::Normal), (5, Effort::High)] {
        let settings = Settings { k, possible_e: f64::INFINITY, exhaustive: true, ..effort.settings() };
        let own = finder.with_settings(settings.clone()).unwrap();
        assert_eq!((own.settings().k, own.settings().looks), (k, settings.looks));
        assert_eq!(ask(&own, &rows[7]).matches.len(), k);
    }
    assert_eq!(witnesses.counts(), 1, "by the first answer");
    assert_eq!(finder.settings().k, Settings::default().k, "the first finder keeps its own");
    assert!(finder.refreshed().is_err(), "the malformed calibration is read by a refresh");
}

#[test]
fn a_refresh_takes_the_kept_calibration_and_counts_after_a_hundredth_has_changed() {
    let (folder, rows, witnesses) =
        (tempfile::tempdir().unwrap(), directions(ENTRIES, 2), Counting::default());
    let collection = collection(folder.path(), &rows);
    let finder = Finder::new(&collection, Settings::default()).unwrap().with_witnesses(&witnesses);
    ask(&finder, &rows[0]);
    add(&collection, 2, 50);
    let same = finder.refreshed().unwrap();
    ask(&same, &rows[0]);
    assert_eq!(witnesses.counts(), 1, "two of 300 entries are less than a hundredth");
    add(&collection, 1, 51);
    let grown = finder.refreshed().unwrap();
    ask(&grown, &rows[0]);
    ask(&grown.with_settings(Settings::default()).unwrap(), &rows[0]);
    assert_eq!(witnesses.counts(), 2);

    let standard = Calibration::standard();
    let other = standard.to_text().replace("\"queries\":795", "\"queries\":796");
    collection.set_calibration(&other).expect("sets");
    let calibrated = grown.refreshed().unwrap();
    assert_eq!(calibrated.calibration().facts().queries, 796);
    assert_eq!(finder.calibration().facts().queries, 795, "finders that are in use do not change");
    let given = grown.with_calibration(standard).refreshed().unwrap();
    assert_eq!(given.calibration().facts().queries, 795, "a calibration of the caller's is kept");
    ask(&calibrated, &rows[0]);
    assert_eq!(witnesses.counts(), 2, "another calibration is no reason to count");
}

#[test]
fn cells_follow_a_collection_that_grows() {
    let folder = tempfile::tempdir().unwrap();
    let collection = collection(folder.path(), &directions(20, 2));
    let settings = Settings { nprobe: 1, least_entries: 40, ..Settings::default() };
    let finder = Finder::new(&collection, settings).unwrap();
    assert_eq!(finder.settings().nprobe, 16, "all cells, to visit 40 of 20 entries");
    add(&collection, ENTRIES, 60);
    assert_eq!(finder.refreshed().unwrap().settings().nprobe, 2);
}

#[test]
fn threads_share_a_finder_and_answer_as_one_does() {
    let (folder, rows) = (tempfile::tempdir().unwrap(), directions(ENTRIES, 2));
    let collection = Arc::new(collection(folder.path(), &rows));
    let finder: Finder<'static> = Finder::new(collection.clone(), Settings::default()).unwrap();
    let queries: Vec<Vec<f32>> =
        (0..8).map(|i| at_cosine(&rows[20 * i], &directions(1, 70 + i as u64)[0], 0.5)).collect();
    let settings = |i: usize| Settings { k: 1 + i, possible_e: f64::INFINITY, ..Settings::default() };
    let answered = |finder: &Finder, i: usize| -> Answered {
        let own = finder.with_settings(settings(i)).expect("reads");
        let answers = own.find_descriptors(vec![queries[i].clone()]).expect("finds");
        let mut answers = with_entries(own.collection(), answers).expect("reads");
        answers.remove(0).answered(i.to_string())
    };
    let expected: Vec<Answered> = (0..8).map(|i| answered(&finder, i)).collect();
    for (i, answered) in expected.iter().enumerate() {
        assert_eq!((answered.best().expect("found").id, answered.matches.len()), (20 * i as i64, 1 + i));
        assert_eq!(answered.matches[0].name, format!("{}.jpg", 20 * i));
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (finder, expected, answered) = (finder.clone(), &expected, &answered);
            scope.spawn(move || {
                for i in (0..8).cycle().take(40) {
                    assert_eq!(answered(&finder, i), expected[i]);
                }
            });
        }
    });
}

#[test]
fn an_entry_withdrawn_since_is_no_match_and_takes_no_other_one_away() {
    let (folder, rows) = (tempfile::tempdir().unwrap(), directions(ENTRIES, 2));
    let collection = collection(folder.path(), &rows);
    let settings = Settings { k: 3, possible_e: f64::INFINITY, ..Settings::default() };
    let finder = Finder::new(&collection, settings).unwrap();
    let answers = finder.find_descriptors(vec![rows[5].clone(), rows[9].clone()]).unwrap();
    let before: Vec<Vec<i64>> =
        answers.iter().map(|answer| answer.matches.iter().map(|found| found.id).collect()).collect();
    collection.withdraw(&[5]).expect("withdraws");
    let after = with_entries(&collection, answers).unwrap();
    for (before, after) in before.into_iter().zip(after) {
        let expected: Vec<i64> = before.into_iter().filter(|id| *id != 5).collect();
        let ids: Vec<i64> = after.answered(String::new()).matches.iter().map(|found| found.id).collect();
        assert_eq!(ids, expected);
    }
}

//! The cascade spends no more than a query needs, and finds what one view loses.

use active_index_find::{Calibration, Describe, Described, Effort, Finder, Query, Settings, Verdict};
use collection::{Collection, Filter};
use image::RgbImage;
use looks::Look;

use crate::fixtures::{D, Network, at_cosine, collection, directions, picture};

const ENTRIES: usize = 300;

fn shop() -> (tempfile::TempDir, Collection, Vec<Vec<f32>>) {
    let (folder, rows) = (tempfile::tempdir().expect("folder"), directions(ENTRIES, 2));
    let collection = collection(folder.path(), &rows);
    (folder, collection, rows)
}

fn finder(collection: &Collection, settings: Settings) -> Finder<'_> {
    Finder::new(collection, settings).expect("opens")
}

#[test]
fn a_query_that_the_first_look_decides_costs_one_search() {
    let (_folder, collection, rows) = shop();
    let near = at_cosine(&rows[7], &directions(1, 3)[0], 0.8);
    let mut network = Network::new(|_| vec![0.0; D]);
    let query = Query::described(picture(1), near);
    let cells = |least_entries| {
        let settings = Settings { least_entries, ..Settings::default() };
        let query = std::slice::from_ref(&query);
        finder(&collection, settings).find(query, &mut Network::new(|_| vec![0.0; D])).unwrap()[0].cells
    };
    assert_eq!([0, 40, ENTRIES].map(cells), [1, 3, 16], "as many cells as hold so many entries");
    let settings = Settings { least_entries: 0, ..Settings::default() };
    let answer = finder(&collection, settings).find(&[query], &mut network).unwrap().remove(0);
    assert_eq!(network.calls, [0usize; 0], "nothing was described");
    assert_eq!((answer.looks, answer.cells, answer.comparisons), (1, 1, 0));
    let first = &answer.matches[0];
    assert_eq!((first.id, first.verdict), (7, Verdict::Match));
    assert!(first.look.is_whole() && first.e_value <= 1e-3 && answer.is_confirmed());
}

#[test]
fn an_undescribed_picture_is_described_once() {
    let (_folder, collection, rows) = shop();
    let row = rows[7].clone();
    let mut network = Network::new(|_| row.clone());
    let queries = vec![Query::picture(picture(1)); 3];
    let answers = finder(&collection, Settings::default()).find(&queries, &mut network).unwrap();
    assert_eq!(network.calls, [3], "together");
    assert!(answers.iter().all(|answer| answer.matches[0].id == 7 && answer.looks == 1));
}

#[test]
fn a_further_view_finds_what_the_picture_as_it_is_does_not() {
    let (_folder, collection, rows) = shop();
    let (whole, lost) = (picture(1).dimensions(), directions(1, 4).remove(0));
    let describe = |view: &RgbImage| if view.dimensions() == whole { lost.clone() } else { rows[9].clone() };
    let mut network = Network::new(describe);
    let finder = finder(&collection, Settings::default());
    let answer = finder.find(&[Query::picture(picture(1))], &mut network).unwrap().remove(0);
    let first = &answer.matches[0];
    assert_eq!((first.id, first.verdict), (9, Verdict::Match));
    assert!(!first.look.is_whole());
    assert!(answer.looks > 1 && answer.looks < 8, "it stops at the first match: {}", answer.looks);
    assert_eq!(answer.cells, 16 * answer.looks, "all 16 cells, for each look");
    assert_eq!((answer.views.len(), answer.views[0]), (answer.looks, Look::WHOLE), "every look is told");
    assert_eq!(answer.views.last(), Some(&first.look), "the last one was confirmed");
    assert!(network.calls.iter().all(|views| *views == 1));
}

#[test]
fn nothing_goes_beyond_the_bounds() {
    let (_folder, collection, _) = shop();
    let lost = directions(40, 5);
    for (effort, most) in [(Effort::Low, 1), (Effort::Normal, 8), (Effort::High, 16)] {
        let mut next = lost.iter().cycle();
        let mut network = Network::new(|_| next.next().expect("endless").clone());
        let finder = finder(&collection, effort.settings());
        let answer = finder.find(&[Query::picture(picture(2))], &mut network).unwrap().remove(0);
        assert!(!answer.is_confirmed());
        assert!(answer.looks <= most, "{} looks of {effort}", answer.looks);
        assert_eq!(network.calls.iter().sum::<usize>(), answer.looks);
        assert!(answer.cells <= most * 16);
        assert!(
            answer.matches.iter().all(|found| found.verdict == Verdict::Possible && found.e_value <= 1.0)
        );
    }
}

#[test]
fn open_queries_are_described_together_and_answered_in_order() {
    let (_folder, collection, rows) = shop();
    let lost = directions(2, 6);
    // Pictures are told apart by their width; those of an odd one are found by their second view.
    let queries: Vec<Query> = (0..6)
        .map(|i| {
            let row = if i % 2 == 0 { rows[i].clone() } else { lost[0].clone() };
            Query::described(
                image::imageops::resize(&picture(i as u64), 200 + i as u32, 200, image::imageops::Nearest),
                row,
            )
        })
        .collect();
    let mut network = Network::new(|_| rows[50].clone());
    let answers = finder(&collection, Settings::default()).find(&queries, &mut network).unwrap();
    let ids: Vec<i64> = answers.iter().map(|answer| answer.matches[0].id).collect();
    assert_eq!(ids, [0, 50, 2, 50, 4, 50]);
    assert_eq!(network.calls, [3], "the second views of the three open queries");
}

#[test]
fn a_wave_takes_several_views_of_few_queries() {
    let (_folder, collection, _) = shop();
    let lost = directions(1, 7).remove(0);
    let mut network = Network::new(|_| lost.clone());
    let finder = finder(&collection, Settings { wave: 4, ..Settings::default() });
    let answer = finder.find(&[Query::picture(picture(1))], &mut network).unwrap().remove(0);
    assert!(network.calls.len() < answer.looks, "{:?}", network.calls);
    assert!(network.calls.iter().all(|views| *views <= 4));
}

#[test]
fn the_best_cosine_of_all_views_is_kept() {
    let (_folder, collection, rows) = shop();
    let other = &directions(1, 8)[0];
    let mut cosines = [0.15f32, 0.3, 0.2].into_iter().chain(std::iter::repeat(0.1));
    let mut network = Network::new(|_| at_cosine(&rows[3], other, cosines.next().expect("endless")));
    let settings = Settings { max_e: 0.0, possible_e: f64::INFINITY, ..Settings::default() };
    let finder = finder(&collection, settings);
    let answer = finder.find(&[Query::picture(picture(1))], &mut network).unwrap().remove(0);
    let found = answer.matches.iter().find(|found| found.id == 3).expect("it was compared");
    assert!((found.cosine - 0.3).abs() < 0.01 && !found.look.is_whole(), "{found:?}");
    assert!(answer.matches.is_sorted_by(|a, b| a.e_value <= b.e_value));
}

#[test]
fn a_descriptor_alone_gets_one_look_under_its_own_bound() {
    let (_folder, collection, rows) = shop();
    let finder = finder(&collection, Settings { possible_e: f64::INFINITY, ..Settings::default() });
    let near = at_cosine(&rows[5], &directions(1, 9)[0], 0.33);
    let answers = finder.find_descriptors(vec![near, directions(1, 10).remove(0)]).unwrap();
    assert_eq!(answers.len(), 2);
    assert_eq!((answers[0].looks, answers[0].cells), (1, 16));
    let first = &answers[0].matches[0];
    assert_eq!(first.id, 5);
    let expected = Calibration::standard().cosine_e(first.cosine, ENTRIES as u64, 1, 16);
    assert_eq!(first.e_value, expected, "one look, no witness");
}

#[test]
fn a_look_alike_is_possible_where_no_picture_can_be_compared() {
    let (_folder, collection, rows) = shop();
    let finder = finder(&collection, Settings::default());
    let other = &directions(1, 9)[0];
    for (cosine, verdict) in [(0.63, Verdict::Possible), (0.67, Verdict::Match)] {
        let answer = finder.find_descriptors(vec![at_cosine(&rows[5], other, cosine)]).unwrap().remove(0);
        let first = &answer.matches[0];
        assert!(first.id == 5 && first.e_value < 1e-3, "{first:?}");
        assert_eq!(first.verdict, verdict, "{cosine}");
    }
}

/// Network that refuses some views.
struct Refusing(fn(usize) -> bool, usize);

impl Describe for Refusing {
    fn describe_views(&mut self, views: &[RgbImage]) -> describe::Result<Described> {
        let one = |_: &RgbImage| {
            self.1 += 1;
            match self.0(self.1 - 1) {
                true => Err(describe::Error::InputSize { width: 9000, height: 9, most: 1 }),
                false => Ok(directions(1, 11).remove(0)),
            }
        };
        Ok(views.iter().map(one).collect())
    }
}

#[test]
fn a_picture_that_cannot_be_described_fails_alone_and_a_view_is_only_missing() {
    let (_folder, collection, _) = shop();
    let finder = finder(&collection, Settings { looks: 3, ..Settings::default() });
    let queries = vec![Query::picture(picture(1)); 2];
    let answers = finder.find(&queries, &mut Refusing(|view| view == 0, 0)).unwrap();
    assert!(answers[0].failure.as_ref().is_some_and(|reason| reason.contains("9000")));
    assert_eq!((answers[0].looks, answers[0].matches.len()), (0, 0));
    assert!(answers[1].failure.is_none() && answers[1].looks >= 2);
    let answers = finder.find(&queries[..1], &mut Refusing(|view| view == 1, 0)).unwrap();
    assert!(answers[0].failure.is_none());
    assert_eq!(answers[0].looks, 2, "the second of three views is missing");
}

#[test]
fn queries_of_nothing_fail_and_no_queries_are_no_answers() {
    let (_folder, collection, _) = shop();
    let finder = finder(&collection, Settings::default());
    let nothing = Query { picture: None, descriptor: None };
    let answers = finder.find(&[nothing], &mut Network::new(|_| vec![0.0; D])).unwrap();
    assert!(answers[0].failure.is_some());
    assert_eq!(finder.find_descriptors(Vec::new()).unwrap(), []);
}

#[test]
fn an_empty_collection_and_a_filter_that_nothing_passes_find_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let empty = collection(folder.path(), &[]);
    let rows = directions(1, 12);
    let answers = finder(&empty, Settings::default()).find_descriptors(rows.clone()).unwrap();
    assert_eq!(answers[0].matches, []);
    let (_folder, collection, entries) = shop();
    let filter = Filter { fields: vec![("licence".to_owned(), "CC0".to_owned())] };
    let finder = finder(&collection, Settings { filter, ..Settings::default() });
    assert_eq!(finder.find_descriptors(vec![entries[0].clone()]).unwrap()[0].matches, []);
}

#[test]
fn copies_among_the_entries_are_all_matches() {
    let mut rows = directions(ENTRIES, 2);
    let noise = directions(2, 13);
    rows.push(at_cosine(&rows[7], &noise[0], 0.97));
    rows.push(at_cosine(&rows[7], &noise[1], 0.97));
    let folder = tempfile::tempdir().unwrap();
    let collection = collection(folder.path(), &rows);
    let answers = finder(&collection, Settings::default()).find_descriptors(vec![rows[7].clone()]).unwrap();
    let matches = answers[0].matches.iter().filter(|found| found.verdict == Verdict::Match);
    let mut ids: Vec<i64> = matches.map(|found| found.id).collect();
    assert_eq!(ids[0], 7, "the nearest first");
    ids.sort_unstable();
    assert_eq!(ids, [7, ENTRIES as i64, ENTRIES as i64 + 1]);
}

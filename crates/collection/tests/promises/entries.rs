//! Entries: originals that are known again, states, names, fields and pages.

use active_index_collection::{
    Collection, Digest, Error, Filter, FindSettings, NewEntry, Page, Selection, State, Stored,
};
use index::Metric;
use serde_json::json;

use super::fixtures::{D, collection, descriptors, entries, findings, quantiser, tensor, wait_for_others};
use crate::place::{FACTORY, Place};

fn ids_found(collection: &Collection, query: &[f32], filter: &Filter) -> Vec<i64> {
    let settings = FindSettings { nprobe: 16, filter: filter.clone(), ..FindSettings::default() };
    let found = collection.find(tensor(query), &settings).expect("finds");
    found[0].iter().map(|found| found.id).collect()
}

#[test]
fn an_original_is_stored_once_and_a_pending_entry_is_completed() {
    let place = Place::new();
    let shop = collection(&place);
    let rows = descriptors(3, 5);
    let entry = |name: &str, pending| NewEntry {
        file: Some(format!("out/{name}")),
        pending,
        ..NewEntry::added(name, Some(Digest::of_file(b"original")))
    };
    let first = shop.store(&[entry("a", true), entry("b", true)], tensor(&rows[..2 * D])).expect("stores");
    let [Stored::New(id), Stored::Known(known)] = &first[..] else { panic!("{first:?}") };
    assert_eq!((known.id, known.name.as_str(), known.pending), (*id, "a", true));
    assert_eq!(shop.info().expect("counts").pending, 1);

    let again = shop.store(&[entry("c", true)], tensor(&rows[2 * D..])).expect("stores");
    assert_eq!(again, [Stored::Completed(*id)]);
    assert_eq!(ids_found(&shop, &rows[2 * D..], &Filter::default()), [*id]);
    let cosine = shop.find(tensor(&rows[2 * D..]), &FindSettings::default()).expect("finds")[0][0].cosine;
    assert!(cosine > 0.999, "the new descriptor, {cosine}");

    shop.mark_written(&[*id]).expect("marks");
    let last = shop.store(&[entry("d", true)], tensor(&rows[..D])).expect("stores");
    let [Stored::Known(known)] = &last[..] else { panic!("{last:?}") };
    assert_eq!((known.name.as_str(), known.pending), ("c", false));
    let known = shop.known(&[Digest::of_file(b"original"), Digest::of_file(b"other")]).expect("looks up");
    assert_eq!(known.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn records_of_runs_are_listed_by_name_and_replaced() {
    let place = Place::new();
    let (shop, other) = (collection(&place), place.open());
    assert_eq!(other.run_records().expect("reads"), []);
    for (name, text) in [("b/000010", "first"), ("b/000002", "é"), ("a/0", "{}"), ("b/000010", "second")] {
        shop.set_run_record(name, text).expect("writes");
    }
    shop.set_calibration("not a run").expect("writes");
    let expected = [("a/0", "{}"), ("b/000002", "é"), ("b/000010", "second")];
    let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(other.run_records().expect("reads"), expected);
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn withdrawn_entries_are_found_no_more_until_restored() {
    let place = Place::new();
    let (shop, other) = (collection(&place), place.open());
    let rows = descriptors(20, 7);
    let stored = shop.store(&entries(0..20), tensor(&rows)).expect("stores");
    let id = stored[4].id();
    assert_eq!(shop.searchable().expect("counts"), 20);
    let found = |collection: &Collection| {
        wait_for_others();
        ids_found(collection, &rows[4 * D..5 * D], &Filter::default()).contains(&id)
    };
    assert!(found(&other));
    shop.withdraw(&[shop.id_of("4.jpg").expect("its name")]).expect("withdraws");
    assert!(!found(&shop) && !found(&other));
    assert_eq!(other.searchable().expect("counts"), 19);
    other.restore(&[other.id_of(&id.to_string()).expect("its id")]).expect("restores");
    assert!(found(&shop) && found(&other));

    shop.withdraw(&[id]).expect("withdraws");
    shop.compact().expect("compacts");
    assert!(!found(&shop) && !found(&other));
    assert!(matches!(shop.restore(&[id]), Err(Error::Dropped(dropped)) if dropped == id));
    assert_eq!(shop.entry(id).expect("reads").expect("its row is left").state, State::Dropped);
    assert!(matches!(shop.withdraw(&[stored[0].id(), 10_000]), Err(Error::UnknownEntry(_))));
    assert_eq!(
        shop.entry(stored[0].id()).expect("reads").expect("is there").state,
        State::Live,
        "all or none"
    );
    assert_eq!(findings(&other), [""; 0]);
}

#[test]
fn names_may_be_shared_and_then_ids_tell_entries_apart() {
    let place = Place::new();
    let shop = collection(&place);
    let new = ["a", "a", "7"].map(|name| NewEntry::added(name, None));
    let stored = shop.store(&new, tensor(&descriptors(3, 8))).expect("stores");
    let refused = shop.id_of("a").expect_err("two entries").to_string();
    let [first, second] = [&stored[0], &stored[1]].map(|stored| stored.id());
    assert_eq!(refused, format!("2 entries have the name \"a\", with the ids {first}, {second}"));
    assert_eq!(shop.id_of("7").expect("a name"), stored[2].id());
    assert!(matches!(shop.id_of("nothing"), Err(Error::UnknownEntry(_))));
}

#[test]
fn imported_entries_keep_their_ids_where_these_are_free() {
    let place = Place::new();
    let (shop, rows) = (collection(&place), descriptors(8, 10));
    let new = |numbers: std::ops::Range<usize>| -> Vec<NewEntry> {
        let named = |number: usize| {
            (format!("{number}.jpg"), Digest::of_descriptor(&rows[number * D..(number + 1) * D]))
        };
        numbers.map(named).map(|(name, digest)| NewEntry::added(name, Some(digest))).collect()
    };
    let ids = |stored: Vec<Stored>| stored.iter().map(Stored::id).collect::<Vec<_>>();
    let first = shop.store_under(&[0, 70, 9], &new(0..3), tensor(&rows[..3 * D])).expect("stores");
    assert_eq!(ids(first), [0, 70, 9]);
    let next = shop.store(&new(3..4), tensor(&rows[3 * D..4 * D])).expect("stores");
    let next = ids(next)[0];
    assert!(next > 70, "behind the largest, {next}");
    let wanted = [70, 70, -1, 5];
    let second = shop.store_under(&wanted, &new(4..8), tensor(&rows[4 * D..])).expect("stores");
    let second = ids(second);
    assert_eq!(second[3], 5, "free, though below the largest");
    assert!(
        second[..3].iter().all(|id| *id > next) && second[0] < second[1] && second[1] < second[2],
        "{second:?}"
    );
    let again = shop.store_under(&[200], &new(0..1), tensor(&rows[..D])).expect("stores");
    assert!(matches!(&again[..], [Stored::Known(entry)] if entry.id == 0), "{again:?}");
    let last =
        shop.store_under(&[i64::MAX], &[NewEntry::added("last", None)], tensor(&rows[..D])).expect("stores");
    assert!(last[0].id() < 1000, "an id behind which there is none is not kept");
    assert!(shop.store_under(&[1], &new(0..2), tensor(&rows[..2 * D])).is_err(), "one id short");
    let all = Page { limit: 100, ..Page::default() };
    assert_eq!(place.open().page(&all).expect("lists").len(), 9);
    assert_eq!(ids_found(&shop, &rows[..D], &Filter::default())[0], 0);
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn the_first_extractor_is_recorded_and_none_by_asking() {
    let place = Place::new();
    let (shop, other) = (collection(&place), place.open());
    assert_eq!(shop.recorded_extractor().expect("reads"), None);
    assert_eq!(shop.extractor("ours").expect("records"), "ours");
    assert_eq!(other.extractor("theirs").expect("reads"), "ours");
    assert_eq!(other.recorded_extractor().expect("reads").as_deref(), Some("ours"));
}

#[test]
fn fields_are_kept_shown_and_filtered_by() {
    let place = Place::new();
    let shop = collection(&place);
    let mut new = entries(0..30);
    for (number, entry) in new.iter_mut().enumerate() {
        entry.meta.insert("licence".into(), json!(if number % 3 == 0 { "CC0" } else { "all \"rights\"" }));
        entry.meta.insert("year".into(), json!(2000 + number % 2));
        entry.meta.insert("sold".into(), json!(number == 9));
    }
    let rows = descriptors(30, 9);
    let stored = shop.store(&new, tensor(&rows)).expect("stores");
    let filter = |fields: &[(&str, &str)]| Filter {
        fields: fields.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
    };
    for round in 0..2 {
        let found = ids_found(&shop, &rows[..D], &filter(&[("licence", "CC0"), ("year", "2001")]));
        let expected: Vec<i64> =
            [3, 9, 15, 21, 27].iter().map(|&number: &usize| stored[number].id()).collect();
        let mut sorted = found.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected, "round {round}");
        assert_eq!(ids_found(&shop, &rows[..D], &filter(&[("sold", "true")])), [stored[9].id()]);
        assert!(ids_found(&shop, &rows[..D], &filter(&[("licence", "all")])).is_empty());
        shop.compact().expect("compacts");
    }
    let selection = || Selection {
        state: Some(State::Live),
        filter: filter(&[("year", "2000")]),
        ..Selection::default()
    };
    let page = |after, limit| Page { selection: selection(), after, limit, ..Page::default() };
    let first = shop.page(&page(None, 10)).expect("lists");
    assert_eq!(first.len(), 10);
    let rest = place.open().page(&page(Some(first[9].id), 100)).expect("lists");
    assert_eq!(rest.len(), 5);
    assert_eq!(rest[4].meta["licence"], json!("all \"rights\""));
}

#[test]
fn what_cannot_be_a_collection_is_refused() {
    let place = Place::new();
    for kind in ["PQ4x4", "LSH32", "IVF16,Flat", "IVF16,PQ4x4fs", "IVF16,PQ4x4,RFlat"] {
        let refused = place.create(&quantiser(kind, Metric::L2), None).err();
        assert!(matches!(refused, Some(Error::Quantiser { .. })), "{kind}: {refused:?}");
    }
    let refused = place.try_open().err();
    assert!(matches!(refused, Some(Error::NotACollection(_))), "{refused:?}");
    let shop = collection(&place);
    let refused = place.create(&quantiser(FACTORY, Metric::L2), None).err();
    assert!(matches!(refused, Some(Error::Exists(_))), "{refused:?}");
    assert!(shop.store(&entries(0..2), tensor(&descriptors(1, 1))).is_err(), "one descriptor short");
    assert!(shop.store(&entries(0..1), tensor(&[f32::NAN; D])).is_err());
    assert!(shop.store(&entries(0..1), tensor(&[1e6; D])).is_err(), "too large for float16");
    let none = FindSettings { k: 0, ..FindSettings::default() };
    assert!(shop.find(tensor(&descriptors(1, 1)), &none).is_err());
    assert_eq!(shop.info().expect("counts").live, 0);
    assert!(shop.find(tensor(&descriptors(1, 1)), &FindSettings::default()).expect("finds")[0].is_empty());
}

//! Lists, counts and fields of entries, as a simple model has them, and lists beside writers.

use std::collections::BTreeMap;

use active_index_collection::{
    Collection, Count, Day, Entry, Error, Filter, Meta, NameFilter, NewEntry, Order, Page, Selection, State,
    Stored,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::fixtures::{D, collection, descriptors, entries, findings, tensor, wait_for_others};
use crate::place::{Place, WRITES_BESIDE_READERS};

/// Names that differ in case, begin alike, or have characters that patterns of SQL would take for their own.
const NAMES: [&str; 8] =
    ["Sea.jpg", "sea side.PNG", "mountain", "über_100%", "a\0sea", "SEA_1", "", "the deep sea"];

/// Entries by their ids, as the collection should have them.
type Model = BTreeMap<i64, (String, State, Meta)>;

fn random_meta(rng: &mut StdRng) -> Meta {
    let mut meta = Meta::new();
    if rng.random_bool(0.7) {
        meta.insert("year".into(), json!(2000 + rng.random_range(0..3)));
    }
    if rng.random_bool(0.5) {
        meta.insert("sold".into(), json!(rng.random_bool(0.5)));
    }
    meta
}

fn random_selection(rng: &mut StdRng) -> Selection {
    let text = |rng: &mut StdRng| {
        ["sea", "S", "mount", "%", "_1", "\0", "", "nothing", "Ü", "ü"][rng.random_range(0..10)].to_owned()
    };
    let name = match rng.random_range(0..3) {
        0 => None,
        1 => Some(NameFilter::Prefix(text(rng))),
        _ => Some(NameFilter::Part(text(rng))),
    };
    let fields = match rng.random_range(0..3) {
        0 => vec![],
        1 => vec![("year".to_owned(), (2000 + rng.random_range(0..3)).to_string())],
        _ => vec![("sold".to_owned(), rng.random_bool(0.5).to_string())],
    };
    let state =
        [None, Some(State::Live), Some(State::Withdrawn), Some(State::Dropped)][rng.random_range(0..4)];
    Selection { state, filter: Filter { fields }, name }
}

/// Returns true if an entry is selected.
fn passes(selection: &Selection, (name, state, meta): &(String, State, Meta)) -> bool {
    let name = name.to_ascii_lowercase();
    let by_name = match &selection.name {
        None => true,
        Some(NameFilter::Prefix(text)) => name.starts_with(&text.to_ascii_lowercase()),
        Some(NameFilter::Part(text)) => name.contains(&text.to_ascii_lowercase()),
    };
    let has = |(key, value): &(String, String)| meta.get(key).map(Value::to_string).as_ref() == Some(value);
    by_name
        && selection.state.is_none_or(|wanted| wanted == *state)
        && selection.filter.fields.iter().all(has)
}

/// Entries of all pages, each of at most `limit` entries and `visits` rows.
fn walked(shop: &Collection, selection: &Selection, order: Order, limit: usize, visits: u64) -> Vec<Entry> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = Page { selection: selection.clone(), order, after, limit };
        let listing = shop.listing(&page, visits).expect("lists");
        assert!(listing.entries.len() <= limit);
        all.extend(listing.entries);
        match listing.next {
            Some(next) => assert!(after != Some(next), "it goes on"),
            None => return all,
        }
        after = listing.next;
    }
}

fn compare(shop: &Collection, model: &Model, rng: &mut StdRng) {
    for _ in 0..6 {
        let selection = random_selection(rng);
        let mut expected: Vec<i64> =
            model.iter().filter(|(_, own)| passes(&selection, own)).map(|(id, _)| *id).collect();
        let count = shop.count(&selection, u64::MAX).expect("counts");
        assert_eq!(count, Count { entries: expected.len() as u64, is_exact: true }, "{selection:?}");
        let bounded = shop.count(&selection, 5).expect("counts");
        assert!(bounded.entries <= count.entries && (!bounded.is_exact || bounded == count), "{bounded:?}");
        let (limit, visits) = (rng.random_range(1..12), rng.random_range(1..40));
        let found = walked(shop, &selection, Order::OldestFirst, limit, visits);
        assert_eq!(found.iter().map(|entry| entry.id).collect::<Vec<_>>(), expected, "{selection:?}");
        assert!(found.iter().all(|entry| {
            let (name, state, meta) = &model[&entry.id];
            (&entry.name, entry.state, &entry.meta) == (name, *state, meta)
        }));
        let all = Page { selection: selection.clone(), limit: usize::MAX, ..Page::default() };
        assert_eq!(shop.page(&all).expect("lists"), found, "whole in one page");
        expected.reverse();
        let found = walked(shop, &selection, Order::NewestFirst, limit, visits);
        assert_eq!(found.iter().map(|entry| entry.id).collect::<Vec<_>>(), expected, "{selection:?}");
    }
    let of = |wanted: State| model.values().filter(|(_, state, _)| *state == wanted).count() as u64;
    let sum = |each: &dyn Fn(&Day) -> u64| shop.days().expect("counts").iter().map(each).sum::<u64>();
    for state in [State::Live, State::Withdrawn, State::Dropped] {
        assert_eq!(sum(&|day| day.of(state)), of(state), "{state}");
    }
    let info = shop.info().expect("counts");
    assert_eq!(
        [info.live, info.withdrawn, info.dropped],
        [State::Live, State::Withdrawn, State::Dropped].map(of)
    );
}

/// One random change, to the collection and to the model.
fn change(shop: &Collection, model: &mut Model, rng: &mut StdRng) {
    let some =
        |rng: &mut StdRng, model: &Model| model.keys().nth(rng.random_range(0..model.len().max(1))).copied();
    match rng.random_range(0..10) {
        0..5 => {
            let new: Vec<NewEntry> = (0..rng.random_range(1..9))
                .map(|_| NewEntry {
                    meta: random_meta(rng),
                    ..NewEntry::added(NAMES[rng.random_range(0..NAMES.len())], None)
                })
                .collect();
            let rows = descriptors(new.len(), rng.random_range(0..1000));
            // Some keep ids of their own, ahead of the others.
            let wanted: Vec<i64> = new
                .iter()
                .map(|_| if rng.random_bool(0.2) { rng.random_range(0..500) } else { -1 })
                .collect();
            let stored = shop.store_under(&wanted, &new, tensor(&rows)).expect("stores");
            for (entry, stored) in new.into_iter().zip(stored) {
                model.insert(stored.id(), (entry.name, State::Live, entry.meta));
            }
        }
        5 | 6 => {
            let Some(id) = some(rng, model) else { return };
            let (changes, (.., own)) = (random_meta(rng), model.get_mut(&id).expect("is there"));
            let mut changes = changes;
            if rng.random_bool(0.5) {
                changes.insert("sold".into(), Value::Null);
            }
            for (key, value) in &changes {
                match value {
                    Value::Null => drop(own.remove(key)),
                    value => drop(own.insert(key.clone(), value.clone())),
                }
            }
            assert_eq!(&shop.set_meta(id, &changes).expect("sets").meta, own);
        }
        7 | 8 => {
            let Some(id) = some(rng, model) else { return };
            let (_, state, _) = model.get_mut(&id).expect("is there");
            let (withdraws, was_dropped) = (rng.random_bool(0.7), *state == State::Dropped);
            let done = if withdraws { shop.withdraw(&[id]) } else { shop.restore(&[id]) };
            assert_eq!(done.is_err(), was_dropped);
            if !was_dropped {
                *state = if withdraws { State::Withdrawn } else { State::Live };
            }
        }
        _ => {
            shop.compact().expect("compacts");
            let withdrawn = model.values_mut().filter(|(_, state, _)| *state == State::Withdrawn);
            withdrawn.for_each(|(_, state, _)| *state = State::Dropped);
        }
    }
}

#[test]
fn lists_counts_and_fields_are_those_of_a_simple_model() {
    for seed in 0..3 {
        let place = Place::new();
        let (shop, mut model) = (collection(&place), Model::new());
        let (other, mut rng) = (place.open(), StdRng::seed_from_u64(seed));
        for step in 0..60 {
            change(if step % 3 == 0 { &other } else { &shop }, &mut model, &mut rng);
            if step % 6 == 5 {
                wait_for_others();
                compare(&shop, &model, &mut rng);
            }
        }
        assert_eq!(findings(&shop), [""; 0]);
    }
}

/// Stores entries in a collection until the other side hangs up, or it was done often enough.
fn store_on(place: &Place, stop: &std::sync::mpsc::Receiver<()>) {
    let shop = place.open();
    for seed in 0..WRITES_BESIDE_READERS {
        shop.store(&entries(0..7), tensor(&descriptors(7, 3000 + seed))).expect("stores");
        if stop.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected) {
            break;
        }
    }
}

#[test]
fn a_list_beside_a_writer_shows_every_entry_once() {
    let place = Place::new();
    let shop = collection(&place);
    let stored = shop.store(&entries(0..200), tensor(&descriptors(200, 4))).expect("stores");
    let old: Vec<i64> = stored.iter().map(Stored::id).collect();
    let (sender, stop) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let place = &place;
        scope.spawn(move || store_on(place, &stop));
        for round in 0..20 {
            let order = if round % 2 == 0 { Order::NewestFirst } else { Order::OldestFirst };
            let found = walked(&shop, &Selection::default(), order, 13, 50);
            let mut ids: Vec<i64> = found.iter().map(|entry| entry.id).collect();
            assert!(ids.windows(2).all(|pair| (pair[0] < pair[1]) == (order == Order::OldestFirst)));
            ids.retain(|id| *id <= old[199]);
            ids.sort_unstable();
            assert_eq!(ids, old, "round {round}");
        }
        drop(sender);
    });
    wait_for_others();
    let counted = shop.count(&Selection::default(), 0).expect("counts");
    assert_eq!(counted, Count { entries: shop.info().expect("counts").live, is_exact: true });
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn days_are_those_of_the_clock() {
    let place = Place::new();
    let shop = collection(&place);
    assert_eq!(shop.days().expect("counts"), []);
    let stored = shop.store(&entries(0..5), tensor(&descriptors(5, 4))).expect("stores");
    let ids: Vec<i64> = stored.iter().map(Stored::id).collect();
    let added = shop.entry(ids[0]).expect("reads").expect("is there").added;
    assert_eq!(shop.days().expect("counts"), [Day { day: added / 86_400, live: 5, ..Day::default() }]);
    shop.withdraw(&ids[1..3]).expect("withdraws");
    let day = shop.days().expect("counts")[0];
    assert_eq!((day.live, day.withdrawn, day.dropped, day.stored()), (3, 2, 0, 5));
}

#[test]
fn fields_beyond_their_bound_and_unknown_entries_are_refused() {
    let place = Place::new();
    let shop = collection(&place);
    let stored = shop.store(&entries(0..1), tensor(&descriptors(1, 4)[..D])).expect("stores");
    let id = stored[0].id();
    let large = json!({"text": "x".repeat(64 << 10)}).as_object().expect("an object").clone();
    let refused = shop.set_meta(id, &large).expect_err("is too large").to_string();
    assert!(refused.contains("fields of an entry") && refused.contains("65536"), "{refused}");
    assert!(matches!(shop.set_meta(id + 1_000_000, &Meta::new()), Err(Error::UnknownEntry(_))));
    assert!(shop.entry(id).expect("reads").expect("is there").meta.is_empty());
    assert_eq!(findings(&shop), [""; 0]);
}

//! Lists, counts, lookups and fields of random tables, as a simple model has them.

use std::collections::BTreeMap;

use collection::{Day, Digest, Error, Filter, Meta, NameFilter, State};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::*;
use crate::fixtures::{entry, index_columns, place, store, table};

/// Names that differ in case, begin alike, or have characters that SQL takes for its own.
const NAMES: [&str; 9] =
    ["Sea.jpg", "sea side.PNG", "über_100%", "a\0sea", "SEA_1", "", "it's\\", "x''; --", "the deep sea"];

type Model = BTreeMap<i64, Entry>;

fn random_meta(rng: &mut StdRng) -> Meta {
    let mut meta = Meta::new();
    if rng.random_bool(0.7) {
        meta.insert("year".into(), json!(2000 + rng.random_range(0..3)));
    }
    if rng.random_bool(0.5) {
        meta.insert("title 'n'".into(), json!(["it's\\", "\"quoted\"", "0.5", ""][rng.random_range(0..4)]));
    }
    meta
}

fn random_selection(rng: &mut StdRng) -> Selection {
    let text = ["sea", "S", "%", "_1", "\0", "", "nothing", "Ü", "'"][rng.random_range(0..9)].to_owned();
    let name = [None, Some(NameFilter::Prefix(text.clone())), Some(NameFilter::Part(text))];
    let fields = match rng.random_range(0..3) {
        0 => vec![],
        1 => vec![("year".to_owned(), (2000 + rng.random_range(0..3)).to_string())],
        _ => vec![("title 'n'".to_owned(), "it's\\".to_owned())],
    };
    let states = [None, Some(State::Live), Some(State::Withdrawn), Some(State::Dropped)];
    Selection {
        state: states[rng.random_range(0..4)],
        filter: Filter { fields },
        name: name[rng.random_range(0..3)].clone(),
    }
}

/// Returns true if an entry is selected.
fn passes(selection: &Selection, entry: &Entry) -> bool {
    let name = entry.name.to_ascii_lowercase();
    let by_name = match &selection.name {
        None => true,
        Some(NameFilter::Prefix(text)) => name.starts_with(&text.to_ascii_lowercase()),
        Some(NameFilter::Part(text)) => name.contains(&text.to_ascii_lowercase()),
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let has = |(key, value): &(String, String)| entry.meta.get(key).is_some_and(|own| text(own) == *value);
    by_name
        && selection.state.is_none_or(|wanted| wanted == entry.state)
        && selection.filter.fields.iter().all(has)
}

/// Entries of all pages, each of at most `limit` entries and `visits` rows, of a table that is small or not.
async fn walked(
    table: &Table,
    selection: &Selection,
    order: Order,
    (limit, visits): (usize, u64),
    scanned: u64,
) -> Vec<Entry> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = Page { selection: selection.clone(), order, after, limit };
        let listing = listing_of(table, &page, visits, scanned).await.expect("lists");
        assert!(listing.entries.len() <= limit && listing.entries.len() as u64 <= visits);
        all.extend(listing.entries);
        match listing.next {
            Some(next) => assert!(after != Some(next), "it goes on"),
            None => return all,
        }
        after = listing.next;
    }
}

async fn compare_lists(table: &Table, model: &Model, rng: &mut StdRng) {
    for scanned in [0, u64::MAX] {
        let selection = random_selection(rng);
        let mut expected: Vec<Entry> =
            model.values().filter(|entry| passes(&selection, entry)).cloned().collect();
        let number = expected.len() as u64;
        let all = count(table, &selection, u64::MAX).await.expect("counts");
        assert_eq!(all, Count { entries: number, is_exact: true }, "{selection:?}");
        let bounded = count_of(table, &selection, 30, scanned).await.expect("counts");
        assert!(
            bounded == all || bounded.entries <= number && !bounded.is_exact,
            "{selection:?}: {bounded:?}"
        );
        let bounds = (rng.random_range(3..30), rng.random_range(15..80));
        let found = walked(table, &selection, Order::OldestFirst, bounds, scanned).await;
        assert_eq!(found, expected, "{selection:?}, {bounds:?}, {scanned}");
        let whole = Page { selection: selection.clone(), limit: usize::MAX, ..Page::default() };
        assert_eq!(listing(table, &whole, u64::MAX).await.expect("lists").entries, expected);
        expected.reverse();
        let found = walked(table, &selection, Order::NewestFirst, bounds, scanned).await;
        assert_eq!(found, expected, "{selection:?}, {bounds:?}, {scanned}");
    }
}

async fn compare_lookups(table: &Table, tallies: &Tallies, model: &Model, rng: &mut StdRng) {
    for name in NAMES.into_iter().chain(["no such name"]) {
        let of_name = model.values().filter(|entry| entry.name == name && entry.state != State::Dropped);
        let expected: Vec<i64> = of_name.map(|entry| entry.id).collect();
        assert_eq!(ids_of_name(table, name).await.expect("looks up"), expected, "{name:?}");
    }
    let mut ids: Vec<i64> = model.keys().copied().filter(|_| rng.random_bool(0.5)).collect();
    ids.extend([-1, i64::MIN, i64::MAX, 123_456_789, *model.keys().next().unwrap_or(&0)]);
    let expected: Vec<Option<Entry>> = ids.iter().map(|id| model.get(id).cloned()).collect();
    assert_eq!(by_ids(table, &ids).await.expect("looks up"), expected);
    let originals: Vec<Digest> = (0..40_i64).map(|id| Digest::of_file(&id.to_le_bytes())).collect();
    let of = |original: &Digest| {
        let mut entries = model.values().filter(|entry| entry.state != State::Dropped);
        entries.find(|entry| entry.original.as_ref() == Some(original)).cloned()
    };
    let expected: Vec<Option<Entry>> = originals.iter().map(of).collect();
    assert_eq!(known(table, &originals).await.expect("looks up"), expected);
    let mut expected: BTreeMap<i64, Day> = BTreeMap::new();
    for entry in model.values() {
        let day = entry.added / 86_400;
        expected.entry(day).or_insert(Day { day, ..Day::default() }).add(entry.state, 1);
    }
    let expected: Vec<Day> = expected.into_values().collect();
    assert_eq!(days(table, tallies).await.expect("counts"), expected);
}

/// Id that no entry has: the next one, one of those that were left out, or one far behind.
fn new_id(model: &Model, rng: &mut StdRng) -> i64 {
    let last = model.keys().next_back().copied().unwrap_or(0);
    let id = match rng.random_range(0..20) {
        0 => last + (1 << rng.random_range(0..45)),
        1..4 => rng.random_range(0..500),
        _ => last + 1,
    };
    if model.contains_key(&id) { last + 1 } else { id }
}

/// One random change, to the table and to the model.
async fn change(table: &Table, model: &mut Model, rng: &mut StdRng) {
    let some = model.keys().nth(rng.random_range(0..model.len().max(1))).copied();
    match (rng.random_range(0..8), some) {
        (0..4, _) | (_, None) => {
            let mut new = Vec::new();
            for _ in 0..rng.random_range(1..9) {
                let meta = random_meta(rng);
                let (name, added) = (NAMES[rng.random_range(0..NAMES.len())], rng.random_range(0..400_000));
                let entry = Entry { meta, added, ..entry(new_id(model, rng), name) };
                model.insert(entry.id, entry.clone());
                new.push(entry);
            }
            store(table, &new).await;
        }
        (4..6, Some(id)) => {
            let mut changes = random_meta(rng);
            changes.insert(["year", "title 'n'"][rng.random_range(0..2)].into(), Value::Null);
            let own = model.get_mut(&id).expect("is there");
            for (key, value) in &changes {
                match value {
                    Value::Null => drop(own.meta.remove(key)),
                    value => drop(own.meta.insert(key.clone(), value.clone())),
                }
            }
            assert_eq!(&set_meta(table, id, &changes).await.expect("sets"), own);
        }
        (_, Some(id)) => {
            let state = State::from_number(rng.random_range(0..3)).expect("is a state");
            let set = [("state", state.number().to_string())];
            assert_eq!(table.update(&format!("id = {id}"), &set).await.expect("sets"), 1);
            model.get_mut(&id).expect("is there").state = state;
        }
    }
}

/// Makes the indexes by which rows are looked up.
async fn index(table: &Table) {
    index_columns(table, &["id", "original", "name"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_and_lookups_are_those_of_a_simple_model() {
    for seed in 0..2 {
        let folder = tempfile::tempdir().expect("folder");
        let place = place(&folder).await;
        let (table, mut model, mut rng) = (table(&place).await, Model::new(), StdRng::seed_from_u64(seed));
        let other = Table::open(&place, crate::entries::TABLE).await.expect("opens");
        let tallies = Tallies::default();
        compare_lists(&table, &model, &mut rng).await;
        for step in 0..40 {
            change(if step % 3 == 0 { &other } else { &table }, &mut model, &mut rng).await;
            if step == 24 {
                index(&other).await;
            }
            if step % 12 == 11 || step == 25 {
                compare_lists(&table, &model, &mut rng).await;
                compare_lookups(&table, &tallies, &model, &mut rng).await;
            }
        }
    }
}

#[tokio::test]
async fn a_page_visits_no_more_rows_than_it_may_whatever_the_gaps() {
    let folder = tempfile::tempdir().expect("folder");
    let table = table(&place(&folder).await).await;
    // 300 ids side by side, 300 with a gap of 2^40 between any two, 300 side by side.
    let ids = (0..300).chain((1..=300).map(|n| n << 40)).chain((0..300).map(|n| (1 << 60) + n));
    let ids: Vec<i64> = ids.collect();
    store(&table, &ids.iter().map(|id| entry(*id, "n")).collect::<Vec<_>>()).await;
    let nobody = NameFilter::Part("no such name".to_owned());
    let selection = Selection { name: Some(nobody), ..Selection::default() };
    for (is_indexed, scanned) in [(false, u64::MAX), (false, 0), (true, 0)] {
        if is_indexed {
            index(&table).await;
        }
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let (mut after, mut pages) = (None, 0);
            loop {
                let page = Page { selection: selection.clone(), order, after, limit: 5 };
                let listing = listing_of(&table, &page, 100, scanned).await.expect("lists");
                assert_eq!(listing.entries, []);
                let is_behind = |id: i64, place: Option<i64>| {
                    place.is_none_or(|place| id != place && (id > place) == (order == Order::OldestFirst))
                };
                let visited = |id: &&i64| is_behind(**id, after) && !is_behind(**id, listing.next);
                let visited = ids.iter().filter(visited).count();
                assert!(visited <= 100, "{order:?}, {after:?}: {visited}");
                (after, pages) = (listing.next, pages + 1);
                if after.is_none() {
                    break;
                }
            }
            assert!((10..20).contains(&pages), "{order:?}, {is_indexed}, {scanned}: {pages}");
            let all = walked(&table, &Selection::default(), order, (40, 100), scanned).await;
            assert_eq!(all.len(), ids.len());
        }
    }
}

#[tokio::test]
async fn places_that_no_entry_has_are_places_of_a_list() {
    let folder = tempfile::tempdir().expect("folder");
    let table = table(&place(&folder).await).await;
    store(&table, &[3, 7, 8].map(|id| entry(id, "n"))).await;
    let ids = async |after: i64, order: Order| -> Vec<i64> {
        let page = Page { order, after: Some(after), limit: 10, ..Page::default() };
        listing(&table, &page, 1000).await.expect("lists").entries.iter().map(|entry| entry.id).collect()
    };
    for (after, oldest, newest) in [
        (i64::MIN, &[3, 7, 8][..], &[][..]),
        (-1, &[3, 7, 8], &[]),
        (5, &[7, 8], &[3]),
        (7, &[8], &[3]),
        (i64::MAX, &[], &[8, 7, 3]),
    ] {
        assert_eq!(ids(after, Order::OldestFirst).await, oldest, "{after}");
        assert_eq!(ids(after, Order::NewestFirst).await, newest, "{after}");
    }
    let none = Page { limit: 0, ..Page::default() };
    assert_eq!(listing(&table, &none, 1000).await.expect("lists").entries, []);
    assert_eq!(listing(&table, &Page { limit: 2, ..none }, 0).await.expect("lists").entries, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_of_fields_at_once_are_all_kept() {
    let folder = tempfile::tempdir().expect("folder");
    let place = place(&folder).await;
    store(&table(&place).await, &[entry(1, "a"), entry(2, "b")]).await;
    let writers = (0..3).map(|writer| {
        let place = place.clone();
        tokio::spawn(async move {
            let table = Table::open(&place, crate::entries::TABLE).await.expect("opens");
            for n in 0..5 {
                let change = [(format!("{writer} {n}"), json!("it's\\ \"so\""))].into_iter().collect();
                set_meta(&table, 1 + n % 2, &change).await.expect("sets");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("ends");
    }
    let table = Table::open(&place, crate::entries::TABLE).await.expect("opens");
    let found = by_ids(&table, &[1, 2]).await.expect("reads").into_iter().flatten();
    let keys: Vec<usize> = found.map(|entry| entry.meta.len()).collect();
    assert_eq!(keys, [9, 6]);
}

#[tokio::test]
async fn fields_beyond_their_bound_and_unknown_entries_are_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let table = table(&place(&folder).await).await;
    store(&table, &[entry(1, "a")]).await;
    let large: Meta = [("text".to_owned(), json!("x".repeat(64 << 10)))].into_iter().collect();
    let refused = set_meta(&table, 1, &large).await.expect_err("is too large").to_string();
    assert!(refused.contains("fields of an entry") && refused.contains("65536"), "{refused}");
    for unknown in [0, 2, -1, i64::MIN, i64::MAX] {
        let refused = set_meta(&table, unknown, &Meta::new()).await;
        assert!(matches!(refused, Err(Error::UnknownEntry(_))), "{unknown}");
    }
}

#[tokio::test]
async fn damaged_rows_are_named() {
    let folder = tempfile::tempdir().expect("folder");
    let table = table(&place(&folder).await).await;
    store(&table, &[entry(1, "a"), entry(2, "b")]).await;
    table.update("id = 2", &[("meta", "'[1]'".to_owned())]).await.expect("changes");
    let filter = Filter { fields: vec![("a".to_owned(), "b".to_owned())] };
    let page = Page { selection: Selection { filter, ..Selection::default() }, limit: 5, ..Page::default() };
    let refused = listing(&table, &page, 1000).await.expect_err("is damaged").to_string();
    assert!(refused.contains("entries") && refused.contains("entry 2: fields"), "{refused}");
    table.update("id = 1", &[("state", "7".to_owned())]).await.expect("changes");
    let refused = days(&table, &Tallies::default()).await.expect_err("is damaged").to_string();
    assert!(refused.contains("state 7"), "{refused}");
}

//! Imports of other collections: all of it, once, whatever is there already, and killed at any moment.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use active_index_collection::{
    Candidate, Collection, Decision, Digest, Entry, Error, FindSettings, Imported, Info, NewEntry, Page,
    Review, ReviewPage, State,
};
use index::Metric;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;

use crate::{
    folders::{collection, open},
    promises::{
        fixtures::{D, KIND, descriptors, findings, quantiser, tensor, with_witness},
        reviews::review,
    },
};

/// Everything that is kept of an entry.
#[derive(Debug, Clone, PartialEq)]
struct Kept {
    entry: Entry,
    witness: Option<Vec<u8>>,
    descriptor: Option<Vec<f32>>,
    /// Cell and code; `None` unless the entry is live.
    code: Option<(usize, Vec<u8>)>,
}

/// Everything that a collection keeps.
#[derive(Debug, PartialEq)]
struct Content {
    entries: BTreeMap<i64, Kept>,
    reviews: BTreeMap<i64, (Review, Option<Vec<u8>>)>,
    texts: [Option<String>; 3],
}

impl Content {
    fn of(collection: &Collection) -> Self {
        let mut codes = codes(collection);
        let kept = |entry: Entry| {
            let id = entry.id;
            let witness = collection.witnesses(&[id]).expect("reads").pop().flatten();
            let descriptor = collection.descriptor(id).ok();
            (id, Kept { entry, witness, descriptor, code: codes.remove(&id) })
        };
        let entries = collection.page(&Page { limit: usize::MAX, ..Page::default() }).expect("lists");
        let reviews = collection.reviews(&ReviewPage { limit: usize::MAX, ..ReviewPage::default() });
        let picture = |review: Review| {
            let picture = collection.review_picture(review.id).expect("reads");
            (review.id, (review, picture))
        };
        let texts = [collection.recorded_extractor(), collection.calibration(), collection.background()];
        Self {
            entries: entries.into_iter().map(kept).collect(),
            reviews: reviews.expect("lists").into_iter().map(picture).collect(),
            texts: texts.map(|text| text.expect("reads")),
        }
    }
}

/// Cells and codes of the live entries.
fn codes(collection: &Collection) -> BTreeMap<i64, (usize, Vec<u8>)> {
    let lists = collection.export().expect("exports").lists().expect("is an inverted file");
    let cell = |cell| lists.entries(cell).map(move |(id, code)| (id, (cell, code.to_vec())));
    (0..lists.nlist()).flat_map(cell).collect()
}

/// Answers to some queries.
fn answers(collection: &Collection) -> Vec<Vec<Candidate>> {
    let query = |nprobe| {
        let settings = FindSettings { nprobe, ..FindSettings::default() };
        collection.find(tensor(&descriptors(40, 77)), &settings).expect("finds")
    };
    [1, 4, 16].into_iter().flat_map(query).collect()
}

/// Stores `n` entries of all kinds, whose names and originals depend on `seed`.
fn store(shop: &Collection, n: usize, seed: u64) -> Vec<i64> {
    let rows = descriptors(n, seed);
    let entry = |(number, row): (usize, &[f32])| {
        let original = (!number.is_multiple_of(5)).then(|| Digest::of_descriptor(row));
        let mut entry = NewEntry::added(format!("{seed}-{number}.jpg"), original);
        if number.is_multiple_of(3) {
            entry = with_witness(entry);
        }
        if number.is_multiple_of(4) {
            entry.meta.insert("licence".to_owned(), json!("CC0"));
            entry.meta.insert("year".to_owned(), json!(2000 + number));
        }
        if number.is_multiple_of(7) {
            entry.file = Some(format!("released/{number}.png"));
            entry.pending = entry.original.is_some() && number.is_multiple_of(2);
        }
        entry
    };
    let new: Vec<NewEntry> = rows.chunks_exact(D).enumerate().map(entry).collect();
    let stored = shop.store(&new, tensor(&rows)).expect("stores");
    stored.iter().map(|stored| stored.id()).collect()
}

/// Collection with live, withdrawn, dropped and pending entries in segments and in none, with reviews and texts.
fn shop(path: &Path, seed: u64) -> Collection {
    let shop = collection(path);
    shop.set_segment_entries(100).expect("sets");
    let ids = store(&shop, 150, seed);
    shop.withdraw(&[ids[11], ids[50], ids[51]]).expect("withdraws");
    shop.compact().expect("compacts");
    let ids = store(&shop, 80, seed + 1);
    shop.withdraw(&[ids[2], ids[5], ids[6]]).expect("withdraws");
    for query in 0..30 {
        let added = shop.add_review(&review(query, ids[query as usize % 7])).expect("adds");
        if !query.is_multiple_of(3) {
            let decision = if query.is_multiple_of(2) { Decision::Confirmed } else { Decision::Rejected };
            shop.decide(added.id(), decision, (query % 2 == 1).then_some("somebody")).expect("decides");
        }
    }
    shop.extractor("an extractor").expect("records");
    shop.set_background("a background").expect("keeps");
    shop.set_calibration("a calibration").expect("keeps");
    shop
}

/// Imports all of a collection.
fn imported(to: &Collection, from: &Collection) -> Imported {
    let done = to.import(from, &mut |_| ControlFlow::Continue(())).expect("imports");
    assert!(done.is_complete, "{done:?}");
    done
}

/// New collection with the quantiser and the kind of witnesses of another.
fn empty_like(other: &Collection, path: &Path) -> Collection {
    Collection::create_with_witnesses(path, other.quantiser(), KIND).expect("creates")
}

#[test]
fn a_collection_is_taken_over_and_back() {
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name);
    let shop = shop(&path("shop"), 1);
    let (there, back) = (empty_like(&shop, &path("there")), empty_like(&shop, &path("back")));
    assert_eq!(shop.description().fingerprint, back.description().fingerprint);
    let first = imported(&there, &shop);
    assert_eq!((first.added, first.renumbered, first.left, first.reviews), (230, 0, 0, 30), "{first:?}");
    there.compact().expect("compacts");
    let content = Content::of(&shop);
    let states = |state| content.entries.values().filter(|kept| kept.entry.state == state).count();
    assert_eq!([State::Live, State::Withdrawn, State::Dropped].map(states), [224, 3, 3]);
    imported(&back, &open(&path("there")));
    // The second compaction has dropped what was withdrawn; the collection itself has it still.
    shop.compact().expect("compacts");
    assert_eq!(Content::of(&back), Content::of(&shop));
    assert_eq!(answers(&back), answers(&shop));
    for found in [&shop, &there, &back] {
        assert_eq!(findings(found), [""; 0]);
    }
    let next = |shop: &Collection| store(shop, 1, 90)[0];
    assert!(next(&back) > *content.entries.keys().max().expect("has entries"));
}

#[test]
fn withdrawn_and_pending_entries_keep_their_states() {
    let folder = tempfile::tempdir().expect("folder");
    let shop = shop(&folder.path().join("shop"), 3);
    let other = empty_like(&shop, &folder.path().join("other"));
    imported(&other, &shop);
    assert_eq!(Content::of(&other), Content::of(&shop));
    assert_eq!(answers(&other), answers(&shop));
    let withdrawn: Vec<i64> = Content::of(&shop)
        .entries
        .values()
        .filter(|kept| kept.entry.state == State::Withdrawn)
        .map(|kept| kept.entry.id)
        .collect();
    other.restore(&withdrawn).expect("restores");
    shop.restore(&withdrawn).expect("restores");
    assert_eq!(Content::of(&other), Content::of(&shop));
}

#[test]
fn again_it_takes_over_what_is_missing() {
    let folder = tempfile::tempdir().expect("folder");
    let shop = shop(&folder.path().join("shop"), 5);
    let other = empty_like(&shop, &folder.path().join("other"));
    imported(&other, &shop);
    let again = imported(&other, &shop);
    assert_eq!((again.added, again.already, again.reviews), (0, 230, 0), "{again:?}");
    assert_eq!(Content::of(&other), Content::of(&shop));

    // More is stored, withdrawn, dropped, stored again, written, reviewed and decided.
    let more = store(&shop, 40, 9);
    let of_state = |wanted: State| {
        let entries = Content::of(&shop).entries.into_values().map(|kept| kept.entry);
        entries.filter(|entry| entry.state == wanted).collect::<Vec<_>>()
    };
    let live: Vec<i64> = of_state(State::Live).iter().map(|entry| entry.id).collect();
    shop.withdraw(&[live[1], live[3], more[4]]).expect("withdraws");
    shop.compact().expect("compacts");
    shop.withdraw(&[live[10]]).expect("withdraws");
    let pending: Vec<Entry> = of_state(State::Live).into_iter().filter(|entry| entry.pending).collect();
    shop.mark_written(&[pending[0].id]).expect("marks");
    let row = descriptors(1, 500);
    let completed = NewEntry {
        file: Some("elsewhere.png".to_owned()),
        ..NewEntry::added("x", pending[1].original.clone())
    };
    shop.store(&[completed], tensor(&row)).expect("completes");
    let open_review = shop.reviews(&ReviewPage { limit: 1, ..ReviewPage::default() }).expect("lists")[0].id;
    shop.decide(open_review, Decision::Confirmed, None).expect("decides");
    shop.add_review(&review(700, more[7])).expect("adds");
    let third = imported(&other, &shop);
    assert_eq!((third.added, third.withdrawn, third.reviews), (42, 3, 1), "{third:?}");
    other.compact().expect("compacts");
    shop.compact().expect("compacts");
    assert_eq!(Content::of(&other), Content::of(&shop));
    assert_eq!(answers(&other), answers(&shop));
    assert_eq!(findings(&other), [""; 0]);

    // An image that was dropped and added again is live, here too.
    let mut live = of_state(State::Live).into_iter();
    let again = live.find(|entry| entry.original.is_some() && !entry.pending).expect("has one");
    let original = again.original.clone();
    shop.withdraw(&[again.id]).expect("withdraws");
    shop.compact().expect("compacts");
    shop.store(&[NewEntry::added("again", original.clone())], tensor(&row)).expect("stores");
    let fourth = imported(&other, &shop);
    assert_eq!((fourth.added, fourth.withdrawn), (0, 0), "{fourth:?}");
    let known = other.known(&[original.expect("has one")]).expect("reads");
    assert_eq!(known[0].as_ref().map(|entry| (entry.id, entry.state)), Some((again.id, State::Live)));
}

#[test]
fn ids_that_are_taken_are_replaced_once() {
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name);
    let (one, two) = (shop(&path("one"), 11), shop(&path("two"), 21));
    let both = empty_like(&one, &path("both"));
    imported(&both, &one);
    let second = imported(&both, &two);
    // The ids 1 to 230 are taken: the three rows of dropped entries are left out.
    assert_eq!(
        (second.added, second.renumbered, second.left, second.reviews),
        (227, 227, 3, 30),
        "{second:?}"
    );
    let again = imported(&both, &two);
    assert_eq!((again.added, again.already, again.left, again.reviews), (0, 227, 3, 0), "{again:?}");
    assert_eq!(imported(&both, &one).added, 0);

    let found = Content::of(&both).entries;
    let names = |content: &BTreeMap<i64, Kept>| {
        let kept = content.values().filter(|kept| kept.entry.state != State::Dropped);
        let mut kept: Vec<_> = kept
            .map(|kept| {
                let Kept { entry, witness, descriptor, code } = kept.clone();
                let Entry { name, state, file, pending, added, meta, .. } = entry;
                (name, (state, file, pending, added, meta), (witness, descriptor, code))
            })
            .collect();
        kept.sort_by(|one, other| one.0.cmp(&other.0));
        kept
    };
    let [first, second] = [&one, &two].map(|shop| Content::of(shop).entries);
    let mut expected = [names(&first), names(&second)].concat();
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(names(&found), expected);
    // Reviews are of the same pictures.
    let reviewed = |shop: &Collection| {
        let content = Content::of(shop);
        let pairs = content.reviews.values().map(|(review, picture)| {
            (
                content.entries[&review.entry].entry.name.clone(),
                review.query.clone(),
                review.decision,
                picture.clone(),
            )
        });
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_by_key(|(name, query, ..)| (name.clone(), query.to_string()));
        pairs
    };
    let mut expected = [reviewed(&one), reviewed(&two)].concat();
    expected.sort_by_key(|(name, query, ..)| (name.clone(), query.to_string()));
    assert_eq!(reviewed(&both), expected);
    assert_eq!(findings(&both), [""; 0]);
}

#[test]
fn an_import_ends_when_asked_and_goes_on() {
    let folder = tempfile::tempdir().expect("folder");
    let shop = shop(&folder.path().join("shop"), 31);
    let other = empty_like(&shop, &folder.path().join("other"));
    let done = other.import(&shop, &mut |_| ControlFlow::Break(())).expect("imports");
    assert_eq!((done.visited, done.added, done.reviews, done.is_complete), (230, 230, 0, false), "{done:?}");
    assert_eq!(other.calibration().expect("reads"), None);
    let rest = imported(&other, &shop);
    assert_eq!((rest.added, rest.reviews), (0, 30), "{rest:?}");
    assert_eq!(Content::of(&other), Content::of(&shop));
}

#[test]
fn what_is_there_is_kept_and_what_means_nothing_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name);
    let shop = shop(&path("shop"), 41);
    let own = empty_like(&shop, &path("own"));
    own.set_calibration("its own").expect("keeps");
    imported(&own, &shop);
    assert_eq!(own.calibration().expect("reads").as_deref(), Some("its own"));
    assert_eq!(own.background().expect("reads"), None);

    let refused = |other: Collection| {
        let error = other.import(&shop, &mut |_| ControlFlow::Continue(())).expect_err("is unlike");
        assert!(matches!(error, Error::Unlike { .. }), "{error:?}");
        assert_eq!(other.info().expect("counts").live, 0);
        error.to_string()
    };
    let another =
        Collection::create(&path("another"), &quantiser("IVF8,PQ4x4", Metric::L2)).expect("creates");
    let line = refused(another);
    assert!(line.contains("has the quantiser IVF8,PQ4x4 (") && !line.contains('\n'), "{line}");
    let without = Collection::create(&path("without"), shop.quantiser()).expect("creates");
    let line = refused(without);
    assert!(line.contains("has the witnesses none") && line.contains(KIND), "{line}");

    // Of a damaged collection nothing is taken over that is not whole.
    for file in std::fs::read_dir(path("shop/segments")).expect("lists").flatten() {
        std::fs::write(file.path(), b"damaged").expect("writes");
    }
    let fresh = empty_like(&own, &path("fresh"));
    let error =
        fresh.import(&open(&path("shop")), &mut |_| ControlFlow::Continue(())).expect_err("is damaged");
    assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
}

/// Environment variable with the collection that is imported, in the process that is killed.
const FROM: &str = "IMPORTED_COLLECTION";
/// Environment variable with the collection that takes it over.
const TO: &str = "IMPORTING_COLLECTION";

/// Imports a collection. Only runs as a child of [`kill_rounds`].
#[test]
fn child_that_imports_until_it_is_killed() {
    let (Some(from), Some(to)) = (std::env::var_os(FROM), std::env::var_os(TO)) else { return };
    imported(&open(Path::new(&to)), &open(Path::new(&from)));
}

/// Numbers of entries, witnesses and reviews, whatever the files are.
fn numbers(collection: &Collection) -> Info {
    let info = collection.info().expect("counts");
    Info { segments: 0, fresh: 0, bytes: 0, ..info }
}

/// Kills imports at random moments until one ends, and compares the collections.
fn kill_rounds(rounds: u64) {
    let folder = tempfile::tempdir().expect("folder");
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let large = shop(&from, 51);
    // Several blocks, each of which takes a while.
    for block in 0..5 {
        let rows = descriptors(8000, 60 + block);
        let new = rows
            .chunks_exact(D)
            .map(|row| NewEntry::added(format!("{block}"), Some(Digest::of_descriptor(row))));
        large.store(&new.collect::<Vec<_>>(), tensor(&rows)).expect("stores");
    }
    let mut rng = StdRng::seed_from_u64(7);
    let (mut done, mut partial) = (0, 0);
    let mut other = empty_like(&large, &to);
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "imports::child_that_imports_until_it_is_killed"])
            .envs([(FROM, &from), (TO, &to)])
            .stdout(Stdio::null())
            .spawn()
            .expect("starts");
        // It is killed after a commit, unless it was the last.
        while other.info().expect("counts").live == done && child.try_wait().expect("asks").is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(rng.random_range(0..300)));
        child.kill().expect("kills");
        let ended = child.wait().expect("ends");
        let there = other.info().expect("counts").live;
        assert!(there >= done, "round {round}: {there} of {done} are left");
        assert_eq!(findings(&other), [""; 0], "round {round}");
        partial += u64::from(there > done && !ended.success());
        done = there;
        if ended.success() {
            assert_eq!(numbers(&other), numbers(&large));
            drop(other);
            std::fs::remove_dir_all(&to).expect("removes");
            (other, done) = (empty_like(&large, &to), 0);
        }
    }
    imported(&other, &large);
    let again = imported(&other, &large);
    assert_eq!((again.added, again.already, again.reviews), (0, 40_230, 0), "{again:?}");
    // Answers are not compared: of thousands of equal codes, those that are ranked depend on the files.
    assert!(codes(&other) == codes(&large), "codes differ");
    let descriptors = |shop: &Collection| shop.sample(usize::MAX, 0).expect("reads");
    assert!(descriptors(&other) == descriptors(&large), "descriptors differ");
    assert_eq!(numbers(&other), numbers(&large));
    assert!(partial > 0, "no kill was in the middle of an import");
}

#[test]
fn killed_imports_lose_nothing_and_repeat_nothing() {
    kill_rounds(5);
}

#[test]
#[ignore = "slow: 100 kills take minutes"]
fn a_hundred_killed_imports_lose_nothing_and_repeat_nothing() {
    kill_rounds(100);
}

//! Reviews: kept once for a query and an entry, decided and taken back, listed and counted, as a simple model does it.

use std::collections::BTreeMap;

use active_index_collection::{
    AddedReview, Collection, Decision, Decisions, Digest, Error, NewReview, REVIEW_ANSWER_BYTES,
    REVIEW_NAME_BYTES, REVIEW_PICTURE_BYTES, REVIEWER_BYTES, Review, ReviewCursor, ReviewPage, State, Stored,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::fixtures::{collection, descriptors, entries, findings, tensor, wait_for_others};
use crate::place::Place;

/// Number of entries of [`shop`].
const ENTRIES: usize = 20;

/// Collection with [`ENTRIES`], and their ids.
fn shop(place: &Place) -> (Collection, Vec<i64>) {
    let shop = collection(place);
    let stored = shop.store(&entries(0..ENTRIES), tensor(&descriptors(ENTRIES, 5))).expect("stores");
    (shop, stored.iter().map(Stored::id).collect())
}

/// Review of a query of a number for an entry.
pub fn review(query: u64, entry: i64) -> NewReview {
    NewReview {
        query: Digest::of_file(&query.to_le_bytes()),
        name: format!("query {query}.jpg"),
        entry,
        verdict: if query.is_multiple_of(3) { "match" } else { "possible" }.to_owned(),
        e_value: 0.5 / (1 + query) as f64,
        cosine: 0.25,
        inliers: (!query.is_multiple_of(2)).then_some(query),
        answer: format!("{{\"id\":{entry},\"e_value\":{}}}", 0.5 / (1 + query) as f64),
        picture: query.is_multiple_of(2).then(|| picture(query)),
    }
}

/// Bytes that stand for the picture of a query.
pub fn picture(query: u64) -> Vec<u8> {
    format!("picture of query {query}, ").into_bytes().repeat(1 + query as usize % 700)
}

/// Reviews of all pages of a size.
fn walked(shop: &Collection, decision: Option<Decision>, limit: usize) -> Vec<Review> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = shop.reviews(&ReviewPage { decision, after, limit }).expect("lists");
        assert!(page.len() <= limit);
        let Some(last) = page.last() else { return all };
        after = Some(last.cursor().to_string().parse::<ReviewCursor>().expect("is read as it is written"));
        all.extend(page);
    }
}

/// Model of the reviews: query, entry, decision and person, by id.
type Model = BTreeMap<i64, (u64, i64, Decision, Option<String>)>;

/// Ids as a list shows them.
fn listed(model: &Model, decision: Option<Decision>) -> Vec<i64> {
    let passes = |own: Decision| decision.is_none_or(|decision| decision == own);
    let mut ids: Vec<(bool, i64)> = model
        .iter()
        .filter(|(_, (.., own, _))| passes(*own))
        .map(|(id, (.., own, _))| (*own != Decision::Undecided, -id))
        .collect();
    ids.sort_unstable();
    ids.into_iter().map(|(_, id)| -id).collect()
}

fn counted(model: &Model) -> BTreeMap<String, Decisions> {
    let mut counts: BTreeMap<String, Decisions> = BTreeMap::new();
    for (query, entry, decision, _) in model.values() {
        let counts = counts.entry(review(*query, *entry).verdict).or_default();
        match decision {
            Decision::Undecided => counts.undecided += 1,
            Decision::Confirmed => counts.confirmed += 1,
            Decision::Rejected => counts.rejected += 1,
        }
    }
    counts
}

fn compare(shop: &Collection, model: &Model, rng: &mut StdRng) {
    for decision in [None].into_iter().chain(Decision::ALL.map(Some)) {
        let all = walked(shop, decision, rng.random_range(1..8));
        assert_eq!(all.iter().map(|review| review.id).collect::<Vec<_>>(), listed(model, decision));
        for found in all {
            let (query, entry, decision, by) = &model[&found.id];
            let added = review(*query, *entry);
            assert_eq!(
                (&found.query, &found.name, found.entry, &found.verdict, found.e_value, found.cosine),
                (&added.query, &added.name, added.entry, &added.verdict, added.e_value, added.cosine)
            );
            assert_eq!((found.inliers, &found.answer), (added.inliers, &added.answer));
            assert_eq!((found.decision, &found.by), (*decision, by));
            assert_eq!(found.decided.is_some(), *decision != Decision::Undecided);
            assert_eq!(found.has_picture, added.picture.is_some());
            assert_eq!(shop.review_picture(found.id).expect("reads"), added.picture);
            assert_eq!(shop.review(found.id).expect("reads"), Some(found));
        }
    }
    let counts = shop.review_counts().expect("counts");
    let not_empty = counts.by_verdict.iter().filter(|(_, counts)| **counts != Decisions::default());
    let found: BTreeMap<String, Decisions> =
        not_empty.map(|(verdict, counts)| (verdict.clone(), *counts)).collect();
    assert_eq!(found, counted(model));
    let (total, sum) = (counts.total(), counted(model));
    assert_eq!(total.undecided, sum.values().map(|counts| counts.undecided).sum::<u64>());
    assert_eq!(total.decided(), sum.values().map(Decisions::decided).sum::<u64>());
    assert_eq!(shop.info().expect("counts").reviews, total);
}

#[test]
fn reviews_are_kept_as_a_simple_model_keeps_them() {
    let place = Place::new();
    let ((shop, ids), mut model) = (shop(&place), Model::new());
    let other = place.open();
    let mut rng = StdRng::seed_from_u64(11);
    for step in 0..400 {
        let side = if rng.random_bool(0.5) { &shop } else { &other };
        if rng.random_bool(0.5) {
            let (query, entry) = (rng.random_range(0..40), ids[rng.random_range(0..ENTRIES)]);
            let known = model.iter().find(|(_, (q, e, ..))| (*q, *e) == (query, entry)).map(|(id, _)| *id);
            let added = side.add_review(&review(query, entry)).expect("adds");
            match (known, added) {
                (Some(id), AddedReview::Known(found)) => assert_eq!(found, id),
                (None, AddedReview::New(id)) => {
                    assert!(model.keys().next_back().is_none_or(|last| id > *last), "ids ascend");
                    model.insert(id, (query, entry, Decision::Undecided, None));
                }
                found => panic!("{found:?}"),
            }
        } else if let Some(&id) = model.keys().nth(rng.random_range(0..model.len().max(1))) {
            let decision = Decision::ALL[rng.random_range(0..3)];
            let by = rng.random_bool(0.5).then(|| format!("person {}", rng.random_range(0..3)));
            let before = side.decide(id, decision, by.as_deref()).expect("decides");
            let (.., own, own_by) = model.get_mut(&id).expect("is there");
            assert_eq!((before.decision, &before.by), (*own, &*own_by), "as it was before");
            (*own, *own_by) = (decision, by.filter(|_| decision != Decision::Undecided));
        }
        if step % 40 == 39 {
            wait_for_others();
            compare(&shop, &model, &mut rng);
        }
    }
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn reviews_outlive_the_entries_that_a_compaction_drops() {
    let place = Place::new();
    let (shop, ids) = shop(&place);
    let [kept, gone] = [(2, ids[4]), (4, ids[9])].map(|(query, entry)| {
        let id = shop.add_review(&review(query, entry)).expect("adds").id();
        (id, entry, query)
    });
    shop.decide(gone.0, Decision::Confirmed, Some("the rights desk")).expect("decides");
    shop.withdraw(&[gone.1]).expect("withdraws");
    shop.compact().expect("compacts");
    let entry = shop.entry(gone.1).expect("reads").expect("its row is left");
    assert_eq!(entry.state, State::Dropped);
    for (id, entry, query) in [kept, gone] {
        let found = shop.review(id).expect("reads").expect("is kept");
        assert_eq!((found.entry, found.query), (entry, review(query, entry).query));
        assert_eq!(shop.review_picture(id).expect("reads"), Some(picture(query)));
    }
    assert_eq!(
        shop.decide(gone.0, Decision::Undecided, None).expect("takes back").by.as_deref(),
        Some("the rights desk")
    );
    assert_eq!(findings(&shop), [""; 0]);
}

/// Changes a good review, which must then be refused.
type Change = fn(&mut NewReview);

#[test]
fn what_is_no_review_is_refused_and_nothing_is_kept() {
    let place = Place::new();
    let (shop, ids) = shop(&place);
    let changes: [(&str, Change); 11] = [
        ("name", |new| new.name = "n".repeat(REVIEW_NAME_BYTES + 1)),
        ("verdict", |new| new.verdict = String::new()),
        ("verdict", |new| new.verdict = "Possible!".to_owned()),
        ("verdict", |new| new.verdict = "v".repeat(17)),
        ("E-value", |new| new.e_value = f64::NAN),
        ("E-value", |new| new.e_value = f64::INFINITY),
        ("cosine", |new| new.cosine = f64::NEG_INFINITY),
        ("answer", |new| new.answer = "[]".to_owned()),
        ("answer", |new| new.answer = "{\"id\":".to_owned()),
        ("answer", |new| new.answer = format!("{{\"a\":\"{}\"}}", "a".repeat(REVIEW_ANSWER_BYTES))),
        ("picture", |new| new.picture = Some(vec![0; REVIEW_PICTURE_BYTES + 1])),
    ];
    for (field, change) in changes {
        let mut new = review(1, ids[0]);
        change(&mut new);
        let refused = shop.add_review(&new).expect_err("is refused");
        let text = refused.to_string();
        assert!(matches!(refused, Error::Argument { .. }) && text.contains(field), "{field}: {text}");
        assert!(text.len() < 400 && !text.contains('\n'), "{text}");
    }
    assert!(matches!(shop.add_review(&review(1, ids[19] + 1_000_000)), Err(Error::UnknownEntry(_))));
    assert!(matches!(shop.decide(1, Decision::Confirmed, None), Err(Error::UnknownReview(1))));
    assert_eq!(shop.reviews(&ReviewPage { limit: 10, ..ReviewPage::default() }).expect("lists"), []);

    let largest = NewReview {
        name: "n".repeat(REVIEW_NAME_BYTES),
        e_value: -0.0,
        cosine: -0.0,
        inliers: Some(u64::MAX),
        picture: Some(vec![7; REVIEW_PICTURE_BYTES]),
        ..review(1, ids[0])
    };
    let id = shop.add_review(&largest).expect("adds").id();
    let too_long = "p".repeat(REVIEWER_BYTES + 1);
    assert!(shop.decide(id, Decision::Rejected, Some(&too_long)).is_err());
    assert_eq!(shop.review(id).expect("reads").expect("is kept").decision, Decision::Undecided);
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn two_processes_that_add_one_review_at_once_keep_it_once() {
    let place = Place::new();
    let (shop, ids) = shop(&place);
    let add = || -> Vec<i64> {
        let own = place.open();
        (0..30).map(|query| own.add_review(&review(query, ids[0])).expect("adds").id()).collect()
    };
    let found: Vec<Vec<i64>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(add)).collect();
        threads.into_iter().map(|thread| thread.join().expect("ends")).collect()
    });
    assert!(found.iter().all(|ids| *ids == found[0]), "{found:?}");
    wait_for_others();
    assert_eq!(shop.review_counts().expect("counts").total().undecided, 30);
    assert_eq!(findings(&shop), [""; 0]);
}

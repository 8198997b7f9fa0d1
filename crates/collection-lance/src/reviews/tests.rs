//! Reviews as a simple model keeps them, beside other writers, and damaged ones.

use std::{collections::BTreeMap, sync::Arc};

use arrow_schema::Schema;
use collection::{
    AddedReview, Decisions, Digest, KeptReview, NewReview, REVIEW_ANSWER_BYTES, REVIEW_NAME_BYTES,
    REVIEW_PICTURE_BYTES, REVIEWER_BYTES, ReviewCursor, ReviewPage, UNDECIDED_REVIEWS,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tempfile::TempDir;

use super::*;
use crate::{
    fixtures::{entry, place, store, table},
    table::Change,
};

/// Number of entries, with the ids from 1 on.
const ENTRIES: i64 = 8;

/// Reviews and entries in a new place.
async fn new(folder: &TempDir) -> (Place, Reviews, Table) {
    let place = place(folder).await;
    let entries = table(&place).await;
    store(&entries, &(1..=ENTRIES).map(|id| entry(id, "n")).collect::<Vec<_>>()).await;
    (place.clone(), Reviews::create(&place).await.expect("creates"), entries)
}

/// Review of a query of a number for an entry.
fn review(query: u64, entry: i64) -> NewReview {
    NewReview {
        query: Digest::of_file(&query.to_le_bytes()),
        name: format!("it's query {query}.jpg"),
        entry,
        verdict: if query.is_multiple_of(3) { "match" } else { "possible" }.to_owned(),
        e_value: 0.5 / (1 + query) as f64,
        cosine: 0.25,
        inliers: (!query.is_multiple_of(2)).then_some(query),
        answer: format!("{{\"id\":{entry}}}"),
        picture: query.is_multiple_of(2).then(|| query.to_le_bytes().repeat(1 + query as usize % 12 * 100)),
    }
}

/// Query, entry, decision and person, by id.
type Model = BTreeMap<i64, (u64, i64, Decision, Option<String>)>;

/// Ids as a list shows them.
fn listed(model: &Model, decision: Option<Decision>) -> Vec<i64> {
    let passing = model.iter().filter(|(_, (.., own, _))| decision.is_none_or(|decision| decision == *own));
    let mut ids: Vec<(bool, i64)> =
        passing.map(|(id, (.., own, _))| (*own != Decision::Undecided, -id)).collect();
    ids.sort_unstable();
    ids.into_iter().map(|(_, id)| -id).collect()
}

/// Reviews of all pages of a size.
async fn walked(reviews: &Reviews, decision: Option<Decision>, limit: usize) -> Vec<Review> {
    let (mut all, mut after): (Vec<Review>, Option<ReviewCursor>) = (Vec::new(), None);
    loop {
        let page = reviews.page(&ReviewPage { decision, after, limit }).await.expect("lists");
        assert!(page.len() <= limit);
        let Some(last) = page.last() else { return all };
        after = Some(last.cursor());
        all.extend(page);
    }
}

async fn compare(reviews: &Reviews, model: &Model, rng: &mut StdRng) {
    for decision in [None].into_iter().chain(Decision::ALL.map(Some)) {
        let all = walked(reviews, decision, rng.random_range(4..20)).await;
        assert_eq!(all.iter().map(|review| review.id).collect::<Vec<_>>(), listed(model, decision));
        for found in all {
            let (query, entry, decision, by) = &model[&found.id];
            let added = review(*query, *entry);
            let expected = Review {
                id: found.id,
                asked: found.asked,
                query: added.query,
                name: added.name,
                entry: *entry,
                verdict: added.verdict,
                e_value: added.e_value,
                cosine: added.cosine,
                inliers: added.inliers,
                answer: added.answer,
                has_picture: added.picture.is_some(),
                decision: *decision,
                decided: found.decided,
                by: by.clone(),
            };
            assert_eq!(found, expected);
            assert_eq!(found.decided.is_some(), *decision != Decision::Undecided);
        }
    }
    if let Some((id, (query, ..))) = model.iter().next_back() {
        assert_eq!(reviews.picture(*id).await.expect("reads"), review(*query, 1).picture);
        assert_eq!(reviews.of_id(*id).await.expect("reads").map(|review| review.id), Some(*id));
    }
    let mut counts: BTreeMap<String, Decisions> = BTreeMap::new();
    for (query, entry, decision, _) in model.values() {
        counts.entry(review(*query, *entry).verdict).or_default().add(*decision, 1);
    }
    assert_eq!(reviews.counts().await.expect("counts").by_verdict, counts);
    assert_eq!(findings(reviews).await, [""; 0]);
}

async fn findings(reviews: &Reviews) -> Vec<String> {
    let mut found = Vec::new();
    reviews.check(|reason| found.push(reason)).await.expect("checks");
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reviews_are_kept_as_a_simple_model_keeps_them() {
    let folder = tempfile::tempdir().expect("folder");
    let (place, first, entries) = new(&folder).await;
    let other = Reviews::open(&place).await.expect("opens");
    let (mut model, mut rng) = (Model::new(), StdRng::seed_from_u64(11));
    for step in 0..120 {
        let reviews = if rng.random_bool(0.5) { &first } else { &other };
        if rng.random_bool(0.5) {
            let (query, entry) = (rng.random_range(0..12), rng.random_range(1..=ENTRIES));
            let known = model.iter().find(|(_, (q, e, ..))| (*q, *e) == (query, entry)).map(|(id, _)| *id);
            let added = reviews.add(&entries, &review(query, entry)).await.expect("adds");
            let expected = known.map_or(AddedReview::New(model.len() as i64 + 1), AddedReview::Known);
            assert_eq!(added, expected);
            model.entry(added.id()).or_insert((query, entry, Decision::Undecided, None));
        } else if let Some(&id) = model.keys().nth(rng.random_range(0..model.len().max(1))) {
            let decision = Decision::ALL[rng.random_range(0..3)];
            let by = rng.random_bool(0.5).then(|| format!("it's person {}\\", rng.random_range(0..3)));
            let before = reviews.decide(id, decision, by.as_deref()).await.expect("decides");
            let (.., own, own_by) = model.get_mut(&id).expect("is there");
            assert_eq!((before.decision, &before.by), (*own, &*own_by), "as it was before");
            (*own, *own_by) = (decision, by.filter(|_| decision != Decision::Undecided));
        }
        if step % 40 == 39 {
            compare(&first, &model, &mut rng).await;
        }
    }
    // Each change made a fragment.
    let fragments = first.table().latest().await.expect("is there").fragments().len();
    assert!(fragments < compact::MOST_SMALL, "{fragments}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_side_by_side_add_each_review_once_and_decide_in_turn() {
    const QUERIES: u64 = 8;
    let folder = tempfile::tempdir().expect("folder");
    let (place, reviews, _) = new(&folder).await;
    let writers = (0..3).map(|writer| {
        let place = place.clone();
        tokio::spawn(async move {
            let own = Reviews::open(&place).await.expect("opens");
            let entries = Table::open(&place, crate::entries::TABLE).await.expect("opens");
            let mut ids = Vec::new();
            for query in 0..QUERIES {
                ids.push(own.add(&entries, &review(query, 1)).await.expect("adds").id());
            }
            let mut before = Vec::new();
            for n in 0..3 {
                let by = format!("{writer} {n}");
                before.push(own.decide(ids[0], Decision::Confirmed, Some(&by)).await.expect("decides").by);
            }
            (ids, before)
        })
    });
    let (mut all, mut persons) = (Vec::new(), Vec::new());
    for writer in writers.collect::<Vec<_>>() {
        let (ids, before) = writer.await.expect("ends");
        all.push(ids);
        persons.extend(before);
    }
    assert!(all.iter().all(|ids| *ids == all[0]), "{all:?}");
    assert_eq!(reviews.counts().await.expect("counts").total().undecided, QUERIES - 1);
    // Each decision saw another one before it: none was lost.
    persons.push(reviews.of_id(all[0][0]).await.expect("reads").expect("is kept").by);
    let count = persons.len();
    persons.sort_unstable();
    persons.dedup();
    assert_eq!((count, persons.len()), (10, 10), "{persons:?}");
    assert_eq!(findings(&reviews).await, [""; 0]);
}

/// Changes a good review, which must then be refused.
type Refused = fn(&mut NewReview);

#[tokio::test]
async fn what_is_no_review_is_refused_and_nothing_is_kept() {
    let folder = tempfile::tempdir().expect("folder");
    let (_, reviews, entries) = new(&folder).await;
    let changes: [(&str, Refused); 5] = [
        ("name", |new| new.name = "n".repeat(REVIEW_NAME_BYTES + 1)),
        ("verdict", |new| new.verdict = "Possible!".to_owned()),
        ("E-value", |new| new.e_value = f64::NAN),
        ("answer", |new| new.answer = format!("{{\"a\":\"{}\"}}", "a".repeat(REVIEW_ANSWER_BYTES))),
        ("picture", |new| new.picture = Some(vec![0; REVIEW_PICTURE_BYTES + 1])),
    ];
    for (field, change) in changes {
        let mut new = review(1, 1);
        change(&mut new);
        let refused = reviews.add(&entries, &new).await.expect_err("is refused").to_string();
        assert!(refused.contains(field), "{field}: {refused}");
    }
    for unknown in [0, 77, -1, i64::MAX] {
        let refused = reviews.add(&entries, &review(1, unknown)).await;
        assert!(matches!(refused, Err(Error::UnknownEntry(_))), "{unknown}");
        let refused = reviews.decide(unknown, Decision::Confirmed, None).await;
        assert!(matches!(refused, Err(Error::UnknownReview(_))), "{unknown}");
        assert_eq!(reviews.picture(unknown).await.expect("reads"), None);
    }
    assert_eq!(reviews.page(&ReviewPage { limit: 10, ..ReviewPage::default() }).await.expect("lists"), []);

    let largest = NewReview {
        name: "n".repeat(REVIEW_NAME_BYTES),
        e_value: -0.0,
        inliers: Some(u64::MAX),
        picture: Some(vec![7; REVIEW_PICTURE_BYTES]),
        ..review(1, 1)
    };
    let id = reviews.add(&entries, &largest).await.expect("adds").id();
    let found = reviews.of_id(id).await.expect("reads").expect("is kept");
    assert_eq!((found.inliers, found.e_value.to_bits()), (Some(i64::MAX as u64), 0));
    assert!(reviews.decide(id, Decision::Rejected, Some(&"p".repeat(REVIEWER_BYTES + 1))).await.is_err());
    assert_eq!(findings(&reviews).await, [""; 0]);
}

#[tokio::test]
async fn no_more_reviews_wait_than_may() {
    let folder = tempfile::tempdir().expect("folder");
    let (_, reviews, entries) = new(&folder).await;
    let new = |query: u64| NewReview { picture: None, ..review(query, 1) };
    let waiting: Vec<KeptReview> =
        (0..UNDECIDED_REVIEWS).map(|query| rows::undecided(query as i64 + 1, 0, &new(query))).collect();
    let read = reviews.table().latest().await.expect("is there");
    let schema: Schema = read.schema().into();
    let batch = rows::batch(Arc::new(schema), &waiting).expect("is a batch");
    assert_eq!(reviews.table().insert(&read, batch, vec![1]).await.expect("inserts"), Change::Committed);
    let refused = reviews.add(&entries, &review(0, 2)).await;
    assert!(matches!(refused, Err(Error::ReviewsFull { most: UNDECIDED_REVIEWS })), "{refused:?}");
    assert_eq!(reviews.add(&entries, &review(5, 1)).await.expect("is known"), AddedReview::Known(6));
    reviews.decide(9, Decision::Rejected, None).await.expect("decides");
    let last = UNDECIDED_REVIEWS as i64 + 1;
    assert_eq!(reviews.add(&entries, &review(0, 2)).await.expect("adds"), AddedReview::New(last));
    let page = reviews.page(&ReviewPage { limit: 2, ..ReviewPage::default() }).await.expect("lists");
    assert_eq!(page.iter().map(|review| review.id).collect::<Vec<_>>(), [last, last - 1]);
}

#[tokio::test]
async fn changed_reviews_are_found_by_a_check() {
    let folder = tempfile::tempdir().expect("folder");
    let (_, reviews, entries) = new(&folder).await;
    for query in 0..4 {
        reviews.add(&entries, &review(query, 2)).await.expect("adds");
    }
    assert_eq!(reviews.entries().await.expect("reads").into_iter().collect::<Vec<_>>(), [2]);
    let changes = [("id = 1", "name", "'another'"), ("id = 2", "cosine", "0.5"), ("id = 4", "id", "3")];
    for (filter, column, value) in changes {
        assert_eq!(reviews.table().update(filter, &[(column, value.to_owned())]).await.expect("changes"), 1);
    }
    let mut found = findings(&reviews).await;
    found.sort_unstable();
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found[0].starts_with("review 1: its content") && found[1].starts_with("review 2: its content"));
    assert!(
        found[2].starts_with("review 3: another") && found[3].starts_with("review 3: its content"),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reviews_that_are_taken_over_keep_ids_times_and_decisions() {
    use Decision::{Confirmed, Rejected, Undecided};

    let folder = tempfile::tempdir().expect("folder");
    let (_, reviews, entries) = new(&folder).await;
    let kept = |id: i64, query: u64, decision: Decision| {
        let mut kept = rows::undecided(id, 1000 + id, &review(query, 3));
        if decision != Undecided {
            kept.review = Review { decision, decided: Some(7), by: Some("desk".to_owned()), ..kept.review };
        }
        kept
    };
    for query in [0, 1] {
        reviews.add(&entries, &review(query, 3)).await.expect("adds");
    }
    reviews.decide(1, Rejected, None).await.expect("decides");
    let given = [
        kept(50, 0, Confirmed),
        kept(51, 1, Confirmed),
        kept(2, 2, Undecided),
        kept(40, 3, Confirmed),
        kept(40, 4, Rejected),
        kept(9, 3, Rejected),
        kept(i64::MAX, 5, Undecided),
    ];
    let (new, known) = (AddedReview::New, AddedReview::Known);
    let expected = [known(1), known(2), new(3), new(40), new(41), known(40), new(42)];
    assert_eq!(reviews.take_over(&entries, &given).await.expect("takes over"), expected);
    let all = walked(&reviews, None, 3).await;
    let shown: Vec<_> = all.iter().map(|own| (own.id, own.decision, own.decided.is_some())).collect();
    let expected = [
        (42, Undecided, false),
        (3, Undecided, false),
        (41, Rejected, true),
        (40, Confirmed, true),
        (2, Confirmed, true),
        (1, Rejected, true),
    ];
    assert_eq!(shown, expected);
    assert_eq!((all[3].asked, all[3].decided, all[3].by.as_deref()), (1040, Some(7), Some("desk")));
    assert_eq!(reviews.picture(41).await.expect("reads"), review(4, 3).picture);
    let again = reviews.take_over(&entries, &given).await.expect("takes over");
    assert!(again.iter().all(|added| matches!(added, AddedReview::Known(_))), "{again:?}");
    assert_eq!(reviews.add(&entries, &review(9, 3)).await.expect("adds"), new(43));
    let stranger = [kept(60, 10, Undecided), rows::undecided(61, 0, &review(11, 99))];
    assert!(matches!(reviews.take_over(&entries, &stranger).await, Err(Error::UnknownEntry(_))));
    assert_eq!(reviews.of_id(60).await.expect("reads"), None);
    assert_eq!(findings(&reviews).await, [""; 0]);
}

//! Content of the review page.

use collection::{Decision, Entry, Review, ReviewPage};
use find::report::Match;

use super::Shown;
use crate::{
    api::reviews::{ReviewCountsAnswer, read},
    problem::Problem,
    served::Served,
};

/// Reviews of a list.
const LISTED: usize = 30;

/// Reviews that wait, and the one in the middle.
pub struct Desk {
    pub collection: String,
    pub counts: ReviewCountsAnswer,
    /// Listed reviews.
    pub list: Vec<Review>,
    /// Place at which the list goes on.
    pub more: Option<String>,
    /// The one in the middle.
    pub open: Option<Open>,
    /// The one that has just been decided.
    pub done: Option<Review>,
}

/// Review in the middle of the page.
pub struct Open {
    pub review: Review,
    /// Match as the lookup answered it.
    pub found: Option<Match>,
    /// Entry as it is now.
    pub entry: Option<Entry>,
    /// Review after it in the list, or else the one before.
    pub next: Option<i64>,
}

impl Desk {
    /// # Errors
    /// A problem with status 404 if the collection has not the named review, and 400 for a malformed cursor.
    pub fn read(served: &Served, shown: &Shown) -> Result<Self, Problem> {
        let cursor = shown.cursor.as_ref().map(|cursor| cursor.parse()).transpose();
        let after = cursor.map_err(|_| Problem::bad_request("cursor must be that of a list of reviews"))?;
        let decision = Some(Decision::from(shown.decision));
        let page = ReviewPage { decision, after, limit: LISTED + 1 };
        let mut list = served.collection().reviews(&page)?;
        let goes_on = list.len() > LISTED;
        list.truncate(LISTED);
        let more = list.last().filter(|_| goes_on).map(|last| last.cursor().to_string());
        // A review that the last page of a list ended with may be decided by now.
        let named = shown.id.map(|id| read(served, id)).transpose()?;
        let open = named.or_else(|| list.first().cloned());
        Ok(Self {
            collection: served.name().to_owned(),
            counts: ReviewCountsAnswer::of(served)?,
            open: open.map(|review| Open::read(served, review, &list)).transpose()?,
            done: shown.done.map(|id| read(served, id)).transpose()?,
            list,
            more,
        })
    }
}

impl Open {
    fn read(served: &Served, review: Review, list: &[Review]) -> Result<Self, Problem> {
        let place = list.iter().position(|listed| listed.id == review.id);
        let after = place.and_then(|place| list.get(place + 1));
        let next = after.or_else(|| list.iter().find(|listed| listed.id != review.id));
        Ok(Self {
            found: serde_json::from_str(&review.answer).ok(),
            entry: served.collection().entry(review.entry)?,
            next: next.map(|next| next.id),
            review,
        })
    }
}

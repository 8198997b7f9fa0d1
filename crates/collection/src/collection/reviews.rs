//! Reviews of a collection.

use super::Collection;
use crate::{
    error::Result,
    review::{AddedReview, Decision, NewReview, Review, ReviewCounts, ReviewPage},
};

impl Collection {
    /// Adds a review, unless the query was reviewed for the entry before: the same query and entry are one review, whatever
    /// was decided on it. A review that was added survives a kill and a power cut.
    ///
    /// Reviews stay when their entries are withdrawn, and when a compaction drops these.
    ///
    /// # Errors
    /// [`Error::UnknownEntry`](crate::Error::UnknownEntry); [`Error::ReviewsFull`](crate::Error::ReviewsFull) where
    /// [`UNDECIDED_REVIEWS`](crate::UNDECIDED_REVIEWS) wait; a field beyond its bound, a number that is not finite, an answer
    /// that is no JSON object; a collection that cannot be written.
    pub fn add_review(&self, review: &NewReview) -> Result<AddedReview> {
        self.engine.add_review(review)
    }

    /// Decides a review in the name of a person, and returns it as it was before. [`Decision::Undecided`] takes the decision
    /// back. What was decided survives a kill and a power cut.
    ///
    /// # Errors
    /// [`Error::UnknownReview`](crate::Error::UnknownReview); a name of more than
    /// [`REVIEWER_BYTES`](crate::REVIEWER_BYTES); a collection that cannot be written.
    pub fn decide(&self, id: i64, decision: Decision, by: Option<&str>) -> Result<Review> {
        self.engine.decide(id, decision, by)
    }

    /// Review of an id.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn review(&self, id: i64) -> Result<Option<Review>> {
        self.engine.review(id)
    }

    /// Picture of a review's query, if one is kept.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn review_picture(&self, id: i64) -> Result<Option<Vec<u8>>> {
        self.engine.review_picture(id)
    }

    /// Reviews of a page: the undecided ones first, and the newest of them first.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn reviews(&self, page: &ReviewPage) -> Result<Vec<Review>> {
        self.engine.reviews(page)
    }

    /// Numbers of reviews by verdict and decision, read without a look at the reviews.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn review_counts(&self) -> Result<ReviewCounts> {
        self.engine.review_counts()
    }
}

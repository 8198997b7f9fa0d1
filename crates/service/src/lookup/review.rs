//! Possible matches, handed to people for a decision.

use collection::{AddedReview, Collection, Meta, NewReview, REVIEW_PICTURE_BYTES};
use find::{
    Verdict,
    report::{Answered, Match},
};
use image::{RgbImage, codecs::jpeg::JpegEncoder};
use image_file::Pixels;
use serde::Serialize;

use super::{Found, Picture};
use crate::problem::Problem;

/// Largest number of matches of one picture that wait for a decision.
const MOST: usize = 10;
/// Largest E-value of matches that wait, unless another is named: about one unrelated picture in ten has such a match, and with 1,
/// the bound of possible matches, two in three would.
pub const REVIEW_E: f64 = 0.1;
/// Longest sides in pixels and qualities of a query's small picture: the first that fits the bound is kept.
const SIZES: [(u32, u8); 4] = [(512, 85), (512, 60), (384, 50), (256, 40)];

/// Possible matches of a lookup that are kept for a decision.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Queued {
    /// Largest E-value of those that are kept.
    #[serde(skip)]
    max_e: f64,
    /// Reviews that are kept.
    pub reviews: Vec<QueuedReview>,
    /// Reason why others are not.
    #[serde(rename = "reviews_error", skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Possible match that is kept for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueuedReview {
    /// Name of the query.
    pub query: String,
    /// Id of the entry.
    pub entry: i64,
    /// Id of the review.
    pub review: i64,
    /// True if the same picture was found to show the entry before: the review of then is named.
    pub known: bool,
}

impl Default for Queued {
    /// Nothing yet, with the bound [`REVIEW_E`].
    fn default() -> Self {
        Self { max_e: REVIEW_E, reviews: Vec::new(), error: None }
    }
}

impl Queued {
    /// Keeps the possible matches, up to an E-value, of the pictures that were looked up and kept.
    pub fn of(collection: &Collection, found: &Found, max_e: f64) -> Self {
        let mut queued = Self { max_e, ..Self::default() };
        for looked in found.outcomes.iter().flatten() {
            if let Some(picture) = looked.kept.as_ref().and_then(|kept| kept.picture.as_ref()) {
                queued.add(collection, &looked.answered, picture);
            }
        }
        queued
    }

    /// Keeps the best possible matches of a picture. What is kept survives a kill.
    pub fn add(&mut self, collection: &Collection, answered: &Answered, picture: &Picture) {
        let max_e = self.max_e;
        let possible = answered.matches.iter().filter(|found| found.verdict == Verdict::Possible);
        let mut possible = possible.filter(|found| found.e_value <= max_e).take(MOST).peekable();
        let jpeg = possible.peek().is_some().then(|| small_jpeg(&picture.pixels)).flatten();
        for found in possible {
            let review = new_review(answered, found, picture, jpeg.clone());
            match review.and_then(|review| Ok(collection.add_review(&review)?)) {
                Ok(added) => self.reviews.push(QueuedReview {
                    query: answered.query.clone(),
                    entry: found.id,
                    review: added.id(),
                    known: matches!(added, AddedReview::Known(_)),
                }),
                Err(problem) => self.error = Some(problem.detail),
            }
        }
    }
}

fn new_review(
    answered: &Answered,
    found: &Match,
    picture: &Picture,
    jpeg: Option<Vec<u8>>,
) -> Result<NewReview, Problem> {
    // Fields are those of the entry when the review is read.
    let kept = Match { meta: Meta::new(), ..found.clone() };
    Ok(NewReview {
        query: picture.digest.clone(),
        name: answered.query.clone(),
        entry: found.id,
        verdict: found.verdict.to_string(),
        e_value: found.e_value,
        cosine: found.cosine.into(),
        inliers: found.seen.as_ref().map(|seen| seen.inliers as u64),
        answer: serde_json::to_string(&kept).map_err(Problem::internal)?,
        picture: jpeg,
    })
}

/// Small JPEG of a picture, of at most [`REVIEW_PICTURE_BYTES`].
fn small_jpeg(picture: &RgbImage) -> Option<Vec<u8>> {
    SIZES.into_iter().find_map(|(longest, quality)| {
        let small = Pixels::Eight(picture.clone()).into_reduced(longest);
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&small).ok()?;
        (bytes.len() <= REVIEW_PICTURE_BYTES).then_some(bytes)
    })
}

#[cfg(test)]
mod tests {
    use image::Rgb;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn every_picture_has_a_small_one() {
        let mut rng = StdRng::seed_from_u64(3);
        let noise = RgbImage::from_fn(1024, 1024, |_, _| Rgb(rng.random()));
        let tall = RgbImage::from_fn(1, 1024, |_, y| Rgb([y as u8; 3]));
        for (picture, least) in [(noise, 256), (tall, 512), (RgbImage::new(1, 1), 1)] {
            let bytes = small_jpeg(&picture).unwrap();
            assert!(bytes.len() <= REVIEW_PICTURE_BYTES, "{} bytes", bytes.len());
            let read = image::load_from_memory(&bytes).unwrap();
            assert!(read.width().max(read.height()) >= least, "{} x {}", read.width(), read.height());
        }
    }
}

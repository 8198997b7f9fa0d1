//! The background of a calibration, as a collection keeps it: what is needed to fit again when the collection has grown.

use base64::{Engine, prelude::BASE64_STANDARD};
use half::f16;
use serde::{Deserialize, Serialize};

use super::{
    Background,
    calibrator::{BackgroundQuery, NearComparison},
};
use crate::error::{Error, Result};

/// Schema of the text.
const SCHEMA: u64 = 1;
/// Largest dimension, checked in texts from elsewhere.
const MOST_DIMENSIONS: usize = 1 << 16;

/// Background of a calibration: one JSON object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    schema: u64,
    pub background: Background,
    /// Bounds of the searches that are calibrated.
    pub bounds: Bounds,
    /// The collection's own entries that stand in for a background: the largest number of them, and the seed of the draw.
    pub own: Option<(usize, u64)>,
    /// Inliers of comparisons with the nearest entries, and the cosines of these.
    pub near: Vec<NearComparison>,
    /// Dimension of the descriptors.
    d: usize,
    /// Number of views of each query.
    views: Vec<usize>,
    /// Descriptors of all views, float16 in little-endian order, in base64.
    descriptors: String,
}

/// Bounds of the searches that a calibration is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bounds {
    pub looks: usize,
    pub nprobe: usize,
    pub least_entries: usize,
}

impl Kept {
    /// Keeps queries that are not the collection's own entries.
    pub fn new(
        background: Background,
        bounds: Bounds,
        own: Option<(usize, u64)>,
        near: Vec<NearComparison>,
        queries: &[BackgroundQuery],
    ) -> Self {
        let given = queries.iter().filter(|query| query.own.is_none());
        let views: Vec<&Vec<Vec<f32>>> = given.map(|query| &query.views).collect();
        let d = views.first().and_then(|views| views.first()).map_or(0, Vec::len);
        let values = views.iter().flat_map(|views| views.iter().flatten());
        let bytes: Vec<u8> = values.flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
        Self {
            schema: SCHEMA,
            background,
            bounds,
            own,
            near,
            d,
            views: views.iter().map(|views| views.len()).collect(),
            descriptors: BASE64_STANDARD.encode(bytes),
        }
    }

    /// Reads a text that [`Self::to_text`] gave.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Schema`].
    pub fn from_text(text: &str) -> Result<Self> {
        let kept: Self = serde_json::from_str(text)
            .map_err(|error| Error::Malformed(format!("its background: {error}")))?;
        match kept.schema {
            SCHEMA => Ok(kept),
            found => Err(Error::Schema { found, supported: SCHEMA }),
        }
    }

    /// Text to be kept.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("its keys are text")
    }

    /// Queries, with descriptors of dimension `d`.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn queries(&self, d: usize) -> Result<Vec<BackgroundQuery>> {
        let malformed = |reason: &str| Error::Malformed(format!("its background: {reason}"));
        let bytes =
            BASE64_STANDARD.decode(&self.descriptors).map_err(|error| malformed(&error.to_string()))?;
        let views = self.views.iter().try_fold(0_usize, |sum, views| sum.checked_add(*views));
        let expected = views.and_then(|views| views.checked_mul(2 * self.d.min(MOST_DIMENSIONS)));
        if expected != Some(bytes.len()) || self.views.contains(&0) || (!bytes.is_empty() && self.d != d) {
            return Err(malformed("descriptors of another number or dimension"));
        }
        let values: Vec<f32> =
            bytes.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]]).to_f32()).collect();
        if !values.iter().all(|value| value.is_finite()) {
            return Err(malformed("a value is not finite"));
        }
        let mut rows = values.chunks_exact(d.max(1)).map(<[f32]>::to_vec);
        let query =
            |views: &usize| BackgroundQuery { views: rows.by_ref().take(*views).collect(), own: None };
        Ok(self.views.iter().map(query).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { looks: 2, nprobe: 16, least_entries: 4000 };

    fn kept() -> Kept {
        let queries = [
            BackgroundQuery { views: vec![vec![0.5, -0.25, 1.0], vec![0.0, 1.0, 0.125]], own: None },
            BackgroundQuery { views: vec![vec![9.0; 3]], own: Some(4) },
            BackgroundQuery { views: vec![vec![-1.0, 0.0, 2.0]], own: None },
        ];
        let near = vec![NearComparison { cosine: 0.25, inliers: 3 }];
        Kept::new(Background::Pictures, BOUNDS, Some((100, 7)), near, &queries)
    }

    #[test]
    fn queries_are_there_again_without_own_entries() {
        let read = Kept::from_text(&kept().to_text()).unwrap();
        assert_eq!(read, kept());
        let queries = read.queries(3).unwrap();
        let views: Vec<usize> = queries.iter().map(|query| query.views.len()).collect();
        assert_eq!(views, [2, 1]);
        assert_eq!(queries[0].views[1], [0.0, 1.0, 0.125]);
        assert_eq!((queries[1].views[0].as_slice(), queries[1].own), ([-1.0, 0.0, 2.0].as_slice(), None));
    }

    #[test]
    fn foreign_backgrounds_are_refused_in_one_line() {
        let good = kept();
        let refused = |kept: Kept, d| {
            let read = Kept::from_text(&kept.to_text()).and_then(|kept| kept.queries(d));
            let error = read.unwrap_err().to_string();
            assert!(error.starts_with("the calibration ") && !error.contains('\n'), "{error}");
        };
        refused(good.clone(), 4);
        refused(Kept { schema: 2, ..good.clone() }, 3);
        refused(Kept { d: usize::MAX, ..good.clone() }, 3);
        refused(Kept { views: vec![2, 2], ..good.clone() }, 3);
        refused(Kept { views: vec![usize::MAX, 2, 2], ..good.clone() }, 3);
        refused(Kept { views: vec![0, 3], ..good.clone() }, 3);
        refused(Kept { descriptors: "AAA".to_owned(), ..good.clone() }, 3);
        let infinite: Vec<u8> = f16::INFINITY.to_le_bytes().repeat(9);
        refused(Kept { descriptors: BASE64_STANDARD.encode(infinite), ..good }, 3);
        assert!(Kept::from_text("").is_err() && Kept::from_text("[]").is_err());
    }
}

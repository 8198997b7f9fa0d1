//! Search: candidate pairs of a query and an entry, with scores.

use std::{num::NonZeroUsize, path::Path};

use burn::tensor::Tensor;
use device_math::transfer::upload_rows;
use index::{Index, Metric, TrainConfig, npy};

use super::normalise::{BACKGROUND_NEIGHBOURS, normalise};
use crate::{
    error::{Error, Result},
    pipeline::ImageDescriptors,
};

/// Weight of the similarity to the background that is subtracted from scores.
const WEIGHT: f64 = 1.0;

/// A query and an entry that it may be a copy of.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Number of the query.
    pub query: usize,
    /// Id of the entry.
    pub id: i64,
    /// Minus the squared L2 distance, or the inner product.
    pub score: f64,
    /// Score minus the similarity to the background, if there is one.
    pub normalised: Option<f64>,
}

/// Candidates of copies of originals, and of copies of released versions in their place.
#[derive(Debug, Default)]
pub struct Candidates {
    /// Candidates of copies of originals.
    pub passive: Vec<Candidate>,
    released: Vec<Candidate>,
    compares: bool,
}

impl Candidates {
    /// Returns the candidates of copies of released versions, if there are any.
    pub fn released(&self) -> Option<&[Candidate]> {
        self.compares.then_some(&self.released)
    }
}

/// Images that no query shows, to normalise scores by.
pub struct Background {
    index: Index,
    /// Number of descriptors.
    pub n: usize,
}

impl Background {
    /// Reads descriptors from a file, float32 `[n, d]`, to be compared by the metric of `like`.
    ///
    /// # Errors
    /// [`Error::Index`] if the file cannot be read, [`Error::FewDescriptors`], [`Error::Dimension`].
    pub fn open(path: &Path, like: &Index) -> Result<Self> {
        let rows = npy::read_descriptors(path, &like.device())?;
        let [n, d] = rows.dims();
        if n == 0 {
            return Err(Error::FewDescriptors { path: path.to_owned(), found: n, least: 1 });
        }
        if d != like.d() {
            return Err(Error::Dimension { path: path.to_owned(), found: d, expected: like.d() });
        }
        let config = TrainConfig { metric: like.metric(), ..TrainConfig::default() };
        let mut index = Index::train(&"Flat".parse()?, rows.clone(), &config)?;
        index.add(rows)?;
        Ok(Self { index, n })
    }

    /// Returns the highest similarities `[queries][neighbours]`, highest first.
    fn nearest(&self, queries: Tensor<2>) -> Result<Vec<Vec<f64>>> {
        let [n, _] = queries.dims();
        let found = self.index.search(queries, BACKGROUND_NEIGHBOURS.end.min(self.n), 1)?;
        let scores = |query| found.distances_of(query).iter().map(|d| score(&self.index, *d)).collect();
        Ok((0..n).map(scores).collect())
    }
}

/// Searches queries.
pub(super) struct Searcher<'a> {
    pub index: &'a Index,
    pub k: NonZeroUsize,
    pub nprobe: NonZeroUsize,
    pub background: Option<&'a Background>,
}

impl Searcher<'_> {
    /// Searches all copies of a photograph. If it has no released version, the original takes its place.
    pub fn search(
        &self,
        image: ImageDescriptors,
        photograph: usize,
        candidates: &mut Candidates,
    ) -> Result<()> {
        let ImageDescriptors { passive, released, .. } = image;
        let first = photograph * passive.len();
        let rows = self.candidates(&passive, first)?;
        candidates.compares |= released.is_some();
        candidates.released.extend(match released {
            Some(released) => self.candidates(&released, first)?,
            None => rows.clone(),
        });
        candidates.passive.extend(rows);
        Ok(())
    }

    /// Returns the candidates of queries `first`, `first + 1` and so on.
    fn candidates(&self, descriptors: &[Vec<f32>], first: usize) -> Result<Vec<Candidate>> {
        let queries = upload_rows(descriptors, &self.index.device());
        let nearest = self.background.map(|background| background.nearest(queries.clone())).transpose()?;
        let found = self.index.search(queries, self.k.get(), self.nprobe.get())?;
        let row = |i: usize| {
            let pairs = found.ids_of(i).iter().zip(found.distances_of(i));
            let nearest = nearest.as_ref().map(|nearest| &nearest[i]);
            pairs.filter(|(id, _)| **id >= 0).map(move |(id, distance)| {
                let score = score(self.index, *distance);
                let normalised = nearest.map(|nearest| normalise(score, nearest, WEIGHT));
                Candidate { query: first + i, id: *id, score, normalised }
            })
        };
        Ok((0..descriptors.len()).flat_map(row).collect())
    }
}

/// Returns a score that is higher for nearer entries.
fn score(index: &Index, distance: f32) -> f64 {
    match index.metric() {
        Metric::L2 => -f64::from(distance),
        Metric::InnerProduct => f64::from(distance),
    }
}

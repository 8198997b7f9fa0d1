//! Search: candidate pairs of a query and an entry, chosen by codes and ranked by descriptors.

use std::{borrow::Cow, collections::HashMap, num::NonZeroUsize, path::Path};

use burn::tensor::Tensor;
use device_math::transfer::upload_rows;
use index::{Index, Metric, TrainConfig, npy};

use super::{
    normalise::{BACKGROUND_NEIGHBOURS, normalise},
    references::References,
};
use crate::{
    error::{Error, Result},
    pipeline::{ImageDescriptors, of_whole},
};

/// Weight of the similarity to the background that is subtracted from scores.
const WEIGHT: f64 = 1.0;
/// Codes whose entries are compared with a query for each candidate, as in a collection.
const COMPARED_PER_CANDIDATE: usize = 10;
/// Least number of codes whose entries are compared with a query, as in a collection.
const LEAST_COMPARED: usize = 100;

/// A query and an entry that it may be a copy of.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Number of the query.
    pub query: usize,
    /// Id of the entry.
    pub id: i64,
    /// Higher for likelier copies: the cosine of the descriptors of query and entry, or the score of a code.
    pub score: f64,
    /// Score minus the similarity to the background, if there is one.
    pub normalised: Option<f64>,
}

/// Candidates of the queries of one side.
#[derive(Debug, Default, Clone)]
pub struct Ranked {
    /// Entries among the nearest codes, by the cosines of their descriptors. The decoded code stands in for the
    /// descriptor of an entry that is none of the images.
    pub by_descriptor: Vec<Candidate>,
    /// Entries of the nearest codes, by minus the squared L2 distance to the code, or the inner product with it.
    pub by_code: Vec<Candidate>,
}

/// Candidates of copies of originals, and of copies of released versions in their place.
#[derive(Debug, Default)]
pub struct Candidates {
    /// Candidates of copies of originals.
    pub passive: Ranked,
    released: Ranked,
    compares: bool,
}

impl Candidates {
    /// Returns the candidates of copies of released versions, if there are any.
    pub fn released(&self) -> Option<&Ranked> {
        self.compares.then_some(&self.released)
    }
}

impl Ranked {
    fn extend(&mut self, other: Self) {
        self.by_descriptor.extend(other.by_descriptor);
        self.by_code.extend(other.by_code);
    }
}

/// Images that no query shows, to normalise scores by.
pub struct Background {
    index: Index,
    /// Number of descriptors.
    pub n: usize,
}

impl Background {
    /// Reads descriptors from a file, float32 `[n, d]`, of the dimension of `like`.
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
        let config = TrainConfig { metric: Metric::InnerProduct, ..TrainConfig::default() };
        let mut index = Index::train(&"Flat".parse()?, rows.clone(), &config)?;
        index.add(rows)?;
        Ok(Self { index, n })
    }

    /// Returns the highest cosines `[queries][neighbours]`, highest first.
    fn nearest(&self, queries: Tensor<2>) -> Result<Vec<Vec<f64>>> {
        let [n, _] = queries.dims();
        let found = self.index.search(queries, BACKGROUND_NEIGHBOURS.end.min(self.n), 1)?;
        let cosines = |query| found.distances_of(query).iter().map(|cosine| f64::from(*cosine)).collect();
        Ok((0..n).map(cosines).collect())
    }
}

/// Searches queries.
pub(super) struct Searcher<'a> {
    pub index: &'a Index,
    pub references: &'a References,
    pub k: NonZeroUsize,
    pub nprobe: NonZeroUsize,
    pub background: Option<&'a Background>,
}

/// Descriptors of entries by id, as far as they were needed for one photograph, whose copies are near to the same ones.
type EntryDescriptors<'a> = HashMap<i64, Option<Cow<'a, [f32]>>>;

impl<'a> Searcher<'a> {
    /// Searches all copies of a photograph. If it has no released version, the original takes its place.
    pub fn search(
        &self,
        image: ImageDescriptors,
        photograph: usize,
        candidates: &mut Candidates,
    ) -> Result<()> {
        let ImageDescriptors { passive, released, .. } = image;
        let (passive, released) = (of_whole(passive), released.map(of_whole));
        let first = photograph * passive.len();
        let mut entries = EntryDescriptors::new();
        let ranked = self.candidates(&passive, first, &mut entries)?;
        candidates.compares |= released.is_some();
        candidates.released.extend(match released {
            Some(released) => self.candidates(&released, first, &mut entries)?,
            None => ranked.clone(),
        });
        candidates.passive.extend(ranked);
        Ok(())
    }

    /// Returns the candidates of queries `first`, `first + 1` and so on.
    fn candidates(
        &self,
        descriptors: &[Vec<f32>],
        first: usize,
        entries: &mut EntryDescriptors<'a>,
    ) -> Result<Ranked> {
        let queries = upload_rows(descriptors, &self.index.device());
        let nearest = self.background.map(|background| background.nearest(queries.clone())).transpose()?;
        let k = self.k.get();
        let compared = k.saturating_mul(COMPARED_PER_CANDIDATE).max(LEAST_COMPARED);
        let found = self.index.search(queries, compared, self.nprobe.get())?;
        let mut ranked = Ranked::default();
        for (i, descriptor) in descriptors.iter().enumerate() {
            let query = first + i;
            let pairs = found.ids_of(i).iter().zip(found.distances_of(i));
            let codes: Vec<(i64, f32)> =
                pairs.filter(|(id, _)| **id >= 0).map(|(id, distance)| (*id, *distance)).collect();
            let by_code = codes.iter().take(k).map(|&(id, distance)| Candidate {
                query,
                id,
                score: code_score(self.index.metric(), distance),
                normalised: None,
            });
            ranked.by_code.extend(by_code);
            let mut cosines = self.cosines(descriptor, &codes, entries);
            cosines.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            let by_descriptor = cosines.into_iter().take(k).map(|(id, score)| {
                let normalised = nearest.as_ref().map(|nearest| normalise(score, &nearest[i], WEIGHT));
                Candidate { query, id, score, normalised }
            });
            ranked.by_descriptor.extend(by_descriptor);
        }
        Ok(ranked)
    }

    /// Returns the cosine of a query and each of the entries found, given with the distances of their codes.
    fn cosines(
        &self,
        query: &[f32],
        codes: &[(i64, f32)],
        entries: &mut EntryDescriptors<'a>,
    ) -> Vec<(i64, f64)> {
        let of = |&(id, distance): &(i64, f32)| {
            let entry = entries.entry(id).or_insert_with(|| self.references.descriptor(id, self.index));
            let stored = entry.as_deref().map(|entry| cosine(query, entry));
            (id, stored.unwrap_or_else(|| cosine_by_code(self.index.metric(), distance)))
        };
        codes.iter().map(of).collect()
    }
}

/// Returns a score that is higher for nearer codes.
fn code_score(metric: Metric, distance: f32) -> f64 {
    match metric {
        Metric::L2 => -f64::from(distance),
        Metric::InnerProduct => f64::from(distance),
    }
}

/// Returns the cosine of two unit vectors at a distance.
fn cosine_by_code(metric: Metric, distance: f32) -> f64 {
    match metric {
        Metric::L2 => 1.0 - f64::from(distance) / 2.0,
        Metric::InnerProduct => f64::from(distance),
    }
}

/// Returns the cosine of two vectors of any length; 0 if either has length 0.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let (mut product, mut squares) = (0.0, [0.0; 2]);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (f64::from(*a), f64::from(*b));
        product += a * b;
        squares[0] += a * a;
        squares[1] += b * b;
    }
    let length = (squares[0] * squares[1]).sqrt();
    if length > 0.0 { product / length } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_are_those_of_directions() {
        assert_eq!(cosine(&[3.0, 4.0], &[6.0, 8.0]), 1.0);
        assert_eq!(cosine(&[3.0, 4.0], &[-4.0, 3.0]), 0.0);
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 0.0]), 0.0);
        let (a, b) = ([0.6_f32, 0.8], [0.8_f32, 0.6]);
        let squared: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
        assert!((cosine_by_code(Metric::L2, squared) - cosine(&a, &b)).abs() < 1e-6);
    }
}

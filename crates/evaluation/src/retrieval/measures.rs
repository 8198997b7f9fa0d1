//! Rank, recall and mean average precision of the right id.

use burn::tensor::Tensor;
use index::Index;

use crate::error::{Error, Result};

/// Number of neighbours searched; the right id beyond them is a miss.
pub(super) const DEPTH: usize = 100;

/// Recall and mean average precision over queries with one right answer each; rates in 0..=1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measures {
    /// Share of the queries whose right id comes first (R@1).
    pub r1: f64,
    /// Share of the queries whose right id is among the first 10 (R@10).
    pub r10: f64,
    /// Share of the queries whose right id is among the first 100 (R@100).
    pub r100: f64,
    /// Mean average precision: with one right answer, the mean of 1 / rank, 0 for a miss.
    pub map: f64,
    /// Number of queries.
    pub queries: usize,
}

impl Measures {
    /// Measures ranks of the right id, 1 for the first and `None` for a miss, one per query. Ranks above 100 are misses.
    ///
    /// # Errors
    /// [`Error::NoQueries`] for an empty list.
    ///
    /// ```
    /// let measures = active_index_evaluation::retrieval::Measures::from_ranks(&[Some(1), Some(4), None, None])?;
    /// assert_eq!((measures.r1, measures.r10, measures.map), (0.25, 0.5, 0.3125));
    /// # Ok::<(), active_index_evaluation::Error>(())
    /// ```
    pub fn from_ranks(ranks: &[Option<usize>]) -> Result<Self> {
        if ranks.is_empty() {
            return Err(Error::NoQueries);
        }
        let found = || ranks.iter().flatten().copied().filter(|rank| (1..=DEPTH).contains(rank));
        let queries = ranks.len() as f64;
        let recall = |k: usize| found().filter(|rank| *rank <= k).count() as f64 / queries;
        let map = found().map(|rank| 1.0 / rank as f64).sum::<f64>() / queries;
        Ok(Self { r1: recall(1), r10: recall(10), r100: recall(DEPTH), map, queries: ranks.len() })
    }

    /// Returns the four terms of one query: 1 if found first, among 10, among 100, else 0; and 1 / rank.
    pub(crate) fn of_rank(rank: Option<usize>) -> [f64; 4] {
        let Some(rank) = rank.filter(|rank| (1..=DEPTH).contains(rank)) else { return [0.0; 4] };
        let within = |k: usize| f64::from(u8::from(rank <= k));
        [within(1), within(10), 1.0, 1.0 / rank as f64]
    }

    /// Returns the plain mean of several measures, one per edit; `queries` is their sum.
    ///
    /// # Errors
    /// [`Error::NoQueries`] for an empty list.
    pub fn mean(all: &[Self]) -> Result<Self> {
        if all.is_empty() {
            return Err(Error::NoQueries);
        }
        let mean = |rate: fn(&Self) -> f64| all.iter().map(rate).sum::<f64>() / all.len() as f64;
        let queries = all.iter().map(|measures| measures.queries).sum();
        Ok(Self {
            r1: mean(|m| m.r1),
            r10: mean(|m| m.r10),
            r100: mean(|m| m.r100),
            map: mean(|m| m.map),
            queries,
        })
    }
}

/// Searches 100 neighbours of each of `descriptors` `[n, d]` in `nprobe` cells, and measures them. `truth[i]` is the right
/// id of row `i`.
///
/// # Errors
/// [`Error::TruthLength`], [`Error::NoQueries`], [`Error::Index`].
///
/// ```
/// use burn::tensor::{Device, Distribution, Tensor};
/// use index::{Index, TrainConfig};
///
/// let stored = Tensor::<2>::random([50, 16], Distribution::Normal(0.0, 1.0), &Device::flex());
/// let mut index = Index::train(&"Flat".parse()?, stored.clone(), &TrainConfig::default())?;
/// index.add(stored.clone())?;
/// let measures = active_index_evaluation::retrieval::measure(&index, stored.slice_dim(0, 0..3), &[0, 1, 2], 1)?;
/// assert_eq!(measures.r1, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn measure(index: &Index, descriptors: Tensor<2>, truth: &[i64], nprobe: usize) -> Result<Measures> {
    if descriptors.dims()[0] == 0 && truth.is_empty() {
        return Err(Error::NoQueries);
    }
    Measures::from_ranks(&ranks(index, descriptors, truth, nprobe)?)
}

/// Returns the rank of the right id of each of `descriptors` `[n, d]` among 100 neighbours in `nprobe` cells, see [`rank`].
///
/// # Errors
/// [`Error::TruthLength`], [`Error::Index`].
pub fn ranks(
    index: &Index,
    descriptors: Tensor<2>,
    truth: &[i64],
    nprobe: usize,
) -> Result<Vec<Option<usize>>> {
    let [rows, _] = descriptors.dims();
    if rows != truth.len() {
        return Err(Error::TruthLength { descriptors: rows, truth: truth.len() });
    }
    let found = index.search(descriptors, DEPTH, nprobe)?;
    Ok(truth.iter().enumerate().map(|(row, id)| rank(found.ids_of(row), *id)).collect())
}

/// Returns the place of `right` among `ids`, 1 for the first. Equal distances rank in the index's order. The id -1 stands
/// for a missing neighbour and is never right.
pub fn rank(ids: &[i64], right: i64) -> Option<usize> {
    ids.iter().position(|id| *id == right && right != -1).map(|place| place + 1)
}

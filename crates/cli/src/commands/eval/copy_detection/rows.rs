//! What queries name, with scores.

use std::{num::NonZeroUsize, path::Path};

use anyhow::{Result, ensure};
use burn::tensor::Tensor;
use evaluation::copy_detection::{self, BACKGROUND_NEIGHBOURS, Curve};
use index::{Index, Metric, TrainConfig, npy};

use super::super::{pipeline::Described, stored::matrix};
use crate::{engine::Engine, output::Output, provenance::Known};

/// How much of the background's similarity is taken off.
const WEIGHT: f64 = 1.0;

/// All queries, photograph by photograph, each with all its edits.
#[derive(Default)]
pub struct Queries {
    pub all: Vec<Query>,
    /// The subject of each photograph.
    pub photographs: Vec<usize>,
}

pub struct Query {
    /// What ISC2021's tables call it.
    pub id: String,
    pub photograph: usize,
    pub edit: usize,
    /// Entries that it is a copy of.
    pub matches: Vec<i64>,
}

impl Queries {
    /// Enters the edits of one subject, and says which photograph they are.
    pub fn enter(&mut self, subject: usize, ids: impl Iterator<Item = String>, matches: &[i64]) -> usize {
        let photograph = self.photographs.len();
        self.photographs.push(subject);
        let query = |(edit, id)| Query { id, photograph, edit, matches: matches.to_vec() };
        self.all.extend(ids.enumerate().map(query));
        photograph
    }

    /// Pairs that match, among the queries of one edit or among all.
    pub fn matches(&self, edit: Option<usize>) -> usize {
        self.of(edit).map(|query| query.matches.len()).sum()
    }

    /// Pairs that match `[photographs]`.
    pub fn matches_of_photographs(&self) -> Vec<usize> {
        let mut counts = vec![0; self.photographs.len()];
        self.all.iter().for_each(|query| counts[query.photograph] += query.matches.len());
        counts
    }

    fn of(&self, edit: Option<usize>) -> impl Iterator<Item = &Query> {
        self.all.iter().filter(move |query| edit.is_none_or(|edit| query.edit == edit))
    }
}

/// A query and an entry that it might be a copy of.
#[derive(Clone, Copy)]
pub struct Named {
    /// Place among all queries.
    pub query: usize,
    pub id: i64,
    /// Minus the squared L2 distance, or the inner product.
    pub score: f64,
    /// The score less the similarity to the background.
    pub normalised: Option<f64>,
}

/// What originals, and released images in their place, name.
#[derive(Default)]
pub struct Sides {
    pub passive: Vec<Named>,
    pub released: Vec<Named>,
    /// Whether any released image was searched.
    pub compares: bool,
}

impl Sides {
    pub fn released(&self) -> Option<&[Named]> {
        self.compares.then_some(&self.released)
    }
}

/// The curve of some rows: of one edit or all, by score or normalised score.
pub fn curve(rows: &[Named], queries: &Queries, edit: Option<usize>, normalised: bool) -> Result<Curve> {
    let row = |named: &Named| {
        let Query { photograph, matches, .. } = &queries.all[named.query];
        let (is_match, photograph) = (matches.contains(&named.id), *photograph);
        let score = if normalised { named.normalised.unwrap_or(named.score) } else { named.score };
        copy_detection::Row { score, is_match, photograph }
    };
    let wanted = |named: &&Named| edit.is_none_or(|edit| queries.all[named.query].edit == edit);
    Ok(Curve::new(rows.iter().filter(wanted).map(row).collect(), queries.matches(edit))?)
}

/// Images that no query shows.
pub struct Background {
    index: Index,
    pub n: usize,
}

impl Background {
    /// Descriptors of a file, compared as `like` compares.
    pub fn open(path: &Path, like: &Index, engine: &Engine, output: &Output) -> Result<Self> {
        Known::descriptors(path)?.check(&Known::weights(engine.provenance()), output)?;
        let rows = npy::read_descriptors(path, &engine.device)?;
        let [n, d] = rows.dims();
        ensure!(n > 0, "{}: no descriptors to normalise by", path.display());
        ensure!(d == like.d(), "{}: of dimension {d}, but the index is of {}", path.display(), like.d());
        let config = TrainConfig { metric: like.metric(), ..TrainConfig::default() };
        let mut index = Index::train(&"Flat".parse()?, rows.clone(), &config)?;
        index.add(rows)?;
        Ok(Self { index, n })
    }

    /// Similarities `[queries][neighbours]`, highest first.
    fn nearest(&self, queries: Tensor<2>) -> Result<Vec<Vec<f64>>> {
        let [n, _] = queries.dims();
        let found = self.index.search(queries, BACKGROUND_NEIGHBOURS.end.min(self.n), 1)?;
        let scores = |query| found.distances_of(query).iter().map(|d| score(&self.index, *d)).collect();
        Ok((0..n).map(scores).collect())
    }
}

/// How queries are answered.
pub struct Search<'a> {
    pub index: &'a Index,
    pub k: NonZeroUsize,
    pub nprobe: NonZeroUsize,
    pub background: Option<Background>,
}

impl Search<'_> {
    /// Searches all edits of a photograph; where it has no released image, the original stands in for it.
    pub fn answer(&self, described: Described, photograph: usize, sides: &mut Sides) -> Result<()> {
        let Described { passive, released, .. } = described;
        let first = photograph * passive.len();
        let rows = self.rows(&passive, first)?;
        sides.compares |= released.is_some();
        sides.released.extend(match released {
            Some(released) => self.rows(&released, first)?,
            None => rows.clone(),
        });
        sides.passive.extend(rows);
        Ok(())
    }

    fn rows(&self, descriptors: &[Vec<f32>], first: usize) -> Result<Vec<Named>> {
        let queries = matrix(descriptors.iter().map(Vec::as_slice), &self.index.device());
        let nearest =
            self.background.as_ref().map(|background| background.nearest(queries.clone())).transpose()?;
        let found = self.index.search(queries, self.k.get(), self.nprobe.get())?;
        let row = |i: usize| {
            let pairs = found.ids_of(i).iter().zip(found.distances_of(i));
            let nearest = nearest.as_ref().map(|nearest| &nearest[i]);
            pairs.filter(|(id, _)| **id >= 0).map(move |(id, distance)| {
                let score = score(self.index, *distance);
                let normalised = nearest.map(|nearest| copy_detection::normalise(score, nearest, WEIGHT));
                Named { query: first + i, id: *id, score, normalised }
            })
        };
        Ok((0..descriptors.len()).flat_map(row).collect())
    }
}

/// Higher for nearer.
fn score(index: &Index, distance: f32) -> f64 {
    match index.metric() {
        Metric::L2 => -f64::from(distance),
        Metric::InnerProduct => f64::from(distance),
    }
}

//! Fit of a calibration: background queries go through what a search compares.

use std::collections::BTreeSet;

use collection::{Candidate, Collection, Filter};
use device_math::{
    exact_products::matmul,
    transfer::{download, upload_rows},
};
use image::RgbImage;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use witness::Kind;

use super::{
    Background, Calibration, Facts, Regime, SCHEMA,
    kept::{Bounds, Kept},
};
use crate::{
    error::{Error, Result},
    law::{BestLaw, Cosines, InlierLaw, PairLaw},
    settings::{Cells, Settings, search_settings},
    views::Describe,
    witnesses::Witnesses,
};

/// Entries of which all cosines with the background are measured.
const SAMPLE: usize = 10_000;
/// Seed of the sample.
const SEED: u64 = 0;
/// Least number of background queries.
const LEAST_QUERIES: usize = 20;
/// Least number of pairs of a query and an entry.
const LEAST_PAIRS: u64 = 1_000;
/// Candidates of each background picture that are compared with their witnesses.
const COMPARED: usize = 10;
/// Queries whose cosines are in memory at once.
const BLOCK: usize = 64;

/// Fits a [`Calibration`] of a collection to queries without a match. They come in pieces, so that pictures need not be in
/// memory together.
pub struct Calibrator<'a> {
    collection: &'a Collection,
    witnesses: &'a dyn Witnesses,
    bounds: Bounds,
    cells: Cells,
    background: Background,
    /// Largest number of own entries that stand in for a background, and the seed of their draw.
    own: Option<(usize, u64)>,
    queries: Vec<BackgroundQuery>,
    comparisons: Vec<NearComparison>,
}

/// Query without a match.
#[derive(Debug)]
pub(super) struct BackgroundQuery {
    /// Descriptors of its views, the picture as it is first: `[views][d]`.
    pub views: Vec<Vec<f32>>,
    /// Entry that the query is, if it is one.
    pub own: Option<i64>,
}

/// Comparison of a background picture and one of its nearest entries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct NearComparison {
    pub cosine: f32,
    pub inliers: usize,
}

impl<'a> Calibrator<'a> {
    /// Calibrator of searches within the bounds of `settings`.
    ///
    /// # Errors
    /// If the collection cannot be read.
    pub fn new(collection: &'a Collection, settings: &Settings) -> Result<Self> {
        Ok(Self {
            collection,
            witnesses: collection,
            bounds: Bounds {
                looks: settings.looks.max(1),
                nprobe: settings.nprobe,
                least_entries: settings.least_entries,
            },
            cells: Cells::of(settings, collection)?,
            background: Background::Entries,
            own: None,
            queries: Vec::new(),
            comparisons: Vec::new(),
        })
    }

    /// The same with witnesses from elsewhere.
    pub fn with_witnesses(self, witnesses: &'a dyn Witnesses) -> Self {
        Self { witnesses, ..self }
    }

    /// Number of queries so far.
    pub fn queries(&self) -> usize {
        self.queries.len()
    }

    /// Adds pictures that are not in the collection: their views are described, and they are compared with the witnesses of
    /// their nearest entries.
    ///
    /// # Errors
    /// If the device fails, or the collection cannot be read. A picture that cannot be described is left out.
    pub fn add_pictures(&mut self, pictures: &[RgbImage], describe: &mut dyn Describe) -> Result<()> {
        self.background = Background::Pictures;
        let plans: Vec<_> =
            pictures.par_iter().map(|picture| looks::plan(picture, self.bounds.looks)).collect();
        let (mut described, mut kept) = (Vec::new(), Vec::new());
        for (picture, plan) in pictures.iter().zip(plans) {
            let views: Vec<RgbImage> = plan.par_iter().map(|look| look.apply(picture)).collect();
            let rows = describe.describe_views(&views)?;
            let mut rows = rows.into_iter();
            let Some(Ok(first)) = rows.next() else { continue };
            let views = std::iter::once(first).chain(rows.flatten()).collect();
            described.push(BackgroundQuery { views, own: None });
            kept.push(picture);
        }
        if self.witnesses.kind() != Kind::None {
            self.compare(&kept, &described)?;
        }
        self.queries.extend(described);
        Ok(())
    }

    /// Adds descriptors `[n][d]` of pictures that are not in the collection: one view each, and no law of inliers.
    pub fn add_descriptors(&mut self, rows: impl IntoIterator<Item = Vec<f32>>) {
        if self.background == Background::Entries {
            self.background = Background::Descriptors;
        }
        self.queries.extend(rows.into_iter().map(|row| BackgroundQuery { views: vec![row], own: None }));
    }

    /// Adds up to `most` of the collection's own entries, each as a query among the others. They count where nothing else is
    /// added, because most entries have relatives: then only the bulk of the cosines is measured, with the tail of
    /// photographs, and E-values count all entries, whatever a search visits. Background pictures are better.
    ///
    /// # Errors
    /// If the collection cannot be read.
    pub fn add_entries(&mut self, most: usize, seed: u64) -> Result<()> {
        self.own = Some((most, seed));
        let sample = self.collection.sample(most, seed)?;
        let queries = sample.into_iter().map(|(id, row)| BackgroundQuery { views: vec![row], own: Some(id) });
        self.queries.extend(queries);
        Ok(())
    }

    /// Fits the laws, and keeps them with the collection. The background is kept too, so that [`refit`] needs no pictures.
    /// `made` is the time, in seconds since 1970.
    ///
    /// # Errors
    /// Those of [`Self::finish`]; if the collection cannot be written.
    pub fn keep(self, made: i64) -> Result<Calibration> {
        let collection = self.collection;
        let kept = Kept::new(self.background, self.bounds, self.own, self.comparisons.clone(), &self.queries);
        let calibration = self.finish(made)?;
        // Laws without their background cannot be fitted again; a background without its laws does no harm.
        collection.set_background(&kept.to_text())?;
        collection.set_calibration(&calibration.to_text())?;
        Ok(calibration)
    }

    /// Fits the laws. `made` is the time, in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::TooFew`]; if the collection cannot be read, or the device fails.
    pub fn finish(mut self, made: i64) -> Result<Calibration> {
        let are_mixed = self.background == Background::Entries;
        self.queries.retain(|query| are_mixed || query.own.is_none());
        let (cosines, sampled) = self.cosines()?;
        let too_few = || Error::TooFew {
            queries: self.queries.len(),
            entries: sampled,
            least_queries: LEAST_QUERIES,
            least_pairs: LEAST_PAIRS,
        };
        if self.queries.len() < LEAST_QUERIES || cosines.total() < LEAST_PAIRS {
            return Err(too_few());
        }
        let fitted = if are_mixed { PairLaw::of_bulk(&cosines) } else { PairLaw::fit(&cosines) };
        let fitted = fitted.ok_or_else(too_few)?;
        let shape = fitted.law.tail.excess.shape.max(BestLaw::LEAST_SHAPE);
        // The best cosine of an entry is that of a relative, mostly.
        let steps = if are_mixed { Vec::new() } else { self.cells.steps() };
        let of_cells = steps.into_iter().map(|nprobe| self.regimes(nprobe, shape, fitted.end));
        let best = of_cells.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
        Ok(Calibration {
            schema: SCHEMA,
            facts: self.facts(made, cosines.total(), fitted.refused)?,
            pairs: fitted.law,
            best,
            inliers: self.inliers(fitted.end),
        })
    }

    fn facts(&self, made: i64, pairs: u64, refused: u64) -> Result<Facts> {
        let looks = self.queries.iter().map(|query| query.views.len()).max().unwrap_or(1);
        let (background, queries) = (self.background, self.queries.len());
        Ok(Facts { made, background, queries, pairs, entries: self.collection.searchable()?, looks, refused })
    }

    /// Law of the inliers of pairs with a cosine below `end`.
    fn inliers(&self, end: f64) -> Option<InlierLaw> {
        let unrelated = self.comparisons.iter().filter(|near| f64::from(near.cosine) < end);
        InlierLaw::fit(&unrelated.map(|near| near.inliers).collect::<Vec<_>>())
    }

    /// Cosines of all queries as they are and a sample of the entries, and the size of the sample.
    fn cosines(&self) -> Result<(Cosines, usize)> {
        let sample = self.collection.sample(SAMPLE, SEED)?;
        let mut cosines = Cosines::new();
        if sample.is_empty() {
            return Ok((cosines, 0));
        }
        let device = self.collection.quantiser().device();
        let (ids, rows): (Vec<i64>, Vec<Vec<f32>>) = sample.into_iter().unzip();
        let entries = upload_rows(rows.iter().map(|row| unit(row)), &device).transpose();
        for block in self.queries.chunks(BLOCK) {
            let rows = upload_rows(block.iter().map(|query| unit(&query.views[0])), &device);
            let products = download(matmul(rows, entries.clone()))?;
            for (query, products) in block.iter().zip(products.chunks_exact(ids.len())) {
                let others = products.iter().zip(&ids).filter(|(_, id)| Some(**id) != query.own);
                others.for_each(|(cosine, _)| cosines.add(*cosine));
            }
        }
        Ok((cosines, ids.len()))
    }

    /// Laws of the best cosine below `end` that each query finds in `nprobe` cells, by the number of its views.
    fn regimes(&self, nprobe: usize, shape: f64, end: f64) -> Result<Vec<Regime>> {
        let most = self.queries.iter().map(|query| query.views.len()).max().unwrap_or(0);
        let kept: BTreeSet<usize> =
            (0..).map(|i| 1 << i).take_while(|looks| *looks < most).chain([most]).collect();
        let mut best = vec![None; self.queries.len()];
        let mut regimes = Vec::new();
        for view in 0..most {
            self.look(view, nprobe, end, &mut best)?;
            let looks = view + 1;
            if kept.contains(&looks) {
                let law = BestLaw::fit(&best, shape, end);
                regimes.extend(law.map(|law| Regime { looks, nprobe, law }));
            }
        }
        Ok(regimes)
    }

    /// Searches for one view of each query that has so many, and takes what is better than its `best`.
    fn look(&self, view: usize, nprobe: usize, end: f64, best: &mut [Option<f32>]) -> Result<()> {
        let viewed: Vec<(usize, &BackgroundQuery)> =
            self.queries.iter().enumerate().filter(|(_, query)| query.views.len() > view).collect();
        for block in viewed.chunks(BLOCK) {
            let found = self.search(block.iter().map(|(_, query)| &query.views[view]), nprobe)?;
            for ((place, _), found) in block.iter().zip(found) {
                let unrelated = found.iter().find(|candidate| f64::from(candidate.cosine) < end);
                let cosine = unrelated.map(|candidate| candidate.cosine);
                // Nothing found is less than any cosine.
                if cosine > best[*place] {
                    best[*place] = cosine;
                }
            }
        }
        Ok(())
    }

    fn search<'r>(
        &self,
        rows: impl Iterator<Item = &'r Vec<f32>>,
        nprobe: usize,
    ) -> Result<Vec<Vec<Candidate>>> {
        let rows = upload_rows(rows, &self.collection.quantiser().device());
        Ok(self.collection.find(rows, &search_settings(nprobe, 1, &Filter::default()))?)
    }

    /// Compares pictures with the witnesses of the entries that their first views find.
    fn compare(&mut self, pictures: &[&RgbImage], described: &[BackgroundQuery]) -> Result<()> {
        if pictures.is_empty() {
            return Ok(());
        }
        let found = self.search(described.iter().map(|query| &query.views[0]), self.cells.most())?;
        let witnesses = self.witnesses;
        let compared = pictures.par_iter().zip(found).flat_map_iter(|(picture, found)| {
            let query = witness::Query::of(picture);
            let near = found.into_iter().take(COMPARED);
            near.filter_map(move |candidate| {
                let comparison = query.compare(&witnesses.witness(candidate.id)?);
                (!comparison.is_flat)
                    .then_some(NearComparison { cosine: candidate.cosine, inliers: comparison.inliers })
            })
        });
        let compared: Vec<NearComparison> = compared.collect();
        self.comparisons.extend(compared);
        Ok(())
    }
}

/// Fits the calibration of a collection again if the collection has doubled since; see [`refit`]. Returns the new one; `None` if
/// none is due, or the collection was never calibrated.
///
/// # Errors
/// Those of [`refit`].
pub fn refit_if_due(collection: &Collection, made: i64) -> Result<Option<Calibration>> {
    let calibration = Calibration::of(collection)?;
    if calibration.is_standard() || !calibration.is_due(collection.searchable()?) {
        return Ok(None);
    }
    refit(collection, None, made)
}

/// Fits the calibration of a collection again, to the background that [`Calibrator::keep`] kept, for searches within the bounds
/// of `settings`, or the same ones as before. Returns `None` if none was kept.
///
/// # Errors
/// Those of [`Calibrator::keep`]; a kept text that is malformed.
pub fn refit(collection: &Collection, settings: Option<&Settings>, made: i64) -> Result<Option<Calibration>> {
    let Some(text) = collection.background()? else { return Ok(None) };
    let kept = Kept::from_text(&text)?;
    let Bounds { looks, nprobe, least_entries } = kept.bounds;
    let same = Settings { looks, nprobe, least_entries, ..Settings::default() };
    let mut calibrator = Calibrator::new(collection, settings.unwrap_or(&same))?;
    if let Some((most, seed)) = kept.own {
        calibrator.add_entries(most, seed)?;
    }
    calibrator.queries.extend(kept.queries(collection.description().d)?);
    calibrator.background = kept.background;
    calibrator.comparisons = kept.near;
    calibrator.keep(made).map(Some)
}

/// Row of length 1; a row of length 0 as it is.
fn unit(row: &[f32]) -> Vec<f32> {
    let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
    let scale = if length > 0.0 { length.recip() } else { 0.0 };
    row.iter().map(|value| value * scale).collect()
}

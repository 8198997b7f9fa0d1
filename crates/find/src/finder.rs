//! The cascade: looks queries up until a match is confirmed, at the least cost first.

use std::time::{Duration, Instant};

use collection::{Candidate, Collection};
use device_math::transfer::upload_rows;
use image::RgbImage;
use looks::Look;
use rayon::prelude::*;
use witness::Kind;

use crate::{
    answer::Answer,
    calibration::Calibration,
    e_values::EValues,
    error::Result,
    learned::Learned,
    open_query::{Context, OpenQuery},
    query::Query,
    settings::{Cells, Settings, search_settings},
    source::Source,
    views::{Describe, Described},
    witnesses::Witnesses,
};

/// Views that are in memory at once.
const VIEWS: usize = 32;

/// Looks queries up in a collection.
///
/// Each query is searched for in its cell. While nothing is confirmed, it is searched for in more cells, and then further
/// views of it are described and searched for. Each search hands its nearest candidates to their witnesses, unless the
/// cosine of the nearest decides.
///
/// A finder is made once and asked from any number of threads. [`Self::with_settings`] gives each call its own bounds at no
/// cost; [`Self::refreshed`] follows a collection that others write to.
#[derive(Clone)]
pub struct Finder<'a> {
    collection: Source<'a>,
    /// Witnesses from elsewhere; `None` for those of the collection.
    witnesses: Option<&'a dyn Witnesses>,
    learned: Learned,
    /// Settings as they were asked for.
    asked: Settings,
    /// Settings within the bounds of the collection.
    settings: Settings,
    cells: Cells,
}

impl<'a> Finder<'a> {
    /// Finder in a collection, borrowed or in an [`Arc`](std::sync::Arc), with the collection's witnesses and its calibration,
    /// or the standard one if it has none.
    ///
    /// # Errors
    /// If the collection cannot be read, or its calibration is malformed.
    pub fn new(collection: impl Into<Source<'a>>, settings: Settings) -> Result<Self> {
        let collection = collection.into();
        let learned = Learned::of(&collection)?;
        Self::of(collection, None, learned, settings)
    }

    fn of(
        collection: Source<'a>,
        witnesses: Option<&'a dyn Witnesses>,
        learned: Learned,
        asked: Settings,
    ) -> Result<Self> {
        let cells = Cells::of(&asked, &collection)?;
        let (nprobe, looks, k) = (cells.most(), asked.looks.max(1), asked.k.max(1));
        let settings = Settings { nprobe, looks, k, ..asked.clone() };
        Ok(Self { collection, witnesses, learned, asked, settings, cells })
    }

    /// The same with other settings. The calibration is not read again, and witnesses are not counted again.
    ///
    /// # Errors
    /// If the collection cannot be read.
    pub fn with_settings(&self, settings: Settings) -> Result<Self> {
        Self::of(self.collection.clone(), self.witnesses, self.learned.clone(), settings)
    }

    /// The same for the collection as it is now: with the calibration that it keeps, unless [`Self::with_calibration`] gave
    /// one, and with a new count of witnesses if a hundredth of the entries or more came or went.
    ///
    /// # Errors
    /// If the collection cannot be read, or its calibration is malformed.
    pub fn refreshed(&self) -> Result<Self> {
        let learned = self.learned.refreshed(&self.collection)?;
        Self::of(self.collection.clone(), self.witnesses, learned, self.asked.clone())
    }

    /// The same with witnesses from elsewhere.
    pub fn with_witnesses(self, witnesses: &'a dyn Witnesses) -> Self {
        Self { witnesses: Some(witnesses), learned: self.learned.uncounted(), ..self }
    }

    /// The same with another calibration.
    pub fn with_calibration(self, calibration: Calibration) -> Self {
        Self { learned: self.learned.with_calibration(calibration), ..self }
    }

    /// Collection that is looked in.
    pub fn collection(&self) -> &Collection {
        &self.collection
    }

    /// Calibration in use.
    pub fn calibration(&self) -> &Calibration {
        &self.learned.calibration
    }

    /// Settings in use, within the bounds of the collection.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Looks up queries together, and answers in their order.
    ///
    /// # Errors
    /// If the collection cannot be read, or the device fails. A picture that cannot be described is a failure of its answer.
    pub fn find(&self, queries: &[Query], describe: &mut dyn Describe) -> Result<Vec<Answer>> {
        let context = self.context()?;
        let mut open: Vec<OpenQuery> = queries.iter().map(|query| OpenQuery::new(query, context)).collect();
        self.describe_pictures(&mut open, describe)?;
        self.search_pictures(&mut open)?;
        while self.look_again(&mut open, describe)? {}
        Ok(open.into_par_iter().map(OpenQuery::answer).collect())
    }

    /// Looks up descriptors `[n][d]` of unknown pictures: one look, no witness.
    ///
    /// # Errors
    /// If the collection cannot be read, or the device fails.
    pub fn find_descriptors(&self, rows: Vec<Vec<f32>>) -> Result<Vec<Answer>> {
        let queries: Vec<Query> = rows.into_iter().map(Query::descriptor).collect();
        self.find(&queries, &mut NoNetwork)
    }

    fn context(&self) -> Result<Context<'_>> {
        let collection: &Collection = &self.collection;
        let (witnesses, calibration) = (self.witnesses.unwrap_or(collection), self.calibration());
        let entries = collection.searchable()?;
        let comparisons = if witnesses.kind() == Kind::None { 0 } else { self.settings.comparisons };
        let trials = match comparisons {
            0 => 0.0,
            // Entries that have a witness may be nearer to a query than the others are.
            most => (most as f64 * self.learned.witness_share(witnesses, entries)).max(1.0),
        };
        let e_values = EValues {
            calibration,
            entries,
            looks: self.settings.looks,
            nprobe: self.settings.nprobe,
            inliers: calibration.inliers(),
            comparisons,
            trials,
        };
        Ok(Context { e_values, settings: &self.settings, witnesses })
    }

    /// Describes the pictures of which no descriptor is known.
    fn describe_pictures(&self, open: &mut [OpenQuery], describe: &mut dyn Describe) -> Result<()> {
        let undescribed = open.iter_mut().filter_map(|query| Some((query.undescribed()?, query)));
        let mut missing: Vec<(&RgbImage, &mut OpenQuery)> = undescribed.collect();
        for part in missing.chunks_mut(VIEWS.max(self.settings.wave)) {
            let started = Instant::now();
            let pictures: Vec<RgbImage> = part.iter().map(|(picture, _)| (*picture).clone()).collect();
            let described = describe.describe_views(&pictures)?;
            let share = started.elapsed() / part.len() as u32;
            for ((_, query), row) in part.iter_mut().zip(described) {
                query.spend(share, Duration::ZERO);
                query.set_descriptor(row);
            }
        }
        Ok(())
    }

    /// Searches for the queries as they are, in ever more cells.
    fn search_pictures(&self, open: &mut [OpenQuery]) -> Result<()> {
        let mut before = 0;
        for nprobe in self.cells.steps() {
            let open: Vec<&mut OpenQuery> = open.iter_mut().filter(|query| query.is_open()).collect();
            let rows: Vec<&[f32]> = open.iter().filter_map(|query| query.descriptor()).collect();
            let found = self.search(&rows, nprobe)?;
            open.into_par_iter().zip(found.candidates).for_each(|(query, candidates)| {
                query.spend(Duration::ZERO, found.time);
                query.count_cells(nprobe - before);
                query.take(Look::WHOLE, &candidates);
            });
            before = nprobe;
        }
        Ok(())
    }

    /// Describes the next views of the open queries and searches for them. Returns false if there are none.
    fn look_again(&self, open: &mut [OpenQuery], describe: &mut dyn Describe) -> Result<bool> {
        let count = open.iter().filter(|query| query.is_open()).count();
        let each = (self.settings.wave / count.max(1)).max(1);
        let mut planned: Vec<Vec<(Look, &RgbImage)>> =
            open.par_iter_mut().map(|query| query.next_views(each)).collect();
        if planned.iter().all(Vec::is_empty) {
            return Ok(false);
        }
        let mut views = Vec::new();
        for (place, looks) in planned.iter_mut().enumerate() {
            views.extend(looks.drain(..).map(|(look, picture)| View { place, look, picture }));
        }
        for part in views.chunks(VIEWS.max(self.settings.wave)) {
            self.look(part, open, describe)?;
        }
        Ok(true)
    }

    /// Describes views and searches for them.
    fn look(&self, views: &[View], open: &mut [OpenQuery], describe: &mut dyn Describe) -> Result<()> {
        let started = Instant::now();
        let pictures: Vec<RgbImage> = views.par_iter().map(|view| view.look.apply(view.picture)).collect();
        let described = describe.describe_views(&pictures)?;
        let network = started.elapsed() / views.len() as u32;
        views.iter().for_each(|view| open[view.place].spend(network, Duration::ZERO));
        // A view that cannot be described is a view less.
        let good: Vec<(&View, Vec<f32>)> =
            views.iter().zip(described).filter_map(|(view, row)| Some((view, row.ok()?))).collect();
        let (nprobe, rows) = (self.settings.nprobe, good.iter().map(|(_, row)| row.as_slice()));
        let found = self.search(&rows.collect::<Vec<_>>(), nprobe)?;
        let mut of_query: Vec<Vec<(Look, Vec<Candidate>)>> = vec![Vec::new(); open.len()];
        for ((view, _), candidates) in good.iter().zip(found.candidates) {
            of_query[view.place].push((view.look, candidates));
        }
        open.par_iter_mut().zip(of_query).for_each(|(query, looks)| {
            for (look, candidates) in looks {
                query.spend(Duration::ZERO, found.time);
                query.count_look(look);
                query.count_cells(nprobe);
                if query.is_open() {
                    query.take(look, &candidates);
                }
            }
        });
        Ok(())
    }

    /// Candidates of descriptors `[n][d]`, by their cosines, and the time of one search.
    fn search(&self, rows: &[&[f32]], nprobe: usize) -> Result<Searched> {
        if rows.is_empty() {
            return Ok(Searched { candidates: Vec::new(), time: Duration::ZERO });
        }
        let started = Instant::now();
        let queries = upload_rows(rows, &self.collection.quantiser().device());
        let candidates = self
            .collection
            .find(queries, &search_settings(nprobe, self.settings.k, &self.settings.filter))?;
        Ok(Searched { candidates, time: started.elapsed() / rows.len() as u32 })
    }
}

/// Candidates of each descriptor.
struct Searched {
    candidates: Vec<Vec<Candidate>>,
    time: Duration,
}

/// View of a query to be described.
struct View<'a> {
    /// Place of the query.
    place: usize,
    look: Look,
    picture: &'a RgbImage,
}

/// Describes nothing, where all queries are described already.
struct NoNetwork;

impl Describe for NoNetwork {
    fn describe_views(&mut self, views: &[RgbImage]) -> describe::Result<Described> {
        Ok(views.iter().map(|_| Err(describe::Error::ThreadEnded)).collect())
    }
}

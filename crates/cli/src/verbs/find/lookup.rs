//! Queries that are looked up together, and what was found for them.

use std::{path::Path, time::Instant};

use anyhow::Result;
use collection::Collection;
use find::{
    Answer, Describe, Finder, Query, Settings,
    report::{Answered, Search, with_entries},
};

use super::{find_report::FindReport, page::Gallery};
use crate::{
    args::{EffortLevel, Find},
    report::calibration_advice,
    session::Session,
};

/// Looks queries up in a collection.
pub struct Lookup<'a> {
    collection: &'a Collection,
    finder: Finder<'a>,
    report: FindReport,
    /// Queries that wait, and their places in the report: `[n]` each.
    waiting: Vec<Query>,
    places: Vec<usize>,
    /// Pictures of the page, if one is asked for.
    gallery: Option<Gallery<'a>>,
}

impl<'a> Lookup<'a> {
    /// Notes on stderr if the calibration is out of date.
    ///
    /// # Errors
    /// If the collection or its calibration cannot be read.
    pub fn new(collection: &'a Collection, arguments: &Find, session: &Session) -> Result<Self> {
        let own = arguments.bounds.settings();
        let possible_e = if arguments.all { f64::INFINITY } else { arguments.max_e.max(1.0) };
        let settings = Settings {
            k: arguments.k.get(),
            max_e: arguments.max_e,
            possible_e,
            exhaustive: arguments.all,
            // The place of a match on the query is worth a comparison, unless little is to be spent.
            explain: arguments.report.is_some() || arguments.bounds.effort != EffortLevel::Low,
            filter: arguments.conditions.filter(),
            ..own
        };
        let finder = Finder::new(collection, settings)?;
        let name = arguments.collection.to_string();
        let search = Search::of(name.clone(), &finder)?;
        let advice = calibration_advice(&search.calibration, &name);
        advice.into_iter().for_each(|advice| session.note(&advice));
        let report = FindReport { search, seconds: 0.0, interrupted: false, left: 0, queries: Vec::new() };
        let gallery =
            arguments.report.is_some().then(|| Gallery::new(collection, (&arguments.reading).into()));
        Ok(Self { collection, finder, report, waiting: Vec::new(), places: Vec::new(), gallery })
    }

    /// Adds a query that waits for [`Self::find`].
    pub fn add(&mut self, name: String, query: Query) {
        self.places.push(self.report.queries.len());
        self.report.queries.push(Answered::new(name));
        self.waiting.push(query);
    }

    /// Adds a query that could not be read.
    pub fn add_failed(&mut self, name: String, reason: String) {
        self.report.queries.push(Answered::failed(name, reason));
    }

    /// Returns the number of queries that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Returns the number of queries that are done.
    pub fn done(&self) -> usize {
        self.report.queries.len() - self.waiting.len()
    }

    /// Looks up the queries that wait.
    ///
    /// # Errors
    /// If the device fails or the collection cannot be read.
    pub fn find(&mut self, describe: &mut dyn Describe) -> Result<()> {
        let (queries, places) = (std::mem::take(&mut self.waiting), std::mem::take(&mut self.places));
        let started = Instant::now();
        let answers = self.finder.find(&queries, describe)?;
        self.report.seconds += started.elapsed().as_secs_f64();
        self.take(&places, &queries, answers)
    }

    /// Looks up descriptors, whose numbers are their names.
    ///
    /// # Errors
    /// If the descriptors are not those of the collection, or it cannot be read.
    pub fn find_descriptors(&mut self, rows: Vec<Vec<f32>>) -> Result<()> {
        let first = self.report.queries.len();
        let places: Vec<usize> = (first..first + rows.len()).collect();
        self.report.queries.extend(places.iter().map(|row| Answered::new(row.to_string())));
        let started = Instant::now();
        let answers = self.finder.find_descriptors(rows)?;
        self.report.seconds += started.elapsed().as_secs_f64();
        self.take(&places, &[], answers)
    }

    /// Ends the search early: of `planned` queries, those that wait and those that were not added are left.
    pub fn interrupt(&mut self, planned: usize) {
        self.waiting.clear();
        for place in std::mem::take(&mut self.places).into_iter().rev() {
            self.report.queries.remove(place);
        }
        self.report.interrupted = true;
        self.report.left = planned - self.report.queries.len();
    }

    /// Returns the report, and writes the page if one is named.
    ///
    /// # Errors
    /// If the page cannot be written.
    pub fn finish(self, page: Option<&Path>) -> Result<FindReport> {
        let Self { report, gallery, .. } = self;
        if let (Some(page), Some(gallery)) = (page, gallery) {
            gallery.write(page, &report)?;
        }
        Ok(report)
    }

    /// Puts answers into the report; `queries` are empty where only descriptors are known.
    fn take(&mut self, places: &[usize], queries: &[Query], answers: Vec<Answer>) -> Result<()> {
        let answers = with_entries(self.collection, answers)?;
        for (number, (&place, answer)) in places.iter().zip(answers).enumerate() {
            let picture = queries.get(number).and_then(|query| query.picture.as_ref());
            if let (Some(gallery), Some(picture)) = (&mut self.gallery, picture) {
                gallery.add(place, picture, &answer.matches)?;
            }
            let query = &mut self.report.queries[place];
            *query = answer.answered(std::mem::take(&mut query.query));
        }
        Ok(())
    }
}

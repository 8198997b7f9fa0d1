//! The evaluation: looks up edited copies in a collection.

use std::{borrow::Cow, num::NonZeroUsize, path::Path};

use collection::Collection;
use describe::{Describer, read_ahead, reading_threads};
use find::{Answer, Finder, Match, Query, Settings, Verdict};
use image::RgbImage;
use image_file::Reader;
use rayon::prelude::*;

use super::{
    kept_views::KeptViews,
    lookup::{FoundEntry, Lookup},
    photographs::{Photograph, Photographs},
};
use crate::{
    edits::Edit,
    error::{Error, Result},
    events::{Events, Task},
    pipeline::End,
};

/// Copies of a photograph that are looked up together: as many views fill a batch of the CPU.
const TOGETHER: usize = 8;
/// Photographs that are read before they are looked up.
const AHEAD: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// Settings of an evaluation of lookups.
#[derive(Clone, Debug)]
pub struct Config {
    /// Edits of every photograph.
    pub edits: Vec<Edit>,
    /// Bounds of the cascade. For a whole ranking `possible_e` is infinite.
    pub settings: Settings,
    /// Seed of the edits: photograph `i` is edited with `seed + i`.
    pub seed: u64,
}

/// Lookups, and the circumstances of their search.
#[derive(Debug)]
pub struct Findings {
    /// Lookups, photograph by photograph.
    pub lookups: Vec<Lookup>,
    /// Places among the given photographs of those that were looked up.
    pub photographs: Vec<usize>,
    /// Number of entries of the collection.
    pub entries: u64,
    /// End of the search.
    pub end: End,
}

impl Config {
    /// Looks up all edits of photographs. One that fails is reported and left out. An interrupted evaluation returns the
    /// photographs that are finished.
    ///
    /// # Errors
    /// [`Error::Find`], [`Error::Collection`]; those of the device and of `resume`, a file of descriptors of
    /// views: known ones are not computed again.
    pub fn evaluate(
        &self,
        collection: &Collection,
        describer: &mut Describer<'_>,
        reader: &Reader,
        photographs: &Photographs,
        resume: Option<&Path>,
        events: &dyn Events,
    ) -> Result<Findings> {
        let finder = Finder::new(collection, self.settings.clone())?;
        let entries = collection.searchable()?;
        let views = KeptViews::open(describer, resume, events)?;
        let mut findings =
            Findings { lookups: Vec::new(), photographs: Vec::new(), entries, end: End::Finished };
        events.begin(Task::Searching, photographs.all.len() * self.edits.len());
        let mut run = Run { config: self, finder, views, events };
        let ended = run.all(reader, &photographs.all, &mut findings);
        events.end();
        match ended {
            Err(Error::Interrupted) => findings.end = End::Interrupted,
            ended => ended?,
        }
        Ok(findings)
    }
}

/// A running evaluation.
struct Run<'a, 'b> {
    config: &'a Config,
    finder: Finder<'a>,
    views: KeptViews<'a, 'b>,
    events: &'a dyn Events,
}

impl Run<'_, '_> {
    fn all(&mut self, reader: &Reader, photographs: &[Photograph], findings: &mut Findings) -> Result<()> {
        let mut next = photographs.iter().enumerate();
        let read = |photograph: &Photograph| photograph.source.read(reader).map(Cow::into_owned);
        read_ahead(photographs, reading_threads(), AHEAD, read, |picture: Result<RgbImage>| {
            let Some((place, photograph)) = next.next() else { return Ok(()) };
            let number = findings.photographs.len();
            match picture.and_then(|picture| self.photograph(photograph, place, &picture)) {
                Ok(lookups) => {
                    findings.photographs.push(place);
                    findings
                        .lookups
                        .extend(lookups.into_iter().map(|own| Lookup { photograph: number, ..own }));
                }
                Err(error @ (Error::Image(_) | Error::Edit { .. } | Error::Lookup { .. })) => {
                    self.events.failed(&photograph.name, error);
                }
                Err(error) => return Err(error),
            }
            Ok(())
        })
    }

    /// Looks up all edits of a photograph.
    fn photograph(
        &mut self,
        photograph: &Photograph,
        place: usize,
        picture: &RgbImage,
    ) -> Result<Vec<Lookup>> {
        let seed = self.config.seed.wrapping_add(place as u64);
        let mut lookups = Vec::with_capacity(self.config.edits.len());
        for edits in self.config.edits.chunks(TOGETHER) {
            let reused = self.views.reused();
            let answers = self.answers(edits, picture, seed)?;
            let is_timed = self.views.reused() == reused;
            self.views.keep(self.events)?;
            for answer in answers {
                let edit = lookups.len();
                if let Some(reason) = answer.failure {
                    return Err(Error::Lookup { edit: self.config.edits[edit].to_string(), reason });
                }
                lookups.push(lookup(photograph, edit, answer, is_timed));
            }
            self.events.advance(edits.len());
            if self.events.is_cancelled() {
                return Err(Error::Interrupted);
            }
        }
        Ok(lookups)
    }

    fn answers(&mut self, edits: &[Edit], picture: &RgbImage, seed: u64) -> Result<Vec<Answer>> {
        let query = |edit: &Edit| match edit.apply(picture, seed) {
            Ok(copy) => Ok(Query::picture(copy)),
            Err(error) => Err(Error::Edit { edit: edit.to_string(), source: Box::new(error) }),
        };
        let queries = edits.par_iter().map(query).collect::<Result<Vec<_>>>()?;
        Ok(self.finder.find(&queries, &mut self.views)?)
    }
}

/// Returns the lookup of an answer, with its duration if it was timed.
fn lookup(photograph: &Photograph, edit: usize, answer: Answer, is_timed: bool) -> Lookup {
    let Answer { matches, looks, cells, comparisons, times, .. } = answer;
    let found = |found: &Match| FoundEntry {
        id: found.id,
        is_match: found.verdict == Verdict::Match,
        e_value: found.e_value,
        cosine: found.cosine,
        look: found.look.to_string(),
        inliers: found.comparison.as_ref().map(|comparison| comparison.inliers),
        is_related: photograph.related.contains(&found.id),
    };
    Lookup {
        photograph: 0,
        edit,
        right: photograph.right.clone(),
        found: matches.iter().map(found).collect(),
        looks,
        cells,
        comparisons,
        seconds: is_timed.then(|| (times.network + times.search + times.witness).as_secs_f64()),
    }
}

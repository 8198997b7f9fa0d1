//! The evaluation: stores references, and searches queries of which some have no match.

use std::num::NonZeroUsize;

use index::Index;

use super::{
    figures::{Meter, Sides},
    isc::{GroundTruth, Prediction},
    queries::{Queries, QueryImages, QuerySource},
    references::{References, nameless},
    search::{Background, Candidate, Candidates, Searcher},
};
use crate::{
    bootstrap::Bootstrap,
    edits::Edit,
    entry_names::EntryNames,
    error::{Error, Result},
    events::Task,
    pipeline::{Copies, End, ImageDescriptors, Pipeline, Subject},
};

/// Settings of a copy detection evaluation.
#[derive(Clone, Debug)]
pub struct Config {
    /// Edits of every image; [`Edit::Identity`] alone for queries that are searched as they are.
    pub edits: Vec<Edit>,
    /// Number of candidates of a query.
    pub k: NonZeroUsize,
    /// Number of cells that a search visits.
    pub nprobe: NonZeroUsize,
}

/// Queries and their candidates.
pub struct Findings {
    /// Entries that queries may be copies of.
    pub references: References,
    /// Images of the queries.
    pub subjects: Vec<Subject>,
    /// Queries whose images were all searched.
    pub queries: Queries,
    /// Candidates of the queries.
    pub candidates: Candidates,
    /// Number of entries of the index.
    pub entries: usize,
    /// End of the search.
    pub end: End,
}

impl Config {
    /// Evaluates queries against references. References that `names` does not name are added to the index. The codes of the
    /// index choose entries, whose descriptors rank them, see [`Ranked`](super::Ranked).
    ///
    /// Images that fail are reported and left out. An interrupted search returns the images that are finished.
    ///
    /// # Errors
    /// [`Error::Interrupted`] before the search begins, [`Error::NoQueryImages`], queries and references that do not fit
    /// together; those of the index, of the device and of the file of known descriptors.
    pub fn evaluate(
        &self,
        pipeline: &mut Pipeline<'_>,
        index: &mut Index,
        names: &EntryNames,
        references: Vec<Subject>,
        queries: QuerySource,
        background: Option<&Background>,
    ) -> Result<Findings> {
        let stored = References::store(index, names, &references, pipeline)?;
        let images = QueryImages::new(queries, references, &stored)?;
        let searcher = Searcher { index, references: &stored, k: self.k, nprobe: self.nprobe, background };
        let (mut queries, mut candidates) = (Queries::default(), Candidates::default());
        let mut take = |image: ImageDescriptors| {
            let photograph = images.enter(&image, &self.edits, &mut queries);
            searcher.search(image, photograph, &mut candidates)
        };
        let (subjects, readable) = (&images.subjects, &images.readable);
        let copies = Copies { edits: &self.edits, looks: 1 };
        let end = pipeline.run(Task::Searching, subjects, readable, copies, &mut take)?;
        if queries.all.is_empty() {
            return Err(Error::NoQueryImages { images: images.subjects.len() });
        }
        let entries = index.ntotal();
        Ok(Findings { references: stored, subjects: images.subjects, queries, candidates, entries, end })
    }
}

impl Findings {
    /// Measures both sides. `normalises` tells whether there was a background.
    ///
    /// # Errors
    /// [`Error::NoMatches`], [`Error::NoResamples`].
    pub fn figures(&self, edits: usize, normalises: bool, bootstrap: &Bootstrap) -> Result<Sides> {
        Meter { queries: &self.queries, bootstrap: *bootstrap, normalises }.sides(&self.candidates, edits)
    }

    /// Returns the matches of all queries as a table of ISC2021.
    pub fn ground_truth(&self) -> GroundTruth {
        let label = self.labeller();
        let mut truth = GroundTruth::default();
        for query in &self.queries.all {
            let names = query.matches.iter().map(|id| label(*id));
            truth.matches.entry(query.id.clone()).or_default().extend(names);
        }
        truth
    }

    /// Returns candidates as predictions of ISC2021, by normalised scores if there are any.
    pub fn predictions(&self, candidates: &[Candidate]) -> Vec<Prediction> {
        let label = self.labeller();
        let prediction = |candidate: &Candidate| {
            let (query, reference) = (self.queries.all[candidate.query].id.clone(), label(candidate.id));
            Prediction { query, reference, score: candidate.normalised.unwrap_or(candidate.score) }
        };
        candidates.iter().map(prediction).collect()
    }

    fn labeller(&self) -> impl Fn(i64) -> String + use<> {
        let labels = self.references.labels();
        move |id| labels.get(&id).cloned().unwrap_or_else(|| nameless(id))
    }
}

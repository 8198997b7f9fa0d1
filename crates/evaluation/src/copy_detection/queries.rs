//! Queries: images whose copies are searched, and the references that they match.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use super::{
    isc::GroundTruth,
    references::{References, distinct, stem},
};
use crate::{
    edits::Edit,
    error::{Error, Result},
    pipeline::{ImageDescriptors, Subject},
};

/// Origin of the queries.
#[derive(Clone, Debug)]
pub enum QuerySource {
    /// Edits of the references, and of distractors, images without a match.
    Edits {
        /// Files of the distractors.
        distractors: Vec<PathBuf>,
    },
    /// Images as they are, with their matches.
    Images {
        /// Files of the queries.
        queries: Vec<PathBuf>,
        /// Matches by name of the file.
        truth: GroundTruth,
    },
}

/// Images that queries are made of.
pub(super) struct QueryImages {
    pub subjects: Vec<Subject>,
    /// Numbers of the subjects that can be read, as far as known.
    pub readable: Vec<usize>,
    /// Names in tables, `[subjects]`.
    labels: Vec<String>,
    /// References of each subject, `[subjects]`.
    matches: Vec<Vec<i64>>,
    /// True if the subjects themselves are the queries, without edits.
    is_given: bool,
}

impl QueryImages {
    pub fn new(source: QuerySource, images: Vec<Subject>, references: &References) -> Result<Self> {
        match source {
            QuerySource::Edits { distractors } => Self::edited(images, distractors, references),
            QuerySource::Images { queries, truth } => Self::given(queries, references, &truth),
        }
    }

    /// Takes the references and the distractors, to be edited.
    fn edited(
        mut subjects: Vec<Subject>,
        distractors: Vec<PathBuf>,
        references: &References,
    ) -> Result<Self> {
        let canonical = |path: &Path| path.canonicalize().ok();
        let own: BTreeSet<PathBuf> =
            subjects.iter().filter_map(|subject| subject.original.path().and_then(canonical)).collect();
        if let Some(path) =
            distractors.iter().find(|path| canonical(path).is_some_and(|path| own.contains(&path)))
        {
            return Err(Error::DistractorIsReference { path: path.clone() });
        }
        let mut readable: Vec<usize> =
            (0..subjects.len()).filter(|&number| references.of(number).is_some()).collect();
        let mut matches: Vec<Vec<i64>> =
            (0..subjects.len()).map(|number| references.of(number).into_iter().collect()).collect();
        let first = subjects.len();
        subjects.extend(distractors.into_iter().map(Subject::of_file));
        matches.resize(subjects.len(), Vec::new());
        readable.extend(first..subjects.len());
        let names: Vec<String> = subjects.iter().map(|subject| stem(&subject.name)).collect();
        let labels = distinct(&names, 0..);
        Ok(Self { subjects, readable, labels, matches, is_given: false })
    }

    /// Takes queries as they are, with their matches by name.
    fn given(queries: Vec<PathBuf>, references: &References, truth: &GroundTruth) -> Result<Self> {
        let subjects: Vec<Subject> = queries.into_iter().map(Subject::of_file).collect();
        let ids = references.by_stem()?;
        let mut matches = Vec::with_capacity(subjects.len());
        let mut seen = HashMap::new();
        for subject in &subjects {
            let id = stem(&subject.name);
            if let Some(other) = seen.insert(id.clone(), subject.name.clone()) {
                return Err(Error::AmbiguousQuery { id, images: [subject.name.clone(), other] });
            }
            let names = truth.matches.get(&id).into_iter().flatten();
            let of = |name: &String| {
                ids.get(name.as_str()).copied().ok_or_else(|| Error::UnknownReference { name: name.clone() })
            };
            matches.push(names.map(of).collect::<Result<_>>()?);
        }
        let missing = truth.matches.iter().find(|(id, names)| !names.is_empty() && !seen.contains_key(*id));
        if let Some((id, _)) = missing {
            return Err(Error::UnknownQuery { id: id.clone() });
        }
        let labels = subjects.iter().map(|subject| stem(&subject.name)).collect();
        Ok(Self { readable: (0..subjects.len()).collect(), subjects, labels, matches, is_given: true })
    }

    /// Enters the queries of an image, and returns its number as a photograph.
    pub fn enter(&self, image: &ImageDescriptors, edits: &[Edit], queries: &mut Queries) -> usize {
        let name = &self.labels[image.number];
        let id = |edit: &Edit| if self.is_given { name.clone() } else { format!("{name}/{edit}") };
        queries.enter(image.number, edits.iter().map(id), &self.matches[image.number])
    }
}

/// All queries, photograph by photograph, each with all its edits.
#[derive(Debug, Default)]
pub struct Queries {
    /// The queries.
    pub all: Vec<Query>,
    /// Number of the subject of each photograph.
    pub photographs: Vec<usize>,
}

/// One query.
#[derive(Debug)]
pub struct Query {
    /// Id in the tables of ISC2021.
    pub id: String,
    /// Number of its photograph.
    pub photograph: usize,
    /// Number of its edit.
    pub edit: usize,
    /// Entries that it is a copy of.
    pub matches: Vec<i64>,
}

impl Queries {
    fn enter(&mut self, subject: usize, ids: impl Iterator<Item = String>, matches: &[i64]) -> usize {
        let photograph = self.photographs.len();
        self.photographs.push(subject);
        let query = |(edit, id)| Query { id, photograph, edit, matches: matches.to_vec() };
        self.all.extend(ids.enumerate().map(query));
        photograph
    }

    /// Returns the number of matching pairs among the queries of one edit, or among all.
    pub fn matches(&self, edit: Option<usize>) -> usize {
        let wanted = self.all.iter().filter(|query| edit.is_none_or(|edit| query.edit == edit));
        wanted.map(|query| query.matches.len()).sum()
    }

    /// Returns the number of matching pairs of each photograph.
    pub fn matches_of_photographs(&self) -> Vec<usize> {
        let mut counts = vec![0; self.photographs.len()];
        self.all.iter().for_each(|query| counts[query.photograph] += query.matches.len());
        counts
    }
}

//! The evaluation: describes originals, stores them, and searches their edited copies.

use std::{iter::repeat_n, num::NonZeroUsize};

use index::Index;
use serde::Serialize;

use super::{
    answers::Searcher,
    filled_index::{FilledIndex, check_cells},
    findings::Findings,
    variant::Variant,
};
use crate::{
    edits::Edit,
    entry_names::{EntryIds, EntryNames, check_names},
    error::{Error, Result},
    events::Task,
    pipeline::{Copies, End, ImageDescriptors, Original, Pipeline, Subject, released},
};

/// Settings of a retrieval evaluation.
#[derive(Clone, Debug)]
pub struct Config {
    /// Edits of every image.
    pub edits: Vec<Edit>,
    /// Numbers of cells to store each added original in; one variant for each number and each of `nprobes`.
    pub cells: Vec<NonZeroUsize>,
    /// Numbers of cells that a search visits.
    pub nprobes: Vec<NonZeroUsize>,
    /// Largest numbers of views of a copy that are searched, each entry at its least distance from any of them: 1 for the
    /// whole copy alone. One variant for each.
    pub looks: Vec<NonZeroUsize>,
    /// Entries that copies of released versions are searched by.
    pub stored: Stored,
}

/// Entries that copies of released versions are searched by. Copies of originals are searched by entries of originals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stored {
    /// Entries of the originals: the index exists before the release.
    Originals,
    /// Entries of the released versions: the index is filled after the release.
    Released,
}

impl Config {
    /// Checks that the index can store originals in several cells, if that is wanted, and holds none of them yet.
    ///
    /// # Errors
    /// [`Error::AlreadyStored`]; [`Error::Index`] from an index that cannot.
    pub fn check_cells<'a>(
        &self,
        index: &Index,
        names: &EntryNames,
        images: impl IntoIterator<Item = &'a str>,
    ) -> Result<()> {
        if self.cells.iter().all(|cells| cells.get() == 1) {
            return Ok(());
        }
        check_unknown(names, images)?;
        check_cells(index, &self.cells)
    }

    /// Checks that the index does not hold originals, if it is to store their released versions.
    ///
    /// # Errors
    /// [`Error::AlreadyStored`].
    pub fn check_stored<'a>(
        &self,
        names: &EntryNames,
        images: impl IntoIterator<Item = &'a str>,
    ) -> Result<()> {
        match self.stored {
            Stored::Originals => Ok(()),
            Stored::Released => check_unknown(names, images),
        }
    }

    /// Evaluates the subjects. Originals that `names` does not name are added to a copy of the index.
    ///
    /// Images that fail are reported and left out. An interrupted evaluation returns the images that are finished.
    ///
    /// # Errors
    /// Those of [`check_names`]; those of the index, of the device and of the file of known descriptors.
    pub fn evaluate(
        &self,
        pipeline: &mut Pipeline<'_>,
        index: Index,
        names: &EntryNames,
        subjects: &[Subject],
    ) -> Result<Findings> {
        check_names(names, subjects.iter().map(|subject| subject.name.as_str()))?;
        let (mut originals, end) = pipeline.originals(subjects)?;
        let entries = index.ntotal();
        let mut findings =
            Findings { answers: Vec::new(), variants: Vec::new(), distractors: entries, added: 0, end };
        if end == End::Interrupted || originals.is_empty() {
            return Ok(findings);
        }
        let ids = EntryIds::new(names);
        let filled = self.fill(&index, &ids, subjects, &originals)?;
        let by_released = match self.stored {
            Stored::Originals => None,
            Stored::Released => {
                let (released, end) = pipeline.originals(&released(subjects))?;
                if end == End::Interrupted || released.is_empty() {
                    return Ok(Findings { end, ..findings });
                }
                originals.retain(|original| released.iter().any(|other| other.number == original.number));
                Some(self.fill(&index, &ids, subjects, &released)?)
            }
        };
        drop(index);
        findings.variants = Variant::all(&filled, &self.looks, &self.nprobes);
        // Entries may have been removed whose names remain.
        findings.distractors = filled[0].index.ntotal().saturating_sub(filled[0].count);
        findings.added = filled[0].added;

        let numbers: Vec<usize> = originals.iter().map(|original| original.number).collect();
        let searcher = Searcher {
            filled: &filled,
            by_released: by_released.as_deref(),
            looks: &self.looks,
            nprobes: &self.nprobes,
        };
        let mut take = |image: ImageDescriptors| {
            findings.answers.push(searcher.answers(image)?);
            Ok(())
        };
        let most = self.looks.iter().max().map_or(1, |most| most.get());
        let copies = Copies { edits: &self.edits, looks: most };
        findings.end = pipeline.run(Task::Searching, subjects, &numbers, copies, &mut take)?;
        Ok(findings)
    }

    /// Stores the originals in copies of the index, one for each number of cells.
    fn fill(
        &self,
        index: &Index,
        ids: &EntryIds<'_>,
        subjects: &[Subject],
        originals: &[Original],
    ) -> Result<Vec<FilledIndex>> {
        let copies = repeat_n(index.clone(), self.cells.len()).zip(&self.cells);
        let fill = |(index, cells): (Index, &NonZeroUsize)| {
            FilledIndex::new(index, ids, subjects, originals, cells.get())
        };
        copies.map(fill).collect()
    }
}

/// Refuses images that the index has under their names.
fn check_unknown<'a>(names: &EntryNames, images: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let ids = EntryIds::new(names);
    match images.into_iter().find(|image| ids.id(image).is_some()) {
        Some(image) => Err(Error::AlreadyStored { image: image.to_owned() }),
        None => Ok(()),
    }
}

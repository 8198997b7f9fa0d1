//! View of a collection at one moment: open segments, entries in memory, and the withdrawn ones.

use std::{
    path::Path,
    sync::{Arc, PoisonError},
};

use half::f16;
use index::{EntryLists, FoundEntry, Index};
use rayon::prelude::*;
use rusqlite::Connection;

use super::{Folder, fresh_entries::FreshEntries};
use crate::{
    catalogue::{
        entries, fresh,
        segments::{self, SegmentRecord},
        settings::{LAYOUT, STATES},
    },
    error::{Error, Result},
    segment::Segment,
};

/// Attempts to open segments that a compaction replaces meanwhile.
const ATTEMPTS: usize = 8;

/// Numbers that tell whether something has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Versions {
    layout: i64,
    states: i64,
    /// Newest row of `fresh`; 0 without rows.
    sequence: i64,
}

/// Entries as they were when [`Versions`] were read. Shared by searches, and replaced when others have written.
#[derive(Clone)]
pub struct View {
    versions: Versions,
    pub segments: Vec<Arc<Segment>>,
    /// Segments that are left out, and why.
    pub damaged: Vec<String>,
    pub fresh: FreshEntries,
    /// Ids that searches pass over, ascending.
    pub withdrawn: Vec<i64>,
}

impl View {
    /// View of a collection without entries.
    pub fn empty(quantiser: &Index) -> Result<Self> {
        let fresh = FreshEntries::empty(quantiser)?;
        // No catalogue has this layout, so that the first refresh reads everything.
        let versions = Versions { layout: -1, ..Versions::default() };
        Ok(Self { versions, segments: Vec::new(), damaged: Vec::new(), fresh, withdrawn: Vec::new() })
    }

    /// Lists of the segments, then those of the entries in memory.
    pub fn parts(&self) -> impl Iterator<Item = &EntryLists> {
        self.segments.iter().map(|segment| &segment.lists).chain([&self.fresh.lists])
    }

    /// Number of entries, withdrawn ones among them.
    pub fn entries(&self) -> usize {
        self.parts().map(EntryLists::ntotal).sum()
    }

    /// Descriptor of an entry in the lists that [`Self::parts`] returns.
    pub fn descriptor(&self, found: &FoundEntry) -> &[f16] {
        match self.segments.get(found.part) {
            Some(segment) => segment.descriptors.row(segment.row(found)),
            None => self.fresh.descriptor(found),
        }
    }
}

impl Folder {
    /// Current view; reads what has changed since the last one.
    pub(super) fn refreshed(&self) -> Result<Arc<View>> {
        let connection = self.connection();
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.catalogue_path();
        if versions(&connection).map_err(Error::catalogue(&path))? != view.versions {
            self.update(&connection, Arc::make_mut(&mut view), &path)?;
        }
        Ok(view.clone())
    }

    fn update(&self, connection: &Connection, view: &mut View, path: &Path) -> Result<()> {
        for attempt in 1.. {
            let transaction = connection.unchecked_transaction().map_err(Error::catalogue(path))?;
            let now = versions(&transaction).map_err(Error::catalogue(path))?;
            if now.layout != view.versions.layout {
                let records = segments::all(&transaction).map_err(Error::catalogue(path))?;
                let (opened, missing, damaged) = self.open_segments(&view.segments, &records);
                if missing && attempt < ATTEMPTS {
                    // Replaced by a compaction since the transaction began.
                    continue;
                }
                (view.segments, view.damaged) = (opened, damaged);
                view.fresh = FreshEntries::empty(&self.quantiser)?;
                view.versions.sequence = 0;
            }
            self.append_fresh(&transaction, view, path)?;
            if now.states != view.versions.states || now.layout != view.versions.layout {
                view.withdrawn = entries::withdrawn(&transaction).map_err(Error::catalogue(path))?;
            }
            view.versions = now;
            break;
        }
        Ok(())
    }

    fn append_fresh(&self, connection: &Connection, view: &mut View, path: &Path) -> Result<()> {
        let code_size = self.quantiser.code_size();
        let mut outcome = Ok(());
        fresh::after(connection, view.versions.sequence, |row| {
            let pushed = view.fresh.push(&row, code_size);
            if outcome.is_ok() {
                outcome = pushed;
            }
        })
        .map_err(Error::catalogue(path))?;
        outcome.map_err(|error| Error::damaged(path, error))
    }

    /// Opens segments that are not open yet. Returns those that are sound, true if a file is missing, and what is wrong
    /// with the others.
    fn open_segments(
        &self,
        open: &[Arc<Segment>],
        records: &[SegmentRecord],
    ) -> (Vec<Arc<Segment>>, bool, Vec<String>) {
        let folder = self.segments_path();
        let opened: Vec<Result<Arc<Segment>>> = records
            .par_iter()
            .map(|record| match open.iter().find(|segment| segment.name == record.name) {
                Some(segment) => Ok(segment.clone()),
                None => Segment::open(&folder, record, &self.quantiser).map(Arc::new),
            })
            .collect();
        let missing = opened.iter().any(|opened| opened.as_ref().is_err_and(Error::is_missing));
        let (mut sound, mut damaged) = (Vec::new(), Vec::new());
        for opened in opened {
            match opened {
                Ok(segment) => sound.push(segment),
                Err(error) => damaged.push(format!("{error}; its entries are not found")),
            }
        }
        (sound, missing, damaged)
    }
}

fn versions(connection: &Connection) -> rusqlite::Result<Versions> {
    let sql =
        "SELECT (SELECT value FROM settings WHERE key = ?1), (SELECT value FROM settings WHERE key = ?2),
               (SELECT coalesce(max(sequence), 0) FROM fresh)";
    connection.prepare_cached(sql)?.query_row([LAYOUT, STATES], |row| {
        Ok(Versions { layout: row.get(0)?, states: row.get(1)?, sequence: row.get(2)? })
    })
}

//! An index, with the descriptors of its entries.

use std::{collections::HashSet, path::Path, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use collection::{Collection, Digest, NewEntry, Stored};
use image_file::path_text;
use index::{
    Index,
    npy::{self, Matrix},
};
use serde::Serialize;
use witness::Kind;

use crate::{
    args::Address,
    inputs,
    report::{Report, table::table},
    session::{Outcome, Session, interrupt::Watch, progress},
    side_files::{
        entry_ids,
        entry_names::{self, Names},
        extractor_record::{ExtractorRecord, Source},
        settled_read::open_with_names,
    },
    verbs::collection::create::create,
};

/// Rows that are committed together.
const BLOCK: usize = 8192;

/// Files that belong together.
pub struct IndexFiles<'a> {
    pub index: &'a Path,
    pub descriptors: &'a Path,
    /// Names of the entries, in place of those beside the index.
    pub names: Option<&'a Path>,
    /// Ids of the descriptors.
    pub ids: Option<&'a Path>,
}

/// Entries taken over.
#[derive(Serialize)]
struct ImportReport {
    collection: String,
    added: usize,
    /// Rows that are entries already.
    already: usize,
    /// Rows whose ids are not in the index, or that an interruption left.
    left: usize,
    /// True if the user ended the run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    interrupted: bool,
    /// Entries of the index without a descriptor.
    without_descriptor: usize,
    /// Entries whose ids others had.
    renumbered: Vec<Renumbered>,
}

#[derive(Serialize)]
struct Renumbered {
    /// Id in the index.
    from: i64,
    id: i64,
}

pub fn run(files: &IndexFiles, to: &Address, session: &Session) -> Result<Outcome> {
    let started = Instant::now();
    let device = session.device()?.device;
    let (index, names) = open_with_names(files.index, &device, session)?;
    let (source, descriptors) = (Source::index(files.index)?, Source::descriptors(files.descriptors)?);
    source.check(&descriptors, session)?;
    let record = source.record.or(descriptors.record);
    let rows = Rows::new(files, &index, names)?;
    rows.check_cells(&index, &device)?;
    let collection = match inputs::collection::open_if_there(to, &device)? {
        Some(collection) => checked(collection, files, &index, record.as_ref(), session)?,
        None => create(to, &index, record.as_ref(), Kind::default())?,
    };
    let report = rows.store(&collection, &device)?;
    inputs::collection::refit(&collection, session);

    report.notes(files, session);
    let seconds = started.elapsed().as_secs_f64();
    let report = Report::new(report).after(seconds);
    session.result(&report, || report.body.text(seconds))?;
    Ok(match report.body.interrupted {
        true => Outcome::Interrupted,
        false => Outcome::of(report.body.without_descriptor > 0),
    })
}

/// Checks that a collection takes the descriptors of the index's entries.
fn checked(
    collection: Collection,
    files: &IndexFiles,
    index: &Index,
    record: Option<&ExtractorRecord>,
    session: &Session,
) -> Result<Collection> {
    inputs::collection::note_warnings(&collection, session);
    let d = collection.description().d;
    ensure!(index.d() == d, "{}: expected dimension {d}, found {}", path_text(files.index), index.d());
    record.map_or(Ok(()), |record| inputs::collection::require_extractor(&collection, record))?;
    Ok(collection)
}

/// Rows of the descriptors, and the entries of the index that they belong to.
struct Rows<'a> {
    file: &'a Path,
    index: &'a Path,
    /// Id of each row; `None` for those that are passed over.
    ids: Vec<Option<i64>>,
    names: Names,
    /// Entries of the index without a row.
    without_descriptor: usize,
}

impl<'a> Rows<'a> {
    fn new(files: &IndexFiles<'a>, index: &Index, own: Names) -> Result<Self> {
        let (file, named) = (files.descriptors, files.index);
        let blocks = npy::read_blocks(file, BLOCK)?;
        let (n, d) = (blocks.n(), blocks.d());
        ensure!(d == index.d(), "{}: expected dimension {}, found {d}", path_text(file), index.d());
        let names = match files.names {
            Some(path) => entry_names::read(path)?,
            None => own,
        };
        let mut stored = index.ids();
        stored.sort_unstable();
        stored.dedup();
        let given = files.ids.map(|path| entry_ids::of_rows(path, n)).transpose()?;
        let ids = match given {
            Some(given) => given,
            None if stored.len() == n => stored.clone(),
            None if stored.last().is_none_or(|last| *last < n as i64) => (0..n as i64).collect(),
            None => bail!(
                "{}: has {n} rows, and {} has {} entries with ids up to {}: name the ids of the rows with --ids",
                path_text(file),
                path_text(named),
                stored.len(),
                stored.last().copied().unwrap_or_default()
            ),
        };
        let distinct: HashSet<i64> =
            ids.iter().copied().filter(|id| stored.binary_search(id).is_ok()).collect();
        let ids = ids.into_iter().map(|id| distinct.contains(&id).then_some(id)).collect();
        Ok(Self { file, index: named, ids, names, without_descriptor: stored.len() - distinct.len() })
    }

    /// Checks on the first rows that descriptors are in the cells in which the index has their ids.
    fn check_cells(&self, index: &Index, device: &Device) -> Result<()> {
        let Some(block) = npy::read_blocks(self.file, BLOCK)?.next() else { return Ok(()) };
        let block = block?;
        let first = &self.ids[..block.n];
        let ids: Vec<i64> = first.iter().copied().flatten().collect();
        let (Some(stored), Some(cells)) = (index.cells_of(&ids), index.cells(block.into_tensor(device))?)
        else {
            return Ok(());
        };
        let pairs = first.iter().zip(cells).filter_map(|(id, cell)| Some((stored.get(id.as_ref()?)?, cell)));
        let agree = pairs.filter(|(stored, cell)| stored.contains(&(*cell as usize))).count();
        ensure!(
            2 * agree >= ids.len(),
            "{}: only {agree} of {} descriptors are in the cells that {} has their ids in: name the ids of the rows with --ids",
            path_text(self.file),
            ids.len(),
            path_text(self.index)
        );
        Ok(())
    }

    /// Stores all rows that have an id, until the user presses Ctrl-C.
    fn store(&self, collection: &Collection, device: &Device) -> Result<ImportReport> {
        let (bar, watch) = (progress::bar(self.ids.len(), "importing"), Watch::start());
        let mut report = ImportReport {
            collection: collection.description().location.clone(),
            added: 0,
            already: 0,
            left: 0,
            interrupted: false,
            without_descriptor: self.without_descriptor,
            renumbered: Vec::new(),
        };
        let mut done = 0;
        for block in npy::read_blocks(self.file, BLOCK)? {
            let block = block?;
            let ids = &self.ids[done..done + block.n];
            done += block.n;
            self.store_block(&block, ids, collection, device, &mut report)
                .with_context(|| path_text(self.file))?;
            bar.set_position(done as u64);
            if watch.is_requested() {
                break;
            }
        }
        bar.finish_and_clear();
        report.left = self.ids.len() - report.added - report.already;
        report.interrupted = done < self.ids.len();
        Ok(report)
    }

    fn store_block(
        &self,
        block: &Matrix,
        ids: &[Option<i64>],
        collection: &Collection,
        device: &Device,
        report: &mut ImportReport,
    ) -> Result<()> {
        let rows = ids.iter().zip(block.values.chunks_exact(block.d));
        let rows: Vec<(i64, &[f32])> = rows.filter_map(|(id, row)| Some(((*id)?, row))).collect();
        let entry = |(id, row): &(i64, &[f32])| {
            let name = self.names.get(id).cloned();
            let name = name.unwrap_or_else(|| format!("{}:{id}", path_text(self.index)));
            NewEntry::added(name, Some(Digest::of_descriptor(row)))
        };
        let entries: Vec<NewEntry> = rows.iter().map(entry).collect();
        let (ids, values): (Vec<i64>, Vec<&[f32]>) = rows.into_iter().unzip();
        let matrix = Matrix { values: values.concat(), n: ids.len(), d: block.d };
        let stored = collection.store_under(&ids, &entries, matrix.into_tensor(device))?;
        for (from, stored) in ids.into_iter().zip(stored) {
            match stored {
                Stored::Known(_) => report.already += 1,
                Stored::New(id) | Stored::Completed(id) => {
                    report.added += 1;
                    report.renumbered.extend((id != from).then_some(Renumbered { from, id }));
                }
            }
        }
        Ok(())
    }
}

impl ImportReport {
    /// Says what differs from what the user may expect.
    fn notes(&self, files: &IndexFiles, session: &Session) {
        let index = path_text(files.index);
        if !self.renumbered.is_empty() {
            let count = self.renumbered.len();
            session.note(&format!("{index}: {count} ids were given already, so these entries have new ones"));
            let lines = self.renumbered.iter();
            lines.for_each(|Renumbered { from, id }| {
                session.detail(|| format!("{index}: {from} is now {id}"))
            });
        }
        if self.without_descriptor > 0 {
            session.failure(
                &index.to_string(),
                &format!("{} entries have no descriptor", self.without_descriptor),
            );
        }
        if self.left > 0 && !self.interrupted {
            let file = path_text(files.descriptors);
            session.note(&format!(
                "{file}: {} rows have ids that the index has not, and were left out",
                self.left
            ));
        }
    }

    fn text(&self, seconds: f64) -> String {
        let counts =
            [self.added, self.already, self.left, self.renumbered.len()].map(|count| count.to_string());
        let rest = [format!("{seconds:.1}"), self.collection.clone()];
        let row = table(
            &["added", "there already", "left out", "new ids", "seconds", "collection"],
            0,
            [counts.into_iter().chain(rest).collect()],
        );
        match self.interrupted {
            true => {
                format!("{row}\ninterrupted with {} left: run the same command again to go on", self.left)
            }
            false => row,
        }
    }
}

//! Collections: the rules that hold wherever entries are kept.

mod import;
mod lists;
mod reviews;

use std::path::Path;

use burn::tensor::{Device, Tensor};
use device_math::transfer::download;
pub use import::Imported;
use index::Index;

use crate::{
    engine::{Candidate, Description, Engine, Finding, Indexed, Info},
    entry::{Digest, Entry, NewEntry, State, Stored},
    error::{Error, Result},
    folder,
    listing::Filter,
};

/// Codes that are ranked by their descriptors for each match asked for.
const RANKED_PER_MATCH: usize = 10;
/// Least number of codes that are ranked.
const LEAST_RANKED: usize = 100;
/// Largest number of shares of one indexing.
const MOST_SHARES: u32 = 1 << 16;
/// Key of the text that names the extractor.
const EXTRACTOR: &str = "extractor";
/// Key of the calibration.
const CALIBRATION: &str = "calibration";
/// Key of the background of the calibration.
const BACKGROUND: &str = "background";
/// Beginning of the keys of records of runs.
const RUNS: &str = "runs/";

/// Settings of [`Collection::find`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindSettings {
    /// Largest number of matches of each query.
    pub k: usize,
    /// Cells that are searched for each query.
    pub nprobe: usize,
    /// Fields that matches must have.
    pub filter: Filter,
}

impl Default for FindSettings {
    fn default() -> Self {
        Self { k: 10, nprobe: 1, filter: Filter::default() }
    }
}

/// Released and added images, found again by their descriptors.
///
/// ```
/// use active_index_collection::{Collection, Digest, FindSettings, NewEntry};
/// use burn::tensor::{Device, Distribution, Tensor};
/// use index::{Index, TrainConfig};
///
/// let (folder, device) = (tempfile::tempdir()?, Device::flex());
/// let descriptors = Tensor::<2>::random([300, 32], Distribution::Normal(0.0, 1.0), &device);
/// let quantiser = Index::train(&"IVF8,PQ4".parse()?, descriptors.clone(), &TrainConfig::default())?;
///
/// let shop = Collection::create(&folder.path().join("shop"), &quantiser)?;
/// let entries: Vec<NewEntry> = (0..300).map(|i| NewEntry::added(format!("{i}.jpg"), None)).collect();
/// let stored = shop.store(&entries, descriptors.clone())?;
///
/// let query = descriptors.slice([7..8]);
/// let found = shop.find(query.clone(), &FindSettings::default())?;
/// assert_eq!(found[0][0].id, stored[7].id());
/// assert!(found[0][0].cosine > 0.999);
///
/// shop.withdraw(&[stored[7].id()])?;
/// let found = shop.find(query, &FindSettings::default())?;
/// assert!(found[0].iter().all(|found| found.id != stored[7].id()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Collection {
    engine: Box<dyn Engine>,
}

impl Collection {
    /// Creates a collection in a new or an empty folder, with the quantisers of an index: cells and codebook, fixed for
    /// its life. Entries of the index are not taken over.
    ///
    /// # Errors
    /// If the folder has content; if the index is no inverted file of lossy codes.
    pub fn create(path: &Path, quantiser: &Index) -> Result<Self> {
        Ok(Self::new(folder::create(path, quantiser, None)?))
    }

    /// Creates a collection as [`Self::create`] does, whose entries may have witnesses of one kind, fixed for its life. The
    /// kind is any text, which [`Description::witness_kind`] returns.
    ///
    /// # Errors
    /// The errors of [`Self::create`].
    pub fn create_with_witnesses(path: &Path, quantiser: &Index, kind: &str) -> Result<Self> {
        Ok(Self::new(folder::create(path, quantiser, Some(kind))?))
    }

    /// Opens the collection in a folder, with its quantiser on `device`. Where the medium cannot be written, it is open
    /// for reading.
    ///
    /// # Errors
    /// If the folder holds no collection, or one of a later version; a damaged catalogue or quantiser. Damaged segments
    /// are left out, see [`Self::warnings`].
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        Ok(Self::new(folder::open(path, device)?))
    }

    /// Collection on an engine of the caller's.
    pub fn new(engine: impl Engine + 'static) -> Self {
        Self { engine: Box::new(engine) }
    }

    /// Facts that never change.
    pub fn description(&self) -> &Description {
        self.engine.description()
    }

    /// The trained, empty index. Images are activated towards its targets.
    pub fn quantiser(&self) -> &Index {
        self.engine.quantiser()
    }

    /// Facts that a user should know: damaged segments that are left out, a network drive.
    pub fn warnings(&self) -> Vec<String> {
        self.engine.warnings()
    }

    /// Records the extractor of the descriptors if none is recorded, and returns the recorded one. Callers compare it with
    /// theirs: descriptors of two extractors mean nothing to each other.
    ///
    /// # Errors
    /// If the catalogue cannot be read or written.
    pub fn extractor(&self, own: &str) -> Result<String> {
        self.engine.setting_or(EXTRACTOR, own)
    }

    /// Recorded extractor of the descriptors, if there is one; see [`Self::extractor`].
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn recorded_extractor(&self) -> Result<Option<String>> {
        self.engine.setting(EXTRACTOR)
    }

    /// Stores entries with their descriptors `[n, d]`, all or none, and returns what became of each. They are found from
    /// then on by every process, and survive a power cut. An entry whose original is known is not stored again; if the
    /// known one is pending, it takes the new descriptor, fields and witness.
    ///
    /// # Errors
    /// A number of descriptors other than of entries, another dimension, a value that is not finite; a witness of more than
    /// [`WITNESS_BYTES`](crate::WITNESS_BYTES), or in a collection without witnesses; a collection that cannot be written.
    pub fn store(&self, entries: &[NewEntry], descriptors: Tensor<2>) -> Result<Vec<Stored>> {
        self.engine.store(entries, None, &self.rows(descriptors)?)
    }

    /// Stores entries as [`Self::store`] does, each under the id of `ids` in its place if that is at least 0 and no entry ever
    /// had it, else under a new id.
    ///
    /// # Errors
    /// The errors of [`Self::store`]; a number of ids other than of entries.
    pub fn store_under(
        &self,
        ids: &[i64],
        entries: &[NewEntry],
        descriptors: Tensor<2>,
    ) -> Result<Vec<Stored>> {
        if ids.len() != entries.len() {
            return Err(Error::argument("number of ids", entries.len(), ids.len()));
        }
        self.engine.store(entries, Some(ids), &self.rows(descriptors)?)
    }

    /// Records that the released files of pending entries are at their paths.
    ///
    /// # Errors
    /// If the collection cannot be written.
    pub fn mark_written(&self, ids: &[i64]) -> Result<()> {
        self.engine.mark_written(ids)
    }

    /// Entry of each original, live or withdrawn.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn known(&self, originals: &[Digest]) -> Result<Vec<Option<Entry>>> {
        self.engine.known(originals)
    }

    /// Entry of an original, live or withdrawn; `None` also if it is pending, and to be stored again.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn completed(&self, original: &Digest) -> Result<Option<Entry>> {
        let known = self.known(std::slice::from_ref(original))?.pop().flatten();
        Ok(known.filter(|entry| !entry.pending))
    }

    /// Finds the entries nearest to each of `queries` `[n, d]`, by the cosines of their descriptors, the largest first:
    /// at most `k` rows a query. The `max(10 k, 100)` nearest codes of the `nprobe` nearest cells are compared.
    ///
    /// # Errors
    /// `k` or `nprobe` is 0, a different dimension, a value that is not finite; a catalogue that cannot be read.
    pub fn find(&self, queries: Tensor<2>, settings: &FindSettings) -> Result<Vec<Vec<Candidate>>> {
        let FindSettings { k, nprobe, ref filter } = *settings;
        if k == 0 {
            return Err(Error::argument("k", "at least 1", k));
        }
        // In this order, so that the rows are not copied once more.
        let probed = self.quantiser().probe(queries.clone(), nprobe)?;
        let rows = self.rows(queries)?;
        let compared = k.saturating_mul(RANKED_PER_MATCH).max(LEAST_RANKED);
        self.engine.nearest(&probed, &rows, compared, k, filter)
    }

    /// Takes entries out of the answers: all, or none.
    ///
    /// # Errors
    /// An unknown id; an entry that was dropped.
    pub fn withdraw(&self, ids: &[i64]) -> Result<()> {
        self.engine.set_state(ids, State::Withdrawn)
    }

    /// Puts withdrawn entries back into the answers: all, or none.
    ///
    /// # Errors
    /// An unknown id; an entry that was dropped by a compaction.
    pub fn restore(&self, ids: &[i64]) -> Result<()> {
        self.engine.set_state(ids, State::Live)
    }

    /// Id of the entry that a user names by its id or by its name, if only one has that name.
    ///
    /// # Errors
    /// [`Error::UnknownEntry`], [`Error::AmbiguousName`].
    pub fn id_of(&self, id_or_name: &str) -> Result<i64> {
        let named = self.engine.ids_of_name(id_or_name)?;
        match *named {
            [id] => return Ok(id),
            [] => {}
            _ => return Err(Error::AmbiguousName { name: id_or_name.to_owned(), ids: named }),
        }
        let unknown = || Error::UnknownEntry(id_or_name.to_owned());
        let id = id_or_name.parse().map_err(|_| unknown())?;
        self.entry(id)?.map(|entry| entry.id).ok_or_else(unknown)
    }

    /// Entry of an id.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn entry(&self, id: i64) -> Result<Option<Entry>> {
        Ok(self.engine.entries(&[id])?.pop().flatten())
    }

    /// Entry of each id.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn entries(&self, ids: &[i64]) -> Result<Vec<Option<Entry>>> {
        self.engine.entries(ids)
    }

    /// Descriptor of an entry that is not dropped: `[d]`.
    ///
    /// # Errors
    /// An unknown id; a collection that cannot be read.
    pub fn descriptor(&self, id: i64) -> Result<Vec<f32>> {
        self.engine.descriptor(id)
    }

    /// Ids and descriptors `[d]` of at most `n` live entries, drawn by a seed. The draw depends on the ids alone: it is the
    /// same whatever the segments are, and that of a smaller `n` is the first part of that of a larger one.
    ///
    /// # Errors
    /// A collection that cannot be read.
    pub fn sample(&self, n: usize, seed: u64) -> Result<Vec<(i64, Vec<f32>)>> {
        self.engine.sample(n, seed)
    }

    /// Witness of each id; `None` for an entry without one, and for an unknown id.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn witnesses(&self, ids: &[i64]) -> Result<Vec<Option<Vec<u8>>>> {
        self.engine.witnesses(ids)
    }

    /// Number of entries that have a witness.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn witness_count(&self) -> Result<u64> {
        self.engine.witness_count()
    }

    /// Text of the calibration that was kept last, by any process.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn calibration(&self) -> Result<Option<String>> {
        self.engine.setting(CALIBRATION)
    }

    /// Keeps a calibration, a text of the caller's, in the place of the one before. Every process reads it from then on.
    ///
    /// # Errors
    /// If the collection cannot be written.
    pub fn set_calibration(&self, calibration: &str) -> Result<()> {
        self.engine.set_setting(CALIBRATION, calibration)
    }

    /// Text of the background that the calibration was fitted to, if one is kept.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn background(&self) -> Result<Option<String>> {
        self.engine.setting(BACKGROUND)
    }

    /// Keeps the background of a calibration, a text of the caller's, in the place of the one before.
    ///
    /// # Errors
    /// If the collection cannot be written.
    pub fn set_background(&self, background: &str) -> Result<()> {
        self.engine.set_setting(BACKGROUND, background)
    }

    /// Records that runs keep of their progress, texts of the caller's, with their names, ascending.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn run_records(&self) -> Result<Vec<(String, String)>> {
        let records = self.engine.settings_of(RUNS)?.into_iter();
        Ok(records.map(|(key, record)| (key[RUNS.len()..].to_owned(), record)).collect())
    }

    /// Keeps a record of a run, in the place of the one of that name before. A name has letters, digits, `.`, `-`, `_` and `/`.
    ///
    /// # Errors
    /// If the collection cannot be written.
    pub fn set_run_record(&self, name: &str, record: &str) -> Result<()> {
        self.engine.set_setting(&format!("{RUNS}{name}"), record)
    }

    /// Number of live entries that [`Self::find`] compares; those of damaged segments are not among them.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn searchable(&self) -> Result<u64> {
        self.engine.searchable()
    }

    /// Numbers and sizes.
    ///
    /// # Errors
    /// If the collection cannot be read.
    pub fn info(&self) -> Result<Info> {
        self.engine.info()
    }

    /// Reads everything, compares it with its hashes and counts, and returns what is wrong. `progress` is told what is
    /// being read.
    ///
    /// # Errors
    /// If the catalogue cannot be read at all.
    pub fn check(&self, progress: &mut dyn FnMut(&str)) -> Result<Vec<Finding>> {
        self.engine.check(progress)
    }

    /// Sets the number of entries from which a segment is made of them in the background: 16,384 unless set.
    ///
    /// # Errors
    /// If the collection cannot be written.
    pub fn set_segment_entries(&self, entries: usize) -> Result<()> {
        self.engine.set_setting(folder::SEGMENT_KEY, &entries.max(1).to_string())
    }

    /// Makes a segment of one of `of` shares of the entries that no segment has: those that searches compare one by one. Any
    /// number of machines make the shares at a time, each with the same `of`, and the one that makes the last of them puts all
    /// into use. A share that is made again, or whose machine died, changes nothing. Shares are numbered from 0, and 0 of 1 is
    /// all entries.
    ///
    /// # Errors
    /// A share that is not below `of`; more than 65,536 shares; more than one share of a collection in a folder, which one machine keeps; a collection
    /// that cannot be written.
    pub fn index(&self, share: u32, of: u32) -> Result<Indexed> {
        if !(1..=MOST_SHARES).contains(&of) {
            return Err(Error::argument("number of shares", format!("from 1 to {MOST_SHARES}"), of));
        }
        if share >= of {
            return Err(Error::argument("share", format!("below {of}"), share));
        }
        self.engine.index(share, of)
    }

    /// Merges all entries into one segment and drops those that are withdrawn. Others read and write meanwhile.
    ///
    /// # Errors
    /// A damaged segment; a collection that cannot be written.
    pub fn compact(&self) -> Result<()> {
        self.engine.compact()
    }

    /// One index of all live entries under their ids, which faiss reads when it is written.
    ///
    /// # Errors
    /// A damaged segment.
    pub fn export(&self) -> Result<Index> {
        self.engine.export()
    }

    /// Reads descriptors of the collection's dimension from any device.
    fn rows(&self, descriptors: Tensor<2>) -> Result<Vec<f32>> {
        let (d, [_, found]) = (self.description().d, descriptors.dims());
        if found != d {
            return Err(Error::argument("dimension of the descriptors", d, found));
        }
        Ok(download(descriptors)?)
    }
}

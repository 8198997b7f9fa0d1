//! The trait between a collection and the place where it is kept, and what every place does alike.

pub mod shared;

use index::{Index, ProbedVectors};

use crate::{
    entry::{Digest, Entry, Meta, NewEntry, State, Stored},
    error::Result,
    kept::{EncodedEntry, KeptEntry, KeptReview},
    listing::{Count, Day, Filter, Listing, Page, Selection},
    review::{AddedReview, Decision, Decisions, NewReview, Review, ReviewCounts, ReviewPage},
};

/// Facts of a collection that never change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Path or address of the collection.
    pub location: String,
    /// Dimension of the descriptors.
    pub d: usize,
    /// Factory string of the quantiser.
    pub factory: String,
    /// SHA-256 of the quantiser's file, in hexadecimal digits.
    pub fingerprint: String,
    /// Kind of the witnesses that entries are stored with, in words of the caller's; `None` for a collection without
    /// witnesses.
    pub witness_kind: Option<String>,
}

/// Live entry near a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Id of the entry.
    pub id: i64,
    /// Distance of the query and the entry's code, as the quantiser measures it.
    pub distance: f32,
    /// Cosine of the query and the entry's descriptor.
    pub cosine: f32,
}

/// Share that a machine has indexed of the entries that no segment had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Indexed {
    /// Entries of the share.
    pub entries: u64,
    /// Shares that are not made yet, ascending; once there is none, all are in use.
    pub waiting: Vec<u32>,
}

/// Numbers and sizes of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Info {
    /// Live entries.
    pub live: u64,
    /// Withdrawn entries.
    pub withdrawn: u64,
    /// Withdrawn entries whose descriptors a compaction has dropped.
    pub dropped: u64,
    /// Entries whose released file was not yet at its path when its writer was last heard of.
    pub pending: u64,
    /// Segments.
    pub segments: usize,
    /// Entries that are in no segment yet.
    pub fresh: usize,
    /// Entries that have a witness.
    pub witnesses: u64,
    /// Bytes of the witnesses.
    pub witness_bytes: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Reviews by their decisions.
    pub reviews: Decisions,
}

/// Damage that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// File, or part of the catalogue.
    pub place: String,
    /// Damage in words.
    pub reason: String,
}

/// Place where a collection is kept. Calls come from any thread; other processes read and write at the same time.
pub trait Engine: Send + Sync {
    /// Facts that never change.
    fn description(&self) -> &Description;

    /// The trained, empty index.
    fn quantiser(&self) -> &Index;

    /// Facts that a user should know: damaged parts that are left out, media on which promises do not hold.
    fn warnings(&self) -> Vec<String>;

    /// Stores entries with their descriptors `[n, d]`, all or none, and returns what became of each. They are found
    /// from then on by this process, by others within a second, and survive a power cut. An entry whose original is known is not stored again;
    /// if the known one is pending, it takes the new descriptor, fields and witness. A new entry takes the id of `wanted` in
    /// its place if that is at least 0 and no entry ever had it.
    ///
    /// # Errors
    /// A number of values other than `n * d`; a value that is not finite; a witness that is too large, or in a collection
    /// without witnesses; a place that cannot be written.
    fn store(&self, entries: &[NewEntry], wanted: Option<&[i64]>, descriptors: &[f32])
    -> Result<Vec<Stored>>;

    /// Records that the released files of pending entries are at their paths.
    fn mark_written(&self, ids: &[i64]) -> Result<()>;

    /// Entry of each original, live or withdrawn.
    fn known(&self, originals: &[Digest]) -> Result<Vec<Option<Entry>>>;

    /// The `k` live entries of the largest cosines among the `compared` that pass `filter` and have the nearest codes in the
    /// visited cells of each probed query, the largest first. `queries` are those of `probed`, `[n, d]`.
    fn nearest(
        &self,
        probed: &ProbedVectors,
        queries: &[f32],
        compared: usize,
        k: usize,
        filter: &Filter,
    ) -> Result<Vec<Vec<Candidate>>>;

    /// Entry of each id.
    fn entries(&self, ids: &[i64]) -> Result<Vec<Option<Entry>>>;

    /// Ids of the entries of a name, live or withdrawn, ascending.
    fn ids_of_name(&self, name: &str) -> Result<Vec<i64>>;

    /// Entries of a page, of which at most `visits` rows are read: it may be shorter than its limit, and the list goes on.
    /// Searches do not wait for it.
    fn listing(&self, page: &Page, visits: u64) -> Result<Listing>;

    /// Number of selected entries, of which at most `visits` rows are read; without a condition on fields or names, no row is
    /// read.
    fn count(&self, selection: &Selection, visits: u64) -> Result<Count>;

    /// Numbers of the entries of each day on which one was stored, ascending.
    fn days(&self) -> Result<Vec<Day>>;

    /// Changes fields of an entry: a null removes a field, any other value takes its place. Returns the entry as it is then.
    ///
    /// # Errors
    /// An unknown id; fields of more than [`META_BYTES`](crate::META_BYTES).
    fn set_meta(&self, id: i64, changes: &Meta) -> Result<Entry>;

    /// Withdraws or restores entries: all, or none.
    ///
    /// # Errors
    /// An unknown id; an entry that was dropped.
    fn set_state(&self, ids: &[i64], state: State) -> Result<()>;

    /// Number of live entries that a search compares; those of damaged segments are not among them.
    fn searchable(&self) -> Result<u64>;

    /// Numbers and sizes.
    fn info(&self) -> Result<Info>;

    /// Reads everything, compares it with its hashes and counts, and returns what is wrong. `progress` is told what is
    /// being read.
    fn check(&self, progress: &mut dyn FnMut(&str)) -> Result<Vec<Finding>>;

    /// Makes a segment of one of `of` shares of the entries that no segment has, numbered from 0. Machines make the shares, and the
    /// one that makes the last of them puts all into use; 0 of 1 is all entries.
    ///
    /// # Errors
    /// More than one share where one machine keeps the collection.
    fn index(&self, share: u32, of: u32) -> Result<Indexed>;

    /// Merges all entries into one segment and drops those that are withdrawn.
    fn compact(&self) -> Result<()>;

    /// One index of all live entries.
    fn export(&self) -> Result<Index>;

    /// Descriptor of an entry that is not dropped: `[d]`.
    fn descriptor(&self, id: i64) -> Result<Vec<f32>>;

    /// Ids and descriptors `[d]` of at most `n` live entries, drawn by a seed whatever the segments are.
    fn sample(&self, n: usize, seed: u64) -> Result<Vec<(i64, Vec<f32>)>>;

    /// Witness of each id; `None` for an entry without one, and for an unknown id.
    fn witnesses(&self, ids: &[i64]) -> Result<Vec<Option<Vec<u8>>>>;

    /// Cell, code and descriptor of each id; `None` for a dropped entry, and for an unknown id.
    ///
    /// # Errors
    /// A damaged part; a place that cannot be read.
    fn encoded(&self, ids: &[i64]) -> Result<Vec<Option<EncodedEntry>>>;

    /// Takes over entries that a collection with an equal quantiser keeps, all or none, and returns what became of each. They keep
    /// states, times, cells, codes and descriptors, and their ids where no entry has these. Known is an entry whose original
    /// belongs to one that is not dropped, and one without an original if the entry of its id has its name and no original; a known
    /// one that is pending is completed as [`Self::store`] does. Of a dropped entry only its row is kept, if its id is free;
    /// otherwise it is returned as known.
    ///
    /// # Errors
    /// The errors of [`Self::store`]; a cell or a code that is none of the quantiser's.
    fn take_over(&self, entries: &[KeptEntry]) -> Result<Vec<Stored>>;

    /// Number of entries that have a witness.
    fn witness_count(&self) -> Result<u64>;

    /// Adds a review, unless the query was reviewed for the entry before. It survives a power cut.
    ///
    /// # Errors
    /// An unknown entry; a field that is too large or no number; too many reviews that wait.
    fn add_review(&self, review: &NewReview) -> Result<AddedReview>;

    /// Decides a review, or takes its decision back, and returns it as it was before. It survives a power cut.
    ///
    /// # Errors
    /// An unknown id; a name that is too long.
    fn decide(&self, id: i64, decision: Decision, by: Option<&str>) -> Result<Review>;

    /// Takes over reviews of another collection, all or none, and returns what became of each. They keep times and decisions, and
    /// their ids where no review has these. One that is known by its query and its entry takes the decision if it has none.
    ///
    /// # Errors
    /// The errors of [`Self::add_review`] and [`Self::decide`].
    fn take_over_reviews(&self, reviews: &[KeptReview]) -> Result<Vec<AddedReview>>;

    /// Review of an id.
    fn review(&self, id: i64) -> Result<Option<Review>>;

    /// Picture of a review's query, if one is kept.
    fn review_picture(&self, id: i64) -> Result<Option<Vec<u8>>>;

    /// Reviews of a page.
    fn reviews(&self, page: &ReviewPage) -> Result<Vec<Review>>;

    /// Numbers of reviews by verdict and decision.
    fn review_counts(&self) -> Result<ReviewCounts>;

    /// Keeps a text under a key.
    fn set_setting(&self, key: &str, value: &str) -> Result<()>;

    /// Keeps a text under a key unless one is kept already, and returns the one that is kept.
    fn setting_or(&self, key: &str, value: &str) -> Result<String>;

    /// Text kept under a key.
    fn setting(&self, key: &str) -> Result<Option<String>>;

    /// Keys that begin with `prefix`, ascending, and the texts kept under them.
    fn settings_of(&self, prefix: &str) -> Result<Vec<(String, String)>>;
}

//! Lists of entries: selections, pages, and counts.

use crate::entry::{Entry, State};

/// Fields that entries must have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Names of fields and their values as text; all must agree.
    pub fields: Vec<(String, String)>,
}

impl Filter {
    /// Returns true if all entries pass.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// Order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// Ascending ids: in the order in which entries were stored, unless they kept ids of their own.
    #[default]
    OldestFirst,
    /// Descending ids.
    NewestFirst,
}

/// Condition on names. Letters of ASCII are compared without their case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameFilter {
    /// Names that begin with a text.
    Prefix(String),
    /// Names that contain a text.
    Part(String),
}

/// Entries that a list shows; all of them by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// State of the entries; `None` for any.
    pub state: Option<State>,
    /// Fields of the entries.
    pub filter: Filter,
    /// Names of the entries; `None` for any.
    pub name: Option<NameFilter>,
}

impl Selection {
    /// Returns true if entries are selected by nothing but their state.
    pub fn is_by_state(&self) -> bool {
        self.filter.is_empty() && self.name.is_none()
    }
}

/// Part of a list of entries.
///
/// A list that is read page by page, each after the last id of the page before, shows every entry at most once, and every
/// entry that is selected all the while exactly once, whatever is stored meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Entries of the list.
    pub selection: Selection,
    /// Order of the list.
    pub order: Order,
    /// Id after which the page begins, in the order of the list; `None` for the first page.
    pub after: Option<i64>,
    /// Largest number of entries.
    pub limit: usize,
}

/// Entries of a page, and the place at which the next one begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// Entries in the order of the list.
    pub entries: Vec<Entry>,
    /// Id after which to go on; `None` at the end of the list.
    pub next: Option<i64>,
}

/// Number of selected entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Entries that were counted.
    pub entries: u64,
    /// True if all are counted; false if the bound on visits came first, and there may be more.
    pub is_exact: bool,
}

/// Numbers of the entries that were stored on one day, by their states now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Day {
    /// Days since 1970, in UTC.
    pub day: i64,
    /// Live entries.
    pub live: u64,
    /// Withdrawn entries.
    pub withdrawn: u64,
    /// Withdrawn entries that a compaction has dropped.
    pub dropped: u64,
}

impl Day {
    /// Number of entries of all states.
    pub fn stored(&self) -> u64 {
        self.live + self.withdrawn + self.dropped
    }

    /// Number of entries of a state.
    pub fn of(&self, state: State) -> u64 {
        match state {
            State::Live => self.live,
            State::Withdrawn => self.withdrawn,
            State::Dropped => self.dropped,
        }
    }

    pub(crate) fn add(&mut self, state: State, entries: u64) {
        *match state {
            State::Live => &mut self.live,
            State::Withdrawn => &mut self.withdrawn,
            State::Dropped => &mut self.dropped,
        } += entries;
    }
}

//! Lists of entries: selections, pages, and counts.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::entry::{Entry, Meta, State};

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

    /// Returns true for an entry with the fields `meta`. Values are compared as text: a text as it is, an integer in decimal
    /// digits, any other number in the fewest digits that tell it from others, arrays and objects as JSON. Nothing equals null.
    ///
    /// ```
    /// use active_index_collection::{Filter, Meta};
    ///
    /// let fields = vec![("year".to_owned(), "2021".to_owned()), ("price".to_owned(), "0.5".to_owned())];
    /// let meta: Meta = serde_json::from_str(r#"{"year":2021,"price":0.5,"sold":true}"#)?;
    /// assert!(Filter { fields }.accepts(&meta));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn accepts(&self, meta: &Meta) -> bool {
        let has =
            |(key, value): &(String, String)| meta.get(key).and_then(text).is_some_and(|own| own == *value);
        self.fields.iter().all(has)
    }
}

/// Text of a value; `None` for null.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    Some(match value {
        Value::Null => return None,
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(number) => Cow::Owned(number_text(number)),
        value => Cow::Owned(value.to_string()),
    })
}

fn number_text(number: &Number) -> String {
    match (number.as_i64(), number.as_f64()) {
        (Some(integer), _) => integer.to_string(),
        (None, Some(real)) => real_text(real),
        (None, None) => number.to_string(),
    }
}

/// Text of a number in its fewest digits, in the form of SQLite's: `%!.17g` of C, with a digit behind the point in any case.
fn real_text(real: f64) -> String {
    let scientific = format!("{:e}", real.abs());
    let (mantissa, exponent) = scientific.split_once('e').expect("the format has an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    let digits = mantissa.replace('.', "");
    let sign = if real < 0.0 { "-" } else { "" };
    if !(-4..17).contains(&exponent) {
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}.{rest}e{direction}{:02}", exponent.abs());
    }
    let digits = "0".repeat(exponent.min(0).unsigned_abs() as usize) + &digits;
    let all = format!("{digits:0<width$}", width = exponent.max(0) as usize + 2);
    let (whole, rest) = all.split_at(exponent.max(0) as usize + 1);
    format!("{sign}{whole}.{rest}")
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

impl NameFilter {
    /// Returns true for an entry of this name.
    pub fn accepts(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        match self {
            Self::Prefix(text) => name.starts_with(&text.to_ascii_lowercase()),
            Self::Part(text) => name.contains(&text.to_ascii_lowercase()),
        }
    }
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

    /// Adds entries of a state.
    pub fn add(&mut self, state: State, entries: u64) {
        *match state {
            State::Live => &mut self.live,
            State::Withdrawn => &mut self.withdrawn,
            State::Dropped => &mut self.dropped,
        } += entries;
    }
}

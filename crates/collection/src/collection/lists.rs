//! Lists of a collection's entries, their counts, and changes of fields.

use super::Collection;
use crate::{
    entry::{Entry, Meta},
    error::Result,
    listing::{Count, Day, Listing, Page, Selection},
};

impl Collection {
    /// Entries of a page. Rows are read until the page is full or the list ends, a few thousand at a time.
    ///
    /// ```
    /// # use active_index_collection::Result;
    /// use active_index_collection::{Collection, NameFilter, Order, Page, Selection, State};
    ///
    /// fn newest_photographs(shop: &Collection) -> Result<Vec<String>> {
    ///     let name = Some(NameFilter::Part(".jpg".to_owned()));
    ///     let selection = Selection { state: Some(State::Live), name, ..Selection::default() };
    ///     let page = Page { selection, order: Order::NewestFirst, limit: 50, ..Page::default() };
    ///     Ok(shop.page(&page)?.into_iter().map(|entry| entry.name).collect())
    /// }
    /// ```
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn page(&self, page: &Page) -> Result<Vec<Entry>> {
        Ok(self.engine.listing(page, u64::MAX)?.entries)
    }

    /// Entries of a page, of which at most `visits` rows are read: it may be shorter than its limit, or empty, and the list
    /// goes on at [`Listing::next`]. Searches do not wait for it.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn listing(&self, page: &Page, visits: u64) -> Result<Listing> {
        self.engine.listing(page, visits)
    }

    /// Number of selected entries. Without a condition on fields or names no row is read, and the count is exact; else at
    /// most `visits` rows are.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn count(&self, selection: &Selection, visits: u64) -> Result<Count> {
        self.engine.count(selection, visits)
    }

    /// Numbers of the entries of each day on which one was stored, ascending, read without a look at the entries.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn days(&self) -> Result<Vec<Day>> {
        self.engine.days()
    }

    /// Changes fields of an entry: a null removes a field, any other value takes its place. Returns the entry as it is then.
    ///
    /// # Errors
    /// [`Error::UnknownEntry`](crate::Error::UnknownEntry); fields of more than [`META_BYTES`](crate::META_BYTES) together; a
    /// collection that cannot be written.
    pub fn set_meta(&self, id: i64, changes: &Meta) -> Result<Entry> {
        self.engine.set_meta(id, changes)
    }
}

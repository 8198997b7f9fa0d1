//! Content of the status page.

use std::{sync::Arc, time::Instant};

use collection::{Day, Info, Order, Page};
use find::Finder;

use super::seen::{Seen, read};
use crate::{api::reviews::ReviewCountsAnswer, problem::Problem, served::Served};

/// State of a collection.
pub struct Content {
    pub name: String,
    pub factory: String,
    pub d: usize,
    pub witnesses: Option<String>,
    pub info: Info,
    /// Time at which the newest entry was stored.
    pub newest: Option<i64>,
    /// Seconds that it took just now to make all entries searchable.
    pub searchable_after: f64,
    pub entries: u64,
    /// Number of warnings, which the log has.
    pub warnings: usize,
    /// Entries by the days on which they were stored.
    pub days: Vec<Day>,
    pub finder: Arc<Finder<'static>>,
    pub reviews: ReviewCountsAnswer,
    /// Decisions of people, by E-values.
    pub seen: Vec<Seen>,
}

impl Content {
    pub fn read(served: &Served) -> Result<Self, Problem> {
        let collection = served.collection();
        let started = Instant::now();
        let entries = collection.searchable()?;
        let searchable_after = started.elapsed().as_secs_f64();
        let newest = Page { order: Order::NewestFirst, limit: 1, ..Page::default() };
        let description = collection.description();
        Ok(Self {
            name: served.name().to_owned(),
            factory: description.factory.clone(),
            d: description.d,
            witnesses: description.witness_kind.clone(),
            info: collection.info()?,
            newest: collection.page(&newest)?.first().map(|entry| entry.added),
            searchable_after,
            entries,
            warnings: collection.warnings().len(),
            days: collection.days()?,
            finder: served.finder(),
            reviews: ReviewCountsAnswer::of(served)?,
            seen: read(collection)?,
        })
    }
}

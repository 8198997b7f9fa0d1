//! Collections that finders look in, borrowed or shared.

use std::{ops::Deref, sync::Arc};

use collection::Collection;

/// Collection that a [`Finder`](crate::Finder) looks in: borrowed, or shared with its other owners.
#[derive(Clone)]
pub enum Source<'a> {
    /// Borrowed for the life of the finder.
    Borrowed(&'a Collection),
    /// Shared, so that the finder lives as long as it is wanted.
    Shared(Arc<Collection>),
}

impl Deref for Source<'_> {
    type Target = Collection;

    fn deref(&self) -> &Collection {
        match self {
            Self::Borrowed(collection) => collection,
            Self::Shared(collection) => collection,
        }
    }
}

impl<'a> From<&'a Collection> for Source<'a> {
    fn from(collection: &'a Collection) -> Self {
        Self::Borrowed(collection)
    }
}

impl From<Arc<Collection>> for Source<'_> {
    fn from(collection: Arc<Collection>) -> Self {
        Self::Shared(collection)
    }
}

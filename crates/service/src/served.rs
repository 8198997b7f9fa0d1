//! Collections that are served, each opened once.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use collection::Collection;
use find::Finder;

use crate::{
    error::{Error, Result},
    jobs::Jobs,
};

/// Largest number of characters of a name.
const NAME_LENGTH: usize = 64;

/// Collection with its name in the API, and the finder that all lookups share.
pub struct Served {
    name: String,
    collection: Arc<Collection>,
    finder: RwLock<Arc<Finder<'static>>>,
    /// Held while an entry is compared with what a caller knows of it, and changed.
    pub(crate) change: Mutex<()>,
    jobs: Option<Arc<Jobs>>,
}

impl Served {
    /// Serves an open collection under a name.
    ///
    /// # Errors
    /// [`Error::Name`]; a collection or a calibration that cannot be read.
    pub fn new(name: impl Into<String>, collection: Arc<Collection>) -> Result<Self> {
        let name = name.into();
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.len() > NAME_LENGTH || !name.chars().all(is_allowed) {
            return Err(Error::Name(name));
        }
        let finder = Finder::new(collection.clone(), find::Settings::default())?;
        let finder = RwLock::new(Arc::new(finder));
        Ok(Self { name, collection, finder, change: Mutex::new(()), jobs: None })
    }

    /// Also releases pictures into the collection: uploads and released files are in a folder, which is created if
    /// necessary. What an earlier service accepted there and did not release waits again.
    ///
    /// # Errors
    /// [`Error::Releases`]
    pub fn releasing_into(self, folder: &Path) -> Result<Self> {
        let jobs = Jobs::new(folder).map_err(Error::Releases)?;
        Ok(Self { jobs: Some(Arc::new(jobs)), ..self })
    }

    /// Takes in the jobs of an earlier service, unless another one works on them.
    ///
    /// # Errors
    /// [`Error::Releases`]
    pub(crate) fn open_jobs(&self) -> Result<()> {
        let Some(jobs) = &self.jobs else { return Ok(()) };
        if !jobs.open().map_err(Error::Releases)? {
            tracing::warn!(collection = self.name, "another service works in the folder of releases");
        }
        Ok(())
    }

    /// Jobs of releases; `None` if nothing is released.
    pub(crate) fn jobs(&self) -> Option<&Arc<Jobs>> {
        self.jobs.as_ref()
    }

    /// Name in the API.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn collection(&self) -> &Collection {
        &self.collection
    }

    /// Finder with the calibration as it was read last.
    pub(crate) fn finder(&self) -> Arc<Finder<'static>> {
        self.finder.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in what other processes have changed: the calibration, and the share of entries with witnesses. Entries are
    /// seen by each search.
    ///
    /// # Errors
    /// If the collection cannot be read.
    pub(crate) fn refresh(&self) -> Result<()> {
        let refreshed = Arc::new(self.finder().refreshed()?);
        *self.finder.write().unwrap_or_else(PoisonError::into_inner) = refreshed;
        Ok(())
    }
}

/// All collections that are served, at least one, each under a name of its own.
pub struct Collections(Vec<Arc<Served>>);

impl Collections {
    /// # Errors
    /// [`Error::NoCollection`], [`Error::SameName`].
    pub fn new(served: Vec<Served>) -> Result<Self> {
        let names: Vec<&str> = served.iter().map(Served::name).collect();
        let twice = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name));
        if let Some((_, name)) = twice {
            return Err(Error::SameName((*name).to_owned()));
        }
        match served.is_empty() {
            true => Err(Error::NoCollection),
            false => Ok(Self(served.into_iter().map(Arc::new).collect())),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.0.iter()
    }

    /// Collection of a name.
    pub fn get(&self, name: &str) -> Option<&Arc<Served>> {
        self.iter().find(|served| served.name() == name)
    }

    /// The collection, if there is but one.
    pub fn only(&self) -> Option<&Arc<Served>> {
        match self.0.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Names, separated by commas.
    pub fn names(&self) -> String {
        self.iter().map(|served| served.name()).collect::<Vec<_>>().join(", ")
    }
}

//! References: the entries of the index, of which a query may be a copy.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Display,
    path::Path,
};

use device_math::transfer::upload_rows;
use index::Index;

use crate::{
    entry_names::EntryNames,
    error::{Error, Result},
    pipeline::{End, Original, Pipeline, Subject},
};

/// Entries of the index that have names.
pub struct References {
    /// Ids of the reference images, by name of the subject.
    ids: HashMap<String, i64>,
    /// Names of all named entries without folder and ending, by id.
    names: BTreeMap<i64, String>,
}

impl References {
    /// Finds images among the named entries of the index, and adds the others to it.
    ///
    /// # Errors
    /// [`Error::Interrupted`]; those of the index and of the device.
    pub(super) fn store(
        index: &mut Index,
        names: &EntryNames,
        images: &[Subject],
        pipeline: &mut Pipeline<'_>,
    ) -> Result<Self> {
        let known: HashMap<&str, i64> = names.iter().map(|(id, name)| (name.as_str(), *id)).collect();
        let mut ids = HashMap::new();
        let mut unknown = Vec::new();
        for image in images {
            match known.get(image.name.as_str()) {
                Some(id) => drop(ids.insert(image.name.clone(), *id)),
                None => unknown.push(image.clone()),
            }
        }
        let mut names: BTreeMap<i64, String> = names.iter().map(|(id, name)| (*id, stem(name))).collect();
        let (described, end) = pipeline.originals(&unknown)?;
        if end == End::Interrupted {
            return Err(Error::Interrupted);
        }
        if !described.is_empty() {
            let rows = upload_rows(described.iter().map(|original| &original.descriptor), &index.device());
            for (id, Original { number, .. }) in index.add(rows)?.zip(&described) {
                let name = &unknown[*number].name;
                ids.insert(name.clone(), id);
                names.insert(id, stem(name));
            }
        }
        Ok(Self { ids, names })
    }

    /// Returns the number of reference images.
    pub fn count(&self) -> usize {
        self.ids.len()
    }

    /// Returns the entry of an image.
    pub(super) fn of(&self, image: &Subject) -> Option<i64> {
        self.ids.get(&image.name).copied()
    }

    /// Returns the labels of all named entries: the file's name, with the id behind it if several have this name.
    pub(super) fn labels(&self) -> HashMap<i64, String> {
        let labels = distinct(self.names.values().map(String::as_str), self.names.keys());
        self.names.keys().copied().zip(labels).collect()
    }

    /// Returns the entries by name.
    ///
    /// # Errors
    /// [`Error::AmbiguousReference`] if two have one name.
    pub(super) fn by_name(&self) -> Result<HashMap<&str, i64>> {
        let mut seen = HashSet::new();
        if let Some(name) = self.names.values().find(|name| !seen.insert(name.as_str())) {
            return Err(Error::AmbiguousReference { name: name.clone() });
        }
        Ok(self.names.iter().map(|(id, name)| (name.as_str(), *id)).collect())
    }
}

/// Returns the names, with their number behind those that occur more than once.
pub(super) fn distinct<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    numbers: impl Iterator<Item = impl Display>,
) -> Vec<String> {
    let mut counts = HashMap::<&str, usize>::new();
    names.clone().for_each(|name| *counts.entry(name).or_default() += 1);
    let is_shared = |name: &str| counts.get(name).is_some_and(|count| *count > 1);
    names
        .zip(numbers)
        .map(|(name, number)| if is_shared(name) { format!("{name}#{number}") } else { name.to_owned() })
        .collect()
}

/// Returns the name of a file without folder and ending: the image's id in the tables of ISC2021.
pub(super) fn stem(name: &str) -> String {
    Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

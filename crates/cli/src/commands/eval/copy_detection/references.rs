//! What a query may be a copy of: the entries of the index.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use anyhow::{Result, bail};
use index::Index;

use super::{
    super::{
        pipeline::{End, Original, Pipeline},
        stored::matrix,
        subjects::Subject,
    },
    stem,
};
use crate::{names, output::Output};

pub struct References {
    /// Ids of the images that are references, by path.
    pub ids: HashMap<String, i64>,
    /// Names of all entries that have one, by id.
    names: BTreeMap<i64, String>,
}

impl References {
    /// Finds images among the entries that have names, and adds those that are not.
    pub fn store(
        index: &mut Index,
        file: &Path,
        images: &[Subject],
        pipeline: &mut Pipeline,
        output: &Output,
    ) -> Result<Self> {
        let names = names::of_entries(file, index.ntotal())?;
        let paths: HashMap<&str, i64> = names.iter().map(|(id, path)| (path.as_str(), *id)).collect();
        let mut ids = HashMap::new();
        let mut unknown = Vec::new();
        for image in images {
            match paths.get(image.name().as_str()) {
                Some(id) => drop(ids.insert(image.name(), *id)),
                None => unknown.push(image.clone()),
            }
        }
        let mut names: BTreeMap<i64, String> =
            names.iter().map(|(id, path)| (*id, stem(Path::new(path)))).collect();
        let (described, end) = pipeline.originals(&unknown, output)?;
        if end == End::Interrupted {
            bail!("interrupted before any query was searched; pass --resume FILE to keep what is done");
        }
        if !described.is_empty() {
            let rows = matrix(described.iter().map(Original::row), &index.device());
            for (id, Original { number, .. }) in index.add(rows)?.zip(&described) {
                ids.insert(unknown[*number].name(), id);
                names.insert(id, stem(&unknown[*number].path));
            }
        }
        Ok(Self { ids, names })
    }

    /// The entry of an image.
    pub fn of(&self, image: &Subject) -> Option<i64> {
        self.ids.get(&image.name()).copied()
    }

    /// Places of the images that have an entry.
    pub fn readable(&self, images: &[Subject]) -> Vec<usize> {
        (0..images.len()).filter(|&i| self.of(&images[i]).is_some()).collect()
    }

    /// What to call each entry that has a name: by its file, and by its id too where another one is called the same.
    pub fn labels(&self) -> HashMap<i64, String> {
        let labels = unlike(self.names.values().map(String::as_str), self.names.keys());
        self.names.keys().copied().zip(labels).collect()
    }

    /// Entries by name.
    ///
    /// # Errors
    /// If two have one name.
    pub fn by_name(&self) -> Result<HashMap<&str, i64>> {
        let mut seen = HashSet::new();
        if let Some(name) = self.names.values().find(|name| !seen.insert(name.as_str())) {
            bail!("two references are called {name}: --ground-truth could mean either, rename one");
        }
        Ok(self.names.iter().map(|(id, name)| (name.as_str(), *id)).collect())
    }
}

/// `names`, with their number behind those that come twice.
pub fn unlike<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    numbers: impl Iterator<Item = impl std::fmt::Display>,
) -> Vec<String> {
    let mut counts = HashMap::<&str, usize>::new();
    names.clone().for_each(|name| *counts.entry(name).or_default() += 1);
    let is_shared = |name: &str| counts.get(name).is_some_and(|count| *count > 1);
    names
        .zip(numbers)
        .map(|(name, number)| if is_shared(name) { format!("{name}#{number}") } else { name.to_owned() })
        .collect()
}

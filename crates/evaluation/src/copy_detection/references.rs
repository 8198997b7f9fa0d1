//! References: the entries of the index, of which a query may be a copy.

use std::{borrow::Cow, collections::HashMap, fmt::Display, path::Path};

use device_math::transfer::upload_rows;
use image_file::{path_of_text, path_text};
use index::Index;

use crate::{
    entry_names::{EntryIds, EntryNames, check_names},
    error::{Error, Result},
    pipeline::{End, Original, Pipeline, Subject},
};

/// Label of an entry without a name, before its id.
const NAMELESS: &str = "entry";

/// Entries of the index that have names.
pub struct References {
    /// Ids of the reference images, by number of the subject; none for those that cannot be read.
    ids: Vec<Option<i64>>,
    /// Descriptors `[d]` of the reference images, by id.
    descriptors: HashMap<i64, Vec<f32>>,
    /// Names of all named entries, by id.
    names: EntryNames,
}

impl References {
    /// Describes images, finds them among the named entries of the index, and adds the others to it.
    ///
    /// # Errors
    /// [`Error::Interrupted`]; those of [`check_names`], of the index and of the device.
    pub(super) fn store(
        index: &mut Index,
        names: &EntryNames,
        images: &[Subject],
        pipeline: &mut Pipeline<'_>,
    ) -> Result<Self> {
        check_names(names, images.iter().map(|image| image.name.as_str()))?;
        let (described, end) = pipeline.originals(images)?;
        if end == End::Interrupted {
            return Err(Error::Interrupted);
        }
        let known = EntryIds::new(names);
        let id = |original: &Original| known.id(&images[original.number].name);
        let unknown: Vec<&Original> = described.iter().filter(|original| id(original).is_none()).collect();
        let mut added = 0..0;
        if !unknown.is_empty() {
            let rows = upload_rows(unknown.iter().map(|original| &original.descriptor), &index.device());
            added = index.add(rows)?;
        }
        let mut references =
            Self { ids: vec![None; images.len()], descriptors: HashMap::new(), names: names.clone() };
        for original in described {
            let id = id(&original).or_else(|| added.next()).expect("one id per added image");
            references.ids[original.number] = Some(id);
            references.names.insert(id, images[original.number].name.clone());
            references.descriptors.insert(id, original.descriptor);
        }
        Ok(references)
    }

    /// Returns the number of reference images.
    pub fn count(&self) -> usize {
        self.ids.iter().flatten().count()
    }

    /// Returns the entry of the image with this number.
    pub(super) fn of(&self, number: usize) -> Option<i64> {
        self.ids.get(number).copied().flatten()
    }

    /// Returns the descriptor `[d]` of an entry: that of its image, or the decoded code if the entry is none of the images.
    /// `None` for a code that cannot be decoded.
    pub(super) fn descriptor<'a>(&'a self, id: i64, index: &Index) -> Option<Cow<'a, [f32]>> {
        match self.descriptors.get(&id) {
            Some(own) => Some(Cow::Borrowed(own)),
            None => index.reconstruct(id).ok().map(Cow::Owned),
        }
    }

    /// Returns the labels of all named entries: the file's name, with the id behind it if that is not distinct.
    pub(super) fn labels(&self) -> HashMap<i64, String> {
        let stems: Vec<String> = self.names.values().map(|name| stem(name)).collect();
        self.names.keys().copied().zip(distinct(&stems, self.names.keys())).collect()
    }

    /// Returns the entries by id in the tables of ISC2021.
    ///
    /// # Errors
    /// [`Error::AmbiguousReference`] if two have one id.
    pub(super) fn by_stem(&self) -> Result<HashMap<String, i64>> {
        let mut entries = HashMap::new();
        for (&id, name) in &self.names {
            if let Some(other) = entries.insert(stem(name), id) {
                let named = |id| format!("{} (entry {id})", self.names.get(&id).map_or("", String::as_str));
                return Err(Error::AmbiguousReference { id: stem(name), images: [other, id].map(named) });
            }
        }
        Ok(entries)
    }
}

/// Returns the label of an entry without a name.
pub(super) fn nameless(id: i64) -> String {
    format!("{NAMELESS}{id}")
}

/// Returns one label for each name, no two of them equal: the name, with its number behind it if several have this name,
/// or if it could be taken for another one with its number, or for an entry without a name.
pub(super) fn distinct(names: &[String], numbers: impl Iterator<Item = impl Display>) -> Vec<String> {
    let mut counts = HashMap::<&str, usize>::new();
    names.iter().for_each(|name| *counts.entry(name).or_default() += 1);
    let is_shared = |name: &str| counts.get(name).is_some_and(|count| *count > 1);
    let is_nameless = |name: &str| name.strip_prefix(NAMELESS).is_some_and(|id| id.parse::<i64>().is_ok());
    let is_taken = |name: &str| is_shared(name) || is_nameless(name);
    let is_like_numbered = |name: &str| name.match_indices('#').any(|(end, _)| is_taken(&name[..end]));
    let label = |(name, number): (&String, _)| {
        if is_taken(name) || is_like_numbered(name) { format!("{name}#{number}") } else { name.clone() }
    };
    names.iter().zip(numbers).map(label).collect()
}

/// Returns the name of a file without folder and ending, by [`path_text`]: the image's id in the tables of ISC2021.
pub(crate) fn stem(name: &str) -> String {
    path_text(Path::new(path_of_text(name).file_stem().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_the_names_and_never_equal() {
        let names =
            ["a", "b", "b", "b#2", "b#2#3", "c#1", "c", "entry5", "entry5#7", "entry"].map(str::to_owned);
        let labels = distinct(&names, 0..);
        let expected = ["a", "b#1", "b#2", "b#2#3", "b#2#3#4", "c#1", "c", "entry5#7", "entry5#7#8", "entry"];
        assert_eq!(labels, expected, "only names like others are numbered");
        let all: std::collections::HashSet<_> = labels.into_iter().chain([nameless(5)]).collect();
        assert_eq!(all.len(), names.len() + 1);
    }

    #[test]
    fn stems_are_texts_of_their_own() {
        for (name, expected) in [
            ("photos/R000017.jpg", "R000017"),
            (r"$'photos/R00\t\xff.jpg'", r"$'R00\t\xff'"),
            (r"$'fol\nder/plain\\.jpg'", r"plain\"),
            ("photos/ a.jpg", "$' a'"),
        ] {
            assert_eq!(stem(name), expected);
        }
    }
}

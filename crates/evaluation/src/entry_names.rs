//! Names of an index's entries, and the entries of named images.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::error::{Error, Result};

/// Names of entries by id. The name of an image is its path as its caller spelled it, by [`image_file::path_text`].
pub type EntryNames = BTreeMap<i64, String>;

/// Checks that names tell the images apart, and that no image has the name of several entries: the right answer to its
/// copies would be another image's entry.
///
/// # Errors
/// [`Error::ImagesShareName`], [`Error::EntriesShareName`].
pub fn check_names<'a>(names: &EntryNames, images: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    let images: Vec<&str> = images.into_iter().collect();
    if let Some(name) = images.iter().find(|name| !seen.insert(**name)) {
        return Err(Error::ImagesShareName { name: (*name).to_owned() });
    }
    let mut entries = HashMap::new();
    for (id, name) in names.iter().filter(|(_, name)| seen.contains(name.as_str())) {
        if let Some(other) = entries.insert(name, *id) {
            return Err(Error::EntriesShareName { name: name.clone(), ids: [other, *id] });
        }
    }
    Ok(())
}

/// Ids of an index's entries by name, for images whose names are [checked](check_names).
pub(crate) struct EntryIds<'a>(HashMap<&'a str, i64>);

impl<'a> EntryIds<'a> {
    pub fn new(names: &'a EntryNames) -> Self {
        Self(names.iter().map(|(id, name)| (name.as_str(), *id)).collect())
    }

    pub fn id(&self, name: &str) -> Option<i64> {
        self.0.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_name_of_one_image_and_one_entry() {
        let names = EntryNames::from([(3, "a".to_owned()), (5, "b".to_owned()), (7, "a".to_owned())]);
        check_names(&names, ["b", "c"]).expect("`a` is not asked for");
        let twice = check_names(&names, ["b", "c", "b"]);
        assert!(matches!(twice, Err(Error::ImagesShareName { name }) if name == "b"));
        let shared = check_names(&names, ["b", "a"]);
        assert!(matches!(shared, Err(Error::EntriesShareName { name, ids: [3, 7] }) if name == "a"));
        assert_eq!(EntryIds::new(&names).id("b"), Some(5));
    }
}

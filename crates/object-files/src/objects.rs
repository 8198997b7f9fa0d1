//! Objects as files.

use std::path::{Path, PathBuf};

use crate::{
    Clients,
    address::Address,
    error::{Error, Result},
};

/// Objects of every store that the environment gives access to. One value serves all threads; clients are made as they are needed.
///
/// ```no_run
/// use std::path::Path;
///
/// use active_index_object_files::Objects;
///
/// let objects = Objects::default();
/// let bytes = objects.read(Path::new("s3://bucket/photos/a.jpg"), 1 << 28)?;
/// objects.put_new(Path::new("s3://bucket/copies/a.jpg"), bytes)?;
/// # Ok::<(), active_index_object_files::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Objects(Clients);

/// Content of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An object.
    Object,
    /// Objects whose names begin with the address and a `/`.
    Folder,
    /// Neither.
    Nothing,
}

/// Object of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Address of the object.
    pub path: PathBuf,
    /// Name below the folder.
    pub name: PathBuf,
}

/// Object that a client lists.
pub(crate) struct Found {
    /// Name in the bucket.
    pub key: String,
    /// Size.
    pub bytes: u64,
}

impl Objects {
    /// Checks that an address has a bucket, and that the environment has what a client of it needs. Makes no request.
    ///
    /// # Errors
    /// If the path is no address, or no client can be made.
    pub fn check(&self, path: &Path) -> Result<()> {
        self.0.open(&Address::parse(path)?)
    }

    /// Returns the kind of an address. One that ends in `/`, and a bucket, are folders, whatever is in them.
    ///
    /// # Errors
    /// If the path is no address, or the store does not answer.
    pub fn kind(&self, path: &Path) -> Result<Kind> {
        let address = Address::parse(path)?;
        if address.key.is_empty() || address.key.ends_with('/') {
            return Ok(Kind::Folder);
        }
        if self.0.size(&address)?.is_some() {
            return Ok(Kind::Object);
        }
        let mut kind = Kind::Nothing;
        self.0.list(&address.folder(), &mut |_| {
            kind = Kind::Folder;
            false
        })?;
        Ok(kind)
    }

    /// Reads an object of at most `limit` bytes.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::TooManyBytes`]; if the path is no address, or the store does not answer.
    pub fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>> {
        self.0.read(&Address::of_object(path)?, limit)
    }

    /// Reads the first bytes of an object, at most `limit`; `None` if it does not exist.
    ///
    /// # Errors
    /// If the path is no address, or the store does not answer.
    pub fn start(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
        self.0.start(&Address::of_object(path)?, limit)
    }

    /// Lists the objects of a folder and of those below it, in no order, without markers of folders.
    ///
    /// # Errors
    /// If the path is no address, or the store does not answer.
    pub fn list(&self, path: &Path, visit: &mut dyn FnMut(Listed)) -> Result<()> {
        let folder = Address::parse(path)?.folder();
        let text = path.to_string_lossy();
        let root = text.trim_end_matches(['/', std::path::MAIN_SEPARATOR]);
        self.0.list(&folder, &mut |Found { key, bytes }| {
            let name = key.strip_prefix(&folder.key).map(Path::new);
            // Consoles of stores mark folders by empty objects.
            let is_marker = |name: &Path| bytes == 0 && name.extension().is_none();
            if let Some(name) = name.filter(|name| !is_marker(name)) {
                let path = format!("{root}/{}", name.display()).into();
                visit(Listed { path, name: name.to_owned() });
            }
            true
        })
    }

    /// Writes an object, in the place of the one that is there.
    ///
    /// # Errors
    /// If the path is no address, or the store refuses.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) -> Result<()> {
        self.0.put(&Address::of_object(path)?, bytes)
    }

    /// Writes an object where nothing is. One with the same bytes is left as it is.
    ///
    /// # Errors
    /// [`Error::Exists`] if there is another one; if the path is no address, or the store refuses.
    pub fn put_new(&self, path: &Path, bytes: Vec<u8>) -> Result<()> {
        let address = Address::of_object(path)?;
        if self.0.create(&address, bytes.clone())? {
            return Ok(());
        }
        match self.0.read(&address, bytes.len() as u64) {
            Ok(there) if there == bytes => Ok(()),
            Ok(_) | Err(Error::TooManyBytes { .. }) => Err(Error::Exists),
            Err(error) => Err(error),
        }
    }
}

impl Address {
    fn of_object(path: &Path) -> Result<Self> {
        let address = Self::parse(path)?;
        match address.key.is_empty() || address.key.ends_with('/') {
            true => Err(Error::Address("it names a folder")),
            false => Ok(address),
        }
    }

    /// Returns the folder of this address: one that ends in `/`, or the bucket.
    fn folder(self) -> Self {
        let key = self.key.trim_end_matches('/');
        let key = if key.is_empty() { String::new() } else { format!("{key}/") };
        Self { key, ..self }
    }
}

#[cfg(all(test, feature = "stores"))]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;
    use crate::address::Scheme;

    fn objects() -> Objects {
        let objects = Objects::default();
        objects.0.insert(Scheme::S3, "b", Arc::new(InMemory::new()));
        objects
    }

    fn put(objects: &Objects, address: &str, bytes: &[u8]) {
        objects.put(Path::new(address), bytes.to_vec()).expect("puts");
    }

    #[test]
    fn what_is_written_is_read_within_the_limit() {
        let objects = objects();
        let path = Path::new("s3://b/photos/a b#%20é.jpg");
        assert!(matches!(objects.read(path, 100), Err(Error::NotFound)));
        assert_eq!(objects.start(path, 4).unwrap(), None);
        objects.put(path, b"picture".to_vec()).unwrap();
        assert_eq!(objects.read(path, 7).unwrap(), b"picture");
        assert!(matches!(objects.read(path, 6), Err(Error::TooManyBytes { bytes: 7, limit: 6 })));
        assert_eq!(objects.start(path, 4).unwrap(), Some(b"pict".to_vec()));
        assert_eq!(objects.start(path, 1000).unwrap(), Some(b"picture".to_vec()));
        put(&objects, "s3://b/empty", b"");
        assert_eq!(objects.start(Path::new("s3://b/empty"), 4).unwrap(), Some(Vec::new()));
    }

    #[test]
    fn a_new_object_replaces_nothing_but_itself() {
        let objects = objects();
        let path = Path::new("s3://b/a.png");
        for _ in 0..2 {
            objects.put_new(path, b"one".to_vec()).unwrap();
        }
        for other in [&b"two"[..], b"ones", b"on", b""] {
            assert!(matches!(objects.put_new(path, other.to_vec()), Err(Error::Exists)));
        }
        assert_eq!(objects.read(path, 100).unwrap(), b"one");
        objects.put(path, b"two".to_vec()).unwrap();
        assert_eq!(objects.read(path, 100).unwrap(), b"two");
    }

    #[test]
    fn a_folder_is_what_its_objects_say() {
        let objects = objects();
        put(&objects, "s3://b/photos/1/a.jpg", b"a");
        put(&objects, "s3://b/photos/b.jpg", b"b");
        put(&objects, "s3://b/photos/marker", b"");
        put(&objects, "s3://b/photos-2/c.jpg", b"c");
        let kind = |address: &str| objects.kind(Path::new(address)).unwrap();
        assert_eq!(kind("s3://b/photos/b.jpg"), Kind::Object);
        for folder in
            ["s3://b", "s3://b/", "s3://b/photos", "s3://b/photos/", "s3://b/photos/1", "s3://b/none/"]
        {
            assert_eq!(kind(folder), Kind::Folder, "{folder}");
        }
        for nothing in ["s3://b/photo", "s3://b/photos/b", "s3://b/none"] {
            assert_eq!(kind(nothing), Kind::Nothing, "{nothing}");
        }
        let names = |folder: &str| -> Vec<(String, String)> {
            let mut found = Vec::new();
            let mut visit = |Listed { path, name }: Listed| {
                found.push((name.display().to_string(), path.display().to_string()));
            };
            objects.list(Path::new(folder), &mut visit).unwrap();
            found.sort();
            found
        };
        let expected = [("1/a.jpg", "s3://b/photos/1/a.jpg"), ("b.jpg", "s3://b/photos/b.jpg")];
        let expected = expected.map(|(name, path)| (name.to_owned(), path.to_owned()));
        assert_eq!(names("s3://b/photos"), expected);
        assert_eq!(names("s3://b/photos/"), expected);
        assert_eq!(names("s3://b/none"), []);
        assert_eq!(names("s3://b").len(), 3);
    }

    #[test]
    fn what_cannot_be_an_object_is_refused() {
        let objects = objects();
        for address in [
            "s3://b",
            "s3://b/",
            "s3://b/folder/",
            "s3://b/a//b",
            "s3://b//a",
            "s3://b/../a",
            "s3://b/a\nb",
            "a.jpg",
        ] {
            assert!(objects.read(Path::new(address), 1).is_err(), "{address}");
            assert!(objects.put(Path::new(address), Vec::new()).is_err(), "{address}");
        }
    }

    #[test]
    fn many_threads_read_at_once() {
        let objects = objects();
        put(&objects, "s3://b/a", &[7; 100_000]);
        std::thread::scope(|scope| {
            let read = || objects.read(Path::new("s3://b/a"), 1 << 20).unwrap().len();
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(read)).collect();
            threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), 100_000));
        });
    }
}

#[cfg(all(test, not(feature = "stores")))]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_stores_says_what_to_build() {
        let error = Objects::default().read(Path::new("s3://b/a.jpg"), 1).unwrap_err().to_string();
        assert!(error.contains("--features object-store") && !error.contains('\n'), "{error}");
        assert!(matches!(Objects::default().check(Path::new("s3://b")), Err(Error::NotBuilt)));
        let error = Objects::default().read(Path::new("a.jpg"), 1).unwrap_err().to_string();
        assert!(error.contains("no known scheme"), "{error}");
    }
}

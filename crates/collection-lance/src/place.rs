//! Addresses of collections, and the small objects beside their tables.

use std::{
    path::{Path as FilePath, absolute},
    sync::Arc,
};

use collection::{Error, Result};
use futures_util::{StreamExt, TryStreamExt};
use object_store::{
    Error as StoreError, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, path::Path,
};

use crate::failure;

/// Requests for small objects that are under way at a time.
const PARALLEL: usize = 16;

/// Address of a collection: a bucket and a prefix, or a local folder.
#[derive(Clone)]
pub struct Place {
    /// Address as its user wrote it.
    pub location: String,
    /// Address that Lance opens.
    uri: String,
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    is_local: bool,
}

impl Place {
    /// Takes an address such as `s3://bucket/shop.lance`, or the path of a folder.
    ///
    /// # Errors
    /// A scheme that is unknown; credentials that are missing.
    pub async fn at(address: &str) -> Result<Self> {
        let location = address.trim_end_matches('/').to_owned();
        let is_local = !has_scheme(&location) || location.starts_with("file://");
        let uri = match location.strip_prefix("file://").unwrap_or(&location) {
            path if is_local => absolute_text(path)?,
            uri => uri.to_owned(),
        };
        let opened = lance::io::ObjectStore::from_uri(&uri).await;
        let (store, prefix) = opened.map_err(failure::at(&location))?;
        Ok(Self { location, uri, store: store.inner.clone(), prefix, is_local })
    }

    /// Returns true if the collection is in a folder of this machine.
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    /// Address of a table.
    pub fn table(&self, name: &str) -> String {
        format!("{}/{name}.lance", self.uri)
    }

    /// Address of an object, for messages.
    pub fn shown(&self, name: &str) -> String {
        format!("{}/{name}", self.location)
    }

    /// Content of an object; `None` if there is none.
    pub async fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let location = self.shown(name);
        let found = match self.store.get(&self.path(name)).await {
            Ok(found) => found,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failure::at(&location)(error)),
        };
        let bytes = found.bytes().await.map_err(failure::at(&location))?;
        Ok(Some(bytes.to_vec()))
    }

    /// Writes an object whole, in place of one that is there.
    pub async fn write(&self, name: &str, content: Vec<u8>) -> Result<()> {
        let written = self.store.put(&self.path(name), PutPayload::from(content)).await;
        written.map(drop).map_err(failure::at(&self.shown(name)))
    }

    /// Writes an object whole, if there is none; returns false if there is one. Of any number of writers, one succeeds.
    pub async fn claim(&self, name: &str, content: Vec<u8>) -> Result<bool> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&self.path(name), PutPayload::from(content), options).await {
            Ok(_) => Ok(true),
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => Ok(false),
            Err(error) => Err(failure::at(&self.shown(name))(error)),
        }
    }

    /// Removes an object, if there is one.
    pub async fn remove(&self, name: &str) -> Result<()> {
        match self.store.delete(&self.path(name)).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure::at(&self.shown(name))(error)),
        }
    }

    /// Names and sizes of the objects below a folder, ascending by name; if `after` is given, of those behind this name.
    pub async fn objects(&self, folder: &str, after: Option<&str>) -> Result<Vec<(String, u64)>> {
        let below = match folder {
            "" => self.prefix.clone(),
            folder => self.path(folder),
        };
        let listed = match after {
            Some(after) => self.store.list_with_offset(Some(&below), &self.path(after)),
            None => self.store.list(Some(&below)),
        };
        let found: Vec<_> = listed.try_collect().await.map_err(failure::at(&self.location))?;
        let name = |path: &Path| {
            let parts = path.prefix_match(&self.prefix).into_iter().flatten();
            parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/")
        };
        let mut names: Vec<_> = found.iter().map(|object| (name(&object.location), object.size)).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Contents of objects, in their order; `None` for each that is not there.
    pub async fn read_all(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>> {
        let reads = names.iter().cloned().map(|name| async move { self.read(&name).await });
        futures_util::stream::iter(reads).buffered(PARALLEL).try_collect().await
    }

    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }
}

/// Returns true for an address with a scheme, such as `s3://`.
pub fn has_scheme(address: &str) -> bool {
    address.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '+')
    })
}

fn absolute_text(path: &str) -> Result<String> {
    let failed = |source| Error::Io { path: path.into(), source };
    let absolute = absolute(FilePath::new(path)).map_err(failed)?;
    Ok(absolute.to_string_lossy().into_owned())
}

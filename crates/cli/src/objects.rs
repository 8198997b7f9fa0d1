//! Files of object stores, which inputs and outputs may be.

use std::{path::Path, sync::LazyLock};

use image_file::{Error, Result, Store};
use object_files::Objects;

/// Clients of the stores, made as addresses are met.
static OBJECTS: LazyLock<Objects> = LazyLock::new(Objects::default);

/// Object stores as images are read from them, and released to them.
#[derive(Debug)]
struct ObjectStores;

/// Returns the objects of all stores.
pub fn objects() -> &'static Objects {
    &OBJECTS
}

/// Returns the stores of images.
pub fn store() -> &'static dyn Store {
    &ObjectStores
}

impl Store for ObjectStores {
    fn holds(&self, path: &Path) -> bool {
        object_files::is_address(path)
    }

    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>> {
        objects().read(path, limit).map_err(error)
    }

    fn write(&self, path: &Path, bytes: Vec<u8>) -> Result<()> {
        objects().put_new(path, bytes).map_err(error)
    }
}

fn error(error: object_files::Error) -> Error {
    match error {
        object_files::Error::TooManyBytes { bytes, limit } => Error::TooManyBytes { bytes, limit },
        error => Error::Store(Box::new(error)),
    }
}

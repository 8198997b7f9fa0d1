//! Collections in Lance datasets, if the program is built with them.

pub use engine::{create, open};

use crate::args::Address;

/// File by which a folder with a Lance collection is known.
const CLAIM: &str = "collection.json";
/// Extension by which a folder is made a Lance collection.
const EXTENSION: &str = "lance";

/// Returns true if an address leads to a Lance collection: in an object store there are no others.
pub fn is_collection(address: &Address) -> bool {
    address.folder().is_none_or(|folder| folder.join(CLAIM).is_file())
}

/// Returns true if a collection that is created at an address is a Lance collection.
pub fn is_asked_for(address: &Address) -> bool {
    address.folder().is_none_or(|folder| folder.extension().is_some_and(|own| own == EXTENSION))
}

#[cfg(feature = "lance")]
mod engine {
    //! The engine of the crate `collection-lance`.

    use anyhow::{Context, Result};
    use burn::tensor::Device;
    use collection::Collection;
    use index::Index;

    use crate::args::Address;

    pub fn open(address: &Address, device: &Device) -> Result<Collection> {
        Ok(Collection::new(collection_lance::open(text(address)?, device)?))
    }

    pub fn create(address: &Address, quantiser: &Index, witnesses: Option<&str>) -> Result<Collection> {
        Ok(Collection::new(collection_lance::create(text(address)?, quantiser, witnesses)?))
    }

    fn text(address: &Address) -> Result<&str> {
        let text = match address {
            Address::Folder(folder) => folder.to_str(),
            Address::Store(uri) => Some(uri.as_str()),
        };
        text.with_context(|| format!("{address}: the path of a Lance collection must be Unicode"))
    }
}

#[cfg(not(feature = "lance"))]
mod engine {
    //! Refusals of a program without Lance.

    use anyhow::{Result, bail};
    use burn::tensor::Device;
    use collection::Collection;
    use index::Index;

    use crate::args::Address;

    pub fn open(address: &Address, _: &Device) -> Result<Collection> {
        refuse(address)
    }

    pub fn create(address: &Address, _: &Index, _: Option<&str>) -> Result<Collection> {
        refuse(address)
    }

    fn refuse(address: &Address) -> Result<Collection> {
        bail!(
            "{address}: is a Lance collection, and this program was built without these: build it with `--features lance` (needs protoc, of the package protobuf-compiler)"
        )
    }
}

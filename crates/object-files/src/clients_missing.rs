//! Clients of a build without object stores.

use crate::{
    address::Address,
    error::{Error, Result},
    objects::Found,
};

/// Nothing that could reach a store.
#[derive(Debug, Default)]
pub(crate) struct Clients;

impl Clients {
    pub fn open(&self, _: &Address) -> Result<()> {
        Err(Error::NotBuilt)
    }

    pub fn size(&self, _: &Address) -> Result<Option<u64>> {
        Err(Error::NotBuilt)
    }

    pub fn read(&self, _: &Address, _: u64) -> Result<Vec<u8>> {
        Err(Error::NotBuilt)
    }

    pub fn start(&self, _: &Address, _: u64) -> Result<Option<Vec<u8>>> {
        Err(Error::NotBuilt)
    }

    pub fn list(&self, _: &Address, _: &mut dyn FnMut(Found) -> bool) -> Result<()> {
        Err(Error::NotBuilt)
    }

    pub fn put(&self, _: &Address, _: Vec<u8>) -> Result<()> {
        Err(Error::NotBuilt)
    }

    /// Returns false if there is an object already.
    pub fn create(&self, _: &Address, _: Vec<u8>) -> Result<bool> {
        Err(Error::NotBuilt)
    }
}

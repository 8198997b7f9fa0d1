//! Releases of the service, with the network that also describes lookups.

use std::{error::Error, slice};

use anyhow::Result;
use collection::Collection;
use describe::BatchRequest;
use release::{Events, Job, Options, ReleasedImage, Releaser, Remembering};
use service::Release;

use crate::{
    args::NamedCollection,
    inputs::{
        collection::{open_quietly, require_extractor},
        extractor::LoadedExtractor,
    },
    session::Session,
};

/// Pictures that are released together on a GPU with memory of its own.
const TOGETHER: usize = 16;

/// Releases pictures into the collections of a service.
pub struct CollectionReleaser<'a> {
    loaded: &'a LoadedExtractor,
    options: Options,
    /// The collections with their quantisers on the device of the extractor, if the service has them on another one.
    on_device: Vec<Collection>,
}

impl<'a> CollectionReleaser<'a> {
    /// # Errors
    /// If a collection cannot be opened on the extractor's device.
    pub fn new(
        loaded: &'a LoadedExtractor,
        options: Options,
        collections: &[NamedCollection],
        session: &Session,
    ) -> Result<Self> {
        let is_there = session.device_for_files()?.device == loaded.device;
        let elsewhere = if is_there { &[] } else { collections };
        let open = |named: &NamedCollection| open_quietly(&named.address, &loaded.device);
        let on_device = elsewhere.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { loaded, options, on_device })
    }
}

impl Release for CollectionReleaser<'_> {
    fn together(&self) -> usize {
        match self.options.batch {
            BatchRequest::Of(count) => count.get(),
            BatchRequest::Auto if self.loaded.own_memory => TOGETHER,
            BatchRequest::Auto => 1,
        }
    }

    fn extension(&self) -> &'static str {
        self.options.encoding.ending()
    }

    fn release(
        &mut self,
        collection: &Collection,
        jobs: &[Job],
        events: &dyn Events,
    ) -> Result<Vec<ReleasedImage>, Box<dyn Error + Send + Sync>> {
        let location = &collection.description().location;
        let is_same = |other: &&Collection| other.description().location == *location;
        let collection = self.on_device.iter().find(is_same).unwrap_or(collection);
        require_extractor(collection, &self.loaded.record())?;
        let LoadedExtractor { extractor, own_memory, .. } = self.loaded;
        let indexes = slice::from_ref(collection.quantiser());
        let releaser = Releaser::new(extractor, *own_memory, indexes, self.options)?;
        Ok(releaser.release(jobs, &Remembering::new(collection)?, events, None)?)
    }
}

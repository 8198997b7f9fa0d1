//! Views that are described once: descriptors of this run are kept in a file, and those of earlier runs are taken from it.

use std::path::Path;

use describe::Describer;
use find::{Describe, Described};
use image::RgbImage;

use crate::{
    error::Result,
    events::Events,
    pipeline::{Key, Keys, KnownDescriptors},
};

/// Describes views of pictures, unless their descriptors are known.
pub struct KeptViews<'a, 'b> {
    describer: &'a mut Describer<'b>,
    keys: Keys,
    known: KnownDescriptors,
    /// Descriptors that the file does not have yet.
    new: Vec<(Key, Vec<f32>)>,
    /// Number of descriptors that were known.
    reused: usize,
}

impl<'a, 'b> KeptViews<'a, 'b> {
    /// Opens the file of descriptors; without a path, all views are described and none is kept.
    ///
    /// # Errors
    /// [`Error::ResumeFile`](crate::error::Error::ResumeFile), [`Error::File`](crate::error::Error::File).
    pub fn open(describer: &'a mut Describer<'b>, path: Option<&Path>, events: &dyn Events) -> Result<Self> {
        let extractor = describer.extractor();
        let known = KnownDescriptors::open(path, extractor.dimension(), events)?;
        Ok(Self { keys: Keys::new(extractor), describer, known, new: Vec::new(), reused: 0 })
    }

    /// Number of descriptors that were known so far.
    pub fn reused(&self) -> usize {
        self.reused
    }

    /// Appends new descriptors to the file.
    ///
    /// # Errors
    /// [`Error::File`](crate::error::Error::File).
    pub fn keep(&mut self, events: &dyn Events) -> Result<()> {
        let mut new = std::mem::take(&mut self.new);
        // Different looks at different edits may be the same view.
        new.sort_by_key(|(key, _)| *key);
        new.dedup_by_key(|(key, _)| *key);
        let (_, file) = self.known.parts();
        file.append(new.iter().map(|(key, descriptor)| (key, descriptor)), events)?;
        new.into_iter().for_each(|(key, descriptor)| self.known.remember(key, descriptor));
        Ok(())
    }
}

impl Describe for KeptViews<'_, '_> {
    fn describe_views(&mut self, views: &[RgbImage]) -> describe::Result<Described> {
        if !self.known.is_kept() {
            return self.describer.describe_views(views);
        }
        let keys: Vec<Key> = views.iter().map(|view| self.keys.of_view(view)).collect();
        let mut described: Vec<Option<describe::Result<Vec<f32>>>> =
            keys.iter().map(|key| self.known.get(key).map(|row| Ok(row.to_vec()))).collect();
        let unknown: Vec<usize> = (0..views.len()).filter(|&place| described[place].is_none()).collect();
        self.reused += views.len() - unknown.len();
        let pictures: Vec<RgbImage> = unknown.iter().map(|&place| views[place].clone()).collect();
        let rows = if pictures.is_empty() { Vec::new() } else { self.describer.describe_views(&pictures)? };
        for (&place, row) in unknown.iter().zip(rows) {
            if let Ok(row) = &row {
                self.new.push((keys[place], row.clone()));
            }
            described[place] = Some(row);
        }
        Ok(described.into_iter().map(|row| row.unwrap_or(Err(describe::Error::ThreadEnded))).collect())
    }
}

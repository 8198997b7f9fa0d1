//! Last step of the demonstration: an edited copy of one released sample is found in a collection of all of them.

use activate::{describe, pixels};
use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor};
use collection::{Collection, FindSettings, NewEntry};
use evaluation::Edit;
use image::RgbImage;
use index::Index;
use serde::Serialize;

use crate::{
    inputs::extractor::LoadedExtractor,
    release::{Pair, ReleasedImage},
    session::temporary_folder::TemporaryFolder,
};

/// Edit of the copy.
const EDIT: &str = "crop=0.5";

/// Edited copy that was looked up, and the entry that was found.
#[derive(Serialize)]
pub struct Lookup {
    /// Sample that the copy is of.
    image: String,
    edit: &'static str,
    /// Name of the nearest entry.
    found: Option<String>,
    /// Cosine of the copy and that entry.
    cosine: Option<f32>,
    entries: usize,
}

impl Lookup {
    /// Stores the released images in a collection, and looks an edited copy of the first one up.
    ///
    /// # Errors
    /// If no image was released, the temporary folder cannot be written, or the device fails.
    pub fn make(
        loaded: &LoadedExtractor,
        quantiser: &Index,
        rows: &[ReleasedImage],
        pairs: &[Pair],
        seed: u64,
    ) -> Result<Self> {
        let names: Vec<String> = rows.iter().filter(|row| !row.failed()).map(ReleasedImage::name).collect();
        let (first, image) = pairs.first().zip(names.first()).context("no sample was released")?;
        let folder = TemporaryFolder::new()?;
        let collection = Collection::create(&folder.path().join("samples"), quantiser)?;
        let described = |image: &RgbImage| {
            Ok::<_, anyhow::Error>(describe(&loaded.extractor, [tensor(image, &loaded.device)?]))
        };
        let descriptors = pairs.iter().map(|pair| described(&pair.released)).collect::<Result<_>>()?;
        let entries: Vec<NewEntry> = names.iter().map(|name| NewEntry::added(name, None)).collect();
        collection.store(&entries, Tensor::cat(descriptors, 0))?;
        let copy = EDIT.parse::<Edit>()?.apply(&first.released, seed)?;
        let found = collection.find(described(&copy)?, &FindSettings { k: 1, ..Default::default() })?;
        let nearest = found.first().and_then(|row| row.first());
        let entry = nearest.map(|nearest| collection.entry(nearest.id)).transpose()?.flatten();
        Ok(Self {
            image: image.clone(),
            edit: EDIT,
            found: entry.map(|entry| entry.name),
            cosine: nearest.map(|nearest| nearest.cosine),
            entries: entries.len(),
        })
    }

    /// Formats the line.
    pub fn text(&self) -> String {
        let Self { image, edit, entries, .. } = self;
        let asked = format!(
            "A copy of the released {image} ({edit}) was looked up among {entries} released images: "
        );
        match (&self.found, self.cosine) {
            (Some(found), Some(cosine)) => format!("{asked}found {found}, cosine {cosine:.2}."),
            _ => format!("{asked}nothing was found."),
        }
    }
}

fn tensor(image: &RgbImage, device: &Device) -> Result<Tensor<4>> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    Ok(pixels::from_rgb8(image.as_raw(), width, height, device)?)
}

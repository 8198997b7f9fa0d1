//! Last step of the demonstration: an edited copy of one released sample is found in a collection of all of them.

use activate::{describe, pixels};
use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor};
use collection::{Collection, NewEntry};
use describe::BatchRequest;
use evaluation::Edit;
use find::{Finder, Query, Settings, report::Match};
use image::RgbImage;
use index::Index;
use release::{Pair, ReleasedImage};
use serde::Serialize;
use witness::{Kind, Witness};

use crate::{inputs::extractor::LoadedExtractor, session::temporary_folder::TemporaryFolder};

/// Edit of the copy.
const EDIT: &str = "crop=0.5";

/// Edited copy that was looked up, and the entry that was found.
#[derive(Serialize)]
pub struct Lookup {
    /// Sample that the copy is of.
    image: String,
    edit: &'static str,
    /// Name of the entry that was found.
    found: Option<String>,
    /// Cosine of the copy and that entry.
    cosine: Option<f32>,
    /// The entry, and what confirms it.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    best: Option<Match>,
    /// Views of the copy that were described.
    looks: usize,
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
        let (folder, kind) = (TemporaryFolder::new()?, Kind::default());
        let path = folder.path().join("samples");
        let collection = Collection::create_with_witnesses(&path, quantiser, &kind.to_string())?;
        let described = |pair: &Pair| {
            Ok::<_, anyhow::Error>(describe(&loaded.extractor, [tensor(&pair.released, &loaded.device)?]))
        };
        let descriptors = pairs.iter().map(described).collect::<Result<_>>()?;
        let entry = |(name, pair): (&String, &Pair)| {
            let witness = Witness::of(&pair.released, kind).map(|witness| witness.to_bytes());
            NewEntry { witness, ..NewEntry::added(name, None) }
        };
        let entries: Vec<NewEntry> = names.iter().zip(pairs).map(entry).collect();
        collection.store(&entries, Tensor::cat(descriptors, 0))?;
        let copy = EDIT.parse::<Edit>()?.apply(&first.released, seed)?;
        let settings = Settings { k: 1, explain: true, ..Settings::default() };
        let finder = Finder::new(&collection, settings)?;
        let answers = finder.find(&[Query::picture(copy)], &mut loaded.describer(BatchRequest::Auto))?;
        let answer = answers.into_iter().next().context("the copy has no answer")?;
        let nearest = answer.matches.into_iter().next();
        let entry = nearest.as_ref().map(|nearest| collection.entry(nearest.id)).transpose()?.flatten();
        let best = nearest.zip(entry).map(Match::from);
        Ok(Self {
            image: image.clone(),
            edit: EDIT,
            found: best.as_ref().map(|best| best.name.clone()),
            cosine: best.as_ref().map(|best| best.cosine),
            best,
            looks: answer.looks,
            entries: entries.len(),
        })
    }

    /// Formats the line.
    pub fn text(&self) -> String {
        let Self { image, edit, entries, .. } = self;
        let found = self.best.as_ref().map_or_else(|| "nothing was found".to_owned(), Match::text);
        format!(
            "A copy of the released {image} ({edit}) was looked up among {entries} released images: {found}."
        )
    }
}

fn tensor(image: &RgbImage, device: &Device) -> Result<Tensor<4>> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    Ok(pixels::from_rgb8(image.as_raw(), width, height, device)?)
}

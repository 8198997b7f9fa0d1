//! `cargo xtask fetch-weights`.

use std::path::PathBuf;

use anyhow::Result;
use extractor::weights::Manifest;
use indicatif::ProgressBar;

/// Fetches a model where it is not cached, and returns its file.
pub fn run(name: Option<&str>) -> Result<PathBuf> {
    let manifest = Manifest::bundled();
    let model = match name {
        Some(name) => manifest.model(name)?,
        None => manifest.default_model(),
    };
    let bar = ProgressBar::new(model.source.bytes).with_message(model.name.clone());
    let path = model.fetch(&crate::root()?.join("weights"), &mut |p| bar.set_position(p.bytes))?;
    bar.finish_and_clear();
    Ok(path)
}

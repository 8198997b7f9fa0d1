//! `cargo xtask fetch-weights`: fetches the weights of a model.

use std::path::PathBuf;

use anyhow::Result;
use extractor::weights::{Manifest, Progress};
use indicatif::ProgressBar;

/// Fetches a model unless it is cached, and returns the path of its file.
pub fn run(name: Option<&str>) -> Result<PathBuf> {
    let manifest = Manifest::bundled();
    let model = match name {
        Some(name) => manifest.model(name)?,
        None => manifest.default_model(),
    };
    let bar = ProgressBar::new(0).with_message(model.name.clone());
    let path = model.fetch(&crate::root()?.join("weights"), &mut |event| match event {
        Progress::Fetching { bytes, total, .. } => {
            bar.set_length(total.unwrap_or(bytes));
            bar.set_position(bytes);
        }
        Progress::Failed(error) => bar.suspend(|| eprintln!("{error}; trying the next source")),
        Progress::Trusted { file, sha256 } => bar.suspend(|| {
            eprintln!("{}: no hash is published; from now on it must be {sha256}", file.display());
        }),
    })?;
    bar.finish_and_clear();
    Ok(path)
}

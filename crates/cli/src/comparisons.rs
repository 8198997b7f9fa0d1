//! Originals against released images, measured with a progress bar and shown.

use anyhow::{Context, Result};
use burn::tensor::Tensor;
use describe::{Describer, network_input, stacked};
use evaluation::{Comparison, Setting, retrieval::Measures};
use image::RgbImage;
use image_file::Pixels;
use serde::Serialize;

use crate::{
    progress,
    table::{decimal, table},
};

/// What all edits do to retrieval.
pub struct Comparisons {
    pub nprobe: usize,
    pub rows: Vec<Comparison>,
}

impl Comparisons {
    /// Edits, describes and searches originals and released images.
    pub fn measure(
        describer: &mut Describer<'_>,
        setting: &Setting<'_>,
        originals: &[&RgbImage],
        released: Option<&[&RgbImage]>,
    ) -> Result<Self> {
        let sides = if released.is_some() { 2 } else { 1 };
        let bar = progress::bar(setting.transforms.len() * originals.len() * sides, "editing and searching");
        let mut describe = |images: &[&RgbImage]| describe_images(describer, images);
        let rows = setting.compare(originals, released, &mut describe, &|n| bar.inc(n as u64))?;
        bar.finish_and_clear();
        Ok(Self { nprobe: setting.nprobe, rows })
    }

    /// The mean over the edits, of originals and of released images.
    pub fn mean(&self) -> Result<(Measures, Option<Measures>)> {
        let passive: Vec<Measures> = self.rows.iter().map(|row| row.passive).collect();
        let released: Option<Vec<Measures>> = self.rows.iter().map(|row| row.released).collect();
        Ok((Measures::mean(&passive)?, released.map(|all| Measures::mean(&all)).transpose()?))
    }

    /// `retrieval` of `activate --json`.
    pub fn summary(&self) -> Result<Summary> {
        let (before, after) = self.mean()?;
        let transform = |row: &Comparison| EditRates {
            name: row.transform.name(),
            param: row.transform.param(),
            queries: row.passive.queries,
            rates: BeforeAndAfter::new(&row.passive, row.released.as_ref()),
        };
        let mean = BeforeAndAfter::new(&before, after.as_ref());
        Ok(Summary { nprobe: self.nprobe, mean, transforms: self.rows.iter().map(transform).collect() })
    }
}

/// Descriptors `[n, d]` of images of any sizes, one at least.
pub fn describe_images(describer: &mut Describer<'_>, images: &[&RgbImage]) -> Result<Tensor<2>> {
    let extractor = describer.extractor();
    let mut rows = Vec::with_capacity(images.len());
    while let Some(left) = images.get(rows.len()..).filter(|left| !left.is_empty()) {
        let prepare = |image: &&RgbImage| network_input(extractor, &Pixels::Eight((*image).clone()));
        let inputs: Vec<_> =
            left.iter().take(describer.batch_size()).map(prepare).collect::<describe::Result<_>>()?;
        rows.extend(describer.describe(&inputs)?);
    }
    stacked(&rows, &extractor.device()).context("no images to describe")
}

/// R@1 of each edit, before and after activation.
#[derive(Serialize)]
pub struct Summary {
    nprobe: usize,
    mean: BeforeAndAfter,
    transforms: Vec<EditRates>,
}

#[derive(Serialize)]
struct EditRates {
    name: &'static str,
    param: Option<f32>,
    queries: usize,
    #[serde(flatten)]
    rates: BeforeAndAfter,
}

#[derive(Serialize)]
struct BeforeAndAfter {
    before: f64,
    after: Option<f64>,
}

impl BeforeAndAfter {
    fn new(passive: &Measures, released: Option<&Measures>) -> Self {
        Self { before: passive.r1, after: released.map(|measures| measures.r1) }
    }

    fn cells(&self) -> [String; 2] {
        [Some(self.before), self.after].map(|rate| decimal(rate, 2))
    }
}

impl Summary {
    pub fn text(&self) -> String {
        let row = |name: String, queries: String, rates: &BeforeAndAfter| {
            [name, queries].into_iter().chain(rates.cells()).collect()
        };
        let name = |edit: &EditRates| {
            edit.param.map_or(edit.name.to_owned(), |param| format!("{} {param}", edit.name))
        };
        let edits = self.transforms.iter().map(|edit| row(name(edit), edit.queries.to_string(), &edit.rates));
        let mean = row("mean".to_owned(), String::new(), &self.mean);
        let headings = ["edited copies found", "queries", "R@1 originals", "R@1 released"];
        format!(
            "{}\nR@1: the right image comes first; nprobe {}",
            table(&headings, 1, edits.chain([mean])),
            self.nprobe
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evaluation::Edit;
    use serde_json::json;

    fn measures(r1: f64) -> Measures {
        Measures { r1, r10: r1, r100: r1, map: r1, queries: 20 }
    }

    #[test]
    fn the_summary_has_the_keys_that_outside_checks_read() {
        let row = |transform, before, after| {
            let (passive, released) = (measures(before), Some(measures(after)));
            Comparison { transform, passive, released }
        };
        let rows = vec![row(Edit::Identity, 1.0, 1.0), row(Edit::Hue { shift: 0.2 }, 0.5, 0.75)];
        let summary = Comparisons { nprobe: 1, rows }.summary().unwrap();
        let expected = json!({
            "nprobe": 1,
            "mean": { "before": 0.75, "after": 0.875 },
            "transforms": [
                { "name": "none", "param": null, "queries": 20, "before": 1.0, "after": 1.0 },
                { "name": "hue", "param": 0.2, "queries": 20, "before": 0.5, "after": 0.75 },
            ],
        });
        let text = serde_json::to_string(&summary).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), expected);
        assert!(summary.text().contains("| hue 0.2"), "{}", summary.text());
    }
}

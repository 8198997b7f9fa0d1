//! Report of `advise`.

use std::{fmt::Write, path::Path};

use evaluation::retrieval::Variant;
use image_file::path_text;
use index::Index;
use release::ReleasedImage;
use serde::Serialize;

use super::{
    super::eval::retrieval::retrieval_report::{
        QualitySummary, RetrievalReport, RetrievalRow, RetrievalTable, Sides, means,
    },
    recommendations::{Basis, Mean, recommend},
};

/// Number of edits that are named as lost.
const WORST: usize = 3;

/// Advice, and the figures that it is based on.
#[derive(Serialize)]
pub struct AdviceReport {
    index: IndexFacts,
    images: usize,
    /// True if it was interrupted: figures are of `images` of `planned`.
    partial: bool,
    planned: usize,
    /// Number of entries that are none of the images.
    distractors: usize,
    /// Means over the edits, for each number of cells and each nprobe.
    by_setting: Vec<VariantMean>,
    /// Edits of released images that the first variant loses most of.
    lost: Vec<LostEdit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<QualitySummary>,
    /// Seconds of activation, writing included.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_per_image: Option<f64>,
    recommendations: Vec<String>,
    seconds: f64,
    #[serde(skip)]
    tables: Vec<RetrievalTable>,
}

/// Kind and occupancy of the index.
#[derive(Serialize)]
pub struct IndexFacts {
    file: String,
    factory: String,
    metric: String,
    ntotal: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    nlist: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries_per_cell: Option<Occupancy>,
}

/// Entries per cell.
#[derive(Serialize)]
struct Occupancy {
    mean: f64,
    max: usize,
    /// Number of cells without entries.
    empty: usize,
}

/// Mean over the edits for one variant.
#[derive(Serialize)]
struct VariantMean {
    #[serde(flatten)]
    variant: Variant,
    #[serde(flatten)]
    mean: Sides,
}

/// Shares of the copies by one edit that are not found first.
#[derive(Serialize)]
struct LostEdit {
    name: &'static str,
    param: Option<f32>,
    passive: f64,
    released: f64,
    #[serde(skip)]
    label: String,
}

impl IndexFacts {
    pub fn new(index: &Index, path: &Path) -> Self {
        Self {
            file: path_text(path),
            factory: index.factory().to_string(),
            metric: index.metric().to_string(),
            ntotal: index.ntotal(),
            nlist: index.nlist(),
            entries_per_cell: index.list_sizes().map(|sizes| Occupancy::new(&sizes)),
        }
    }

    fn text(&self) -> String {
        let Self { file, factory, ntotal, nlist, entries_per_cell, .. } = self;
        let cells = match (nlist, entries_per_cell) {
            (Some(nlist), Some(Occupancy { mean, max, empty })) => {
                format!("{nlist} cells of {mean:.1} entries on average, {max} at most, {empty} of them empty")
            }
            _ => "no cells: each search visits all entries, whatever nprobe".to_owned(),
        };
        format!("{file}: {factory}, {ntotal} entries; {cells}")
    }
}

impl Occupancy {
    fn new(sizes: &[usize]) -> Self {
        Self {
            mean: sizes.iter().sum::<usize>() as f64 / sizes.len() as f64,
            max: sizes.iter().copied().max().unwrap_or(0),
            empty: sizes.iter().filter(|size| **size == 0).count(),
        }
    }
}

impl AdviceReport {
    /// Creates the report from the figures of the evaluation and the released images.
    pub fn new(index: IndexFacts, figures: RetrievalReport, rows: &[ReleasedImage], seconds: f64) -> Self {
        let tables = figures.tables().to_vec();
        let mean = |table: &RetrievalTable| VariantMean { variant: table.variant, mean: table.mean };
        let taken: Vec<f64> =
            rows.iter().filter_map(|row| row.figures.as_ref()).map(|figures| figures.seconds).collect();
        let basis = Basis {
            means: tables.iter().filter_map(Mean::new).collect(),
            images: figures.images,
            has_cells: index.nlist.is_some(),
            is_alone: figures.distractors == 0,
        };
        Self {
            images: figures.images,
            partial: figures.partial,
            planned: figures.planned,
            distractors: figures.distractors,
            by_setting: tables.iter().map(mean).collect(),
            lost: lost(&tables[0]),
            quality: figures.quality,
            seconds_per_image: (!taken.is_empty()).then(|| taken.iter().sum::<f64>() / taken.len() as f64),
            recommendations: recommend(&basis),
            seconds,
            tables,
            index,
        }
    }

    /// Formats the report.
    pub fn text(&self) -> String {
        let Self { images, planned, distractors, seconds, .. } = self;
        let mut text = self.index.text();
        let part =
            if self.partial { format!(" (PARTIAL: interrupted, {planned} planned)") } else { String::new() };
        let edits = self.tables[0].transforms.len();
        let _ = write!(
            text,
            "\n{images} photographs{part} with {edits} edits each, among {distractors} other entries; {seconds:.1} s\n\n{}\n\n",
            means(&self.tables)
        );
        if let Some(quality) = &self.quality {
            let _ = write!(text, "released: {}", quality.text());
            let _ = self.seconds_per_image.map(|seconds| write!(text, ", {seconds:.1} s per image"));
            text.push('\n');
        }
        if !self.lost.is_empty() {
            let share = |lost: &LostEdit| format!("{} ({:.0} %)", lost.label, 100.0 * lost.released);
            let shares: Vec<String> = self.lost.iter().map(share).collect();
            let nprobe = self.tables[0].variant.nprobe;
            let _ = writeln!(
                text,
                "copies of released images still lost at nprobe {nprobe}: {}",
                shares.join(", ")
            );
        }
        let _ = self.recommendations.iter().try_for_each(|line| write!(text, "\n- {line}"));
        text
    }
}

/// Returns the edits that lose most released images, the worst first.
fn lost(table: &RetrievalTable) -> Vec<LostEdit> {
    let of = |row: &RetrievalRow| {
        let released = 1.0 - row.sides.released.as_ref()?.r1;
        let (name, param, passive) = (row.name, row.param, 1.0 - row.sides.passive.r1);
        (released > 0.0).then(|| LostEdit { name, param, passive, released, label: row.label() })
    };
    let mut lost: Vec<LostEdit> = table.transforms.iter().filter_map(of).collect();
    lost.sort_by(|a, b| b.released.total_cmp(&a.released));
    lost.truncate(WORST);
    lost
}

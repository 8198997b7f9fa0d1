//! Report of `eval retrieval`.

use std::{fmt::Write, slice};

use evaluation::{
    Edit,
    bootstrap::{Bootstrap, Interval},
    retrieval::{Compared, Estimate, Side, Stored, Summary, Variant},
};
use release::quality::Quality;
use serde::Serialize;

use super::{super::settings::Settings, request::Evaluated};
use crate::report::table::table;

/// Figures of retrieval.
#[derive(Serialize)]
pub struct RetrievalReport {
    /// Table of the first variant.
    #[serde(flatten)]
    pub first: RetrievalTable,
    pub images: usize,
    /// True if it was interrupted: figures are of `images` of `planned`.
    pub partial: bool,
    pub planned: usize,
    /// Number of entries that are none of the images.
    pub distractors: usize,
    /// Number of them that were drawn from a Gaussian.
    pub synthetic: usize,
    /// Number of images that were added to the index for the evaluation.
    pub added: usize,
    /// Entries that copies of released images are searched against.
    pub stored: Stored,
    /// Tables of each nprobe, if there are several, with originals stored and copies viewed as in the first table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_nprobe: Vec<RetrievalTable>,
    /// Tables of each number of cells, of looks, and each nprobe, if there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_setting: Vec<RetrievalTable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualitySummary>,
    pub seconds: f64,
    /// Seconds spent in the network.
    pub network_seconds: f64,
    pub network_share: f64,
    /// Number of descriptors that the network computed; the others were known.
    pub described: usize,
    pub bootstrap: Resampling,
    pub settings: Settings,
}

/// Settings of the bootstrap.
#[derive(Serialize)]
pub struct Resampling {
    resamples: usize,
    seed: u64,
    level: f64,
}

/// Figures of one variant.
#[derive(Serialize, Clone)]
pub struct RetrievalTable {
    #[serde(flatten)]
    pub variant: Variant,
    pub transforms: Vec<RetrievalRow>,
    pub mean: Sides,
}

/// Figures of one edit.
#[derive(Serialize, Clone)]
pub struct RetrievalRow {
    pub name: &'static str,
    pub param: Option<f32>,
    /// True if it counts in the mean.
    pub averaged: bool,
    #[serde(flatten)]
    pub sides: Sides,
}

/// Rates of originals and of released images.
#[derive(Serialize, Clone, Copy)]
pub struct Sides {
    pub passive: Rates,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<Rates>,
    /// Released minus passive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain: Option<Rates>,
}

/// Rates of one side.
#[derive(Serialize, Clone, Copy)]
pub struct Rates {
    pub r1: f64,
    pub r10: f64,
    pub r100: f64,
    pub map: f64,
    /// Share of the queries in the cell of the right entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_cell: Option<f64>,
    pub interval: Intervals,
}

/// Bounds of 95 % of the resamples.
#[derive(Serialize, Clone, Copy)]
pub struct Intervals {
    pub r1: [f64; 2],
    pub r10: [f64; 2],
    pub r100: [f64; 2],
    pub map: [f64; 2],
}

/// Quality of the released images.
#[derive(Serialize)]
pub struct QualitySummary {
    pub psnr: MeanAndMin,
    pub ssim: MeanAndMin,
    pub linf: f64,
}

/// Mean and minimum over images.
#[derive(Serialize)]
pub struct MeanAndMin {
    pub mean: f64,
    pub min: f64,
}

impl From<[Interval; 4]> for Intervals {
    fn from(intervals: [Interval; 4]) -> Self {
        let [r1, r10, r100, map] = intervals.map(|Interval { low, high }| [low, high]);
        Self { r1, r10, r100, map }
    }
}

impl Rates {
    fn new(estimate: &Estimate, same_cell: Option<f64>) -> Self {
        let Estimate { measures: m, intervals } = *estimate;
        Self { r1: m.r1, r10: m.r10, r100: m.r100, map: m.map, same_cell, interval: intervals.into() }
    }

    fn minus(&self, other: &Self, intervals: [Interval; 4]) -> Self {
        Self {
            r1: self.r1 - other.r1,
            r10: self.r10 - other.r10,
            r100: self.r100 - other.r100,
            map: self.map - other.map,
            same_cell: self.same_cell.zip(other.same_cell).map(|(a, b)| a - b),
            interval: intervals.into(),
        }
    }

    /// Returns R@1 with its interval.
    fn first(&self) -> String {
        let Self { r1, interval: Intervals { r1: [low, high], .. }, .. } = self;
        format!("{r1:.3} [{low:.2}, {high:.2}]")
    }

    fn others(&self) -> Vec<String> {
        let rates = [Some(self.r10), Some(self.r100), Some(self.map), self.same_cell];
        rates.into_iter().flatten().map(|rate| format!("{rate:.3}")).collect()
    }
}

impl Sides {
    fn new(compared: &Compared, same_cell: [Option<f64>; 2]) -> Self {
        let passive = Rates::new(&compared.passive, same_cell[0]);
        let released = compared.released.as_ref().map(|estimate| Rates::new(estimate, same_cell[1]));
        let gain = released.zip(compared.gain).map(|(rates, intervals)| rates.minus(&passive, intervals));
        Self { passive, released, gain }
    }

    fn cells(&self, name: String) -> Vec<String> {
        let side = |rates: &Rates| [vec![rates.first()], rates.others()].concat();
        let mut cells = [vec![name], side(&self.passive)].concat();
        cells.extend(self.released.iter().flat_map(side));
        cells.extend(self.gain.iter().map(Rates::first));
        cells
    }
}

impl RetrievalRow {
    /// Returns the edit with its parameter.
    pub fn label(&self) -> String {
        self.param.map_or(self.name.to_owned(), |param| format!("{} {param}", self.name))
    }
}

impl RetrievalTable {
    fn new(evaluated: &Evaluated<'_>, at: usize, summary: &Summary) -> Self {
        let (edits, findings) = (&evaluated.request.config.edits, &evaluated.findings);
        let averaged = Edit::averaged(edits);
        let same_cell = |edit| [Side::Passive, Side::Released].map(|side| findings.same_cell(at, edit, side));
        let shares: Vec<_> = (0..edits.len()).map(same_cell).collect();
        let row = |(i, edit): (usize, &Edit)| RetrievalRow {
            name: edit.name(),
            param: edit.param(),
            averaged: averaged[i],
            sides: Sides::new(&summary.edits[i], shares[i]),
        };
        let counted = || shares.iter().zip(&averaged).filter(|(_, counts)| **counts).map(|(s, _)| s);
        let mean = |side: usize| {
            let all: Option<Vec<f64>> = counted().map(|shares| shares[side]).collect();
            all.map(|all| all.iter().sum::<f64>() / all.len() as f64)
        };
        Self {
            variant: findings.variants[at],
            transforms: edits.iter().enumerate().map(row).collect(),
            mean: Sides::new(&summary.mean, [mean(0), mean(1)]),
        }
    }

    pub fn text(&self) -> String {
        let has_cells = self.mean.passive.same_cell.is_some();
        let columns =
            if has_cells { &["R@10", "R@100", "mAP", "same cell"][..] } else { &["R@10", "R@100", "mAP"] };
        let mut headings = [&["edit", "R@1 [95 %]"][..], columns].concat();
        if self.mean.released.is_some() {
            headings = [&headings[..], &["released R@1"], columns, &["gain of R@1"]].concat();
        }
        let name = |row: &RetrievalRow| if row.averaged { row.label() } else { format!("{} *", row.label()) };
        let edits = self.transforms.iter().map(|row| row.sides.cells(name(row)));
        let text = table(&headings, 1, edits.chain([self.mean.cells("mean".to_owned())]));
        let all_count = self.transforms.iter().all(|row| row.averaged);
        if all_count { text } else { format!("{text}\n* is not in the mean, as in the paper") }
    }
}

impl QualitySummary {
    fn new(qualities: &[Quality]) -> Self {
        let of = |field: fn(&Quality) -> f64| {
            let values = || qualities.iter().map(field);
            let mean = values().sum::<f64>() / qualities.len() as f64;
            MeanAndMin { mean, min: values().fold(f64::INFINITY, f64::min) }
        };
        Self { psnr: of(|q| q.psnr), ssim: of(|q| q.ssim), linf: of(|q| f64::from(q.linf)).mean }
    }

    pub fn text(&self) -> String {
        let Self { psnr, ssim, linf } = self;
        format!(
            "PSNR {:.2} dB (least {:.2}), SSIM {:.4} (least {:.4}), L-inf {linf:.1}",
            psnr.mean, psnr.min, ssim.mean, ssim.min
        )
    }
}

impl RetrievalReport {
    pub fn new(evaluated: &Evaluated<'_>) -> Self {
        let Evaluated { request, findings, summaries, seconds, network_seconds, .. } = evaluated;
        let tables = summaries.iter().enumerate();
        let tables: Vec<RetrievalTable> =
            tables.map(|(at, summary)| RetrievalTable::new(evaluated, at, summary)).collect();
        let several = |tables: &[RetrievalTable]| if tables.len() > 1 { tables.to_vec() } else { Vec::new() };
        let qualities: Option<Vec<Quality>> =
            findings.answers.iter().map(|answers| answers.quality).collect();
        let Bootstrap { resamples, seed } = request.bootstrap;
        Self {
            first: tables[0].clone(),
            images: findings.answers.len(),
            partial: findings.is_partial(),
            planned: evaluated.planned,
            distractors: findings.distractors,
            synthetic: request.synthetic.as_ref().map_or(0, |synthetic| synthetic.n),
            added: findings.added,
            stored: request.config.stored,
            by_nprobe: several(&tables[..request.config.nprobes.len()]),
            by_setting: several(&tables),
            quality: qualities.as_deref().map(QualitySummary::new),
            seconds: *seconds,
            network_seconds: *network_seconds,
            network_share: network_seconds / seconds,
            described: evaluated.described,
            bootstrap: Resampling { resamples, seed, level: 0.95 },
            settings: evaluated.settings.clone(),
        }
    }

    /// Returns the tables of all variants.
    pub fn tables(&self) -> &[RetrievalTable] {
        if self.by_setting.is_empty() { slice::from_ref(&self.first) } else { &self.by_setting }
    }

    /// Describes the searched images and entries in one sentence.
    pub fn scope(&self, variant: &Variant) -> String {
        let Self { images, planned, distractors, synthetic, added, stored, .. } = self;
        let mut text = String::new();
        if self.partial {
            let _ = write!(text, "PARTIAL, interrupted after {images} of {planned} images: ");
        }
        let _ = write!(text, "{images} images among {distractors} other entries");
        if *synthetic > 0 {
            let _ = write!(text, ", {synthetic} of these synthetic (from a fitted Gaussian)");
        }
        let _ = write!(text, ", {variant}");
        if *stored == Stored::Released {
            let _ = write!(
                text,
                "; copies of released images are searched in an index that stores the released images"
            );
        }
        if *added > 0 {
            let _ = write!(text, "; {added} of the images were added to the index for the evaluation");
        }
        text
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for table in self.tables() {
            let _ = writeln!(text, "{}\n{}\n", table.text(), self.scope(&table.variant));
        }
        if self.tables().len() > 1 {
            let _ = writeln!(text, "{}\n", means(self.tables()));
        }
        if let Some(quality) = &self.quality {
            let _ = writeln!(text, "released: {}", quality.text());
        }
        let Self { seconds, network_share, described, .. } = self;
        let share = 100.0 * network_share;
        let _ = write!(text, "{seconds:.1} s, {share:.0} % of it in the network for {described} descriptors");
        text
    }
}

/// Returns the means of R@1 of all tables, with the cost of each variant.
pub fn means(tables: &[RetrievalTable]) -> String {
    let compares = tables.iter().any(|table| table.mean.released.is_some());
    let sides = ["released", "gain"];
    let sides = if compares { &sides[..] } else { &[] };
    let headings = [&["cells", "nprobe", "looks", "bytes per image", "mean R@1 [95 %]"], sides].concat();
    let row = |table: &RetrievalTable| {
        let Variant { cells, nprobe, looks, bytes_per_image } = table.variant;
        let numbers = [cells, nprobe, looks, bytes_per_image].map(|number| number.to_string());
        let Sides { passive, released, gain } = &table.mean;
        let rates = [Some(passive), released.as_ref(), gain.as_ref()];
        numbers.into_iter().chain(rates.into_iter().flatten().map(Rates::first)).collect()
    };
    table(&headings, 0, tables.iter().map(row))
}

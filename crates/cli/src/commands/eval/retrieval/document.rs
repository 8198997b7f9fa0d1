//! What `--json` prints, and the same as text.

use std::{fmt::Write, slice};

use evaluation::{
    bootstrap::Interval,
    quality::Quality,
    retrieval::{Compared, Estimate, Summary},
};
use serde::Serialize;

use super::{
    super::settings::Settings,
    Findings,
    answers::{Answer, Answers},
    variant::Variant,
};
use crate::{args::Stored, output::SCHEMA, table::table};

#[derive(Serialize)]
pub struct Document {
    schema: u32,
    /// The table of the first variant.
    #[serde(flatten)]
    pub first: Table,
    pub images: usize,
    /// Whether it was interrupted: figures are of `images` of `planned`.
    pub partial: bool,
    pub planned: usize,
    /// Entries of the index that are none of the images.
    pub distractors: usize,
    /// How many of them were drawn from a Gaussian.
    pub synthetic: usize,
    /// How many of the images were put into the index for the evaluation.
    pub added: usize,
    /// What copies of released images are searched by.
    pub stored: Stored,
    /// The same for each nprobe, where there are several, of originals stored as in the first table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_nprobe: Vec<Table>,
    /// The same for each number of cells that originals are stored in and each nprobe, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_setting: Vec<Table>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualitySummary>,
    pub seconds: f64,
    /// How much of it was spent in the network.
    pub network_seconds: f64,
    pub network_share: f64,
    /// Descriptors that the network made; the others were known.
    pub described: usize,
    pub bootstrap: Resampling,
    pub settings: Settings,
}

#[derive(Serialize)]
pub struct Resampling {
    resamples: usize,
    seed: u64,
    level: f64,
}

#[derive(Serialize, Clone)]
pub struct Table {
    #[serde(flatten)]
    pub variant: Variant,
    pub transforms: Vec<Row>,
    pub mean: Sides,
}

#[derive(Serialize, Clone)]
pub struct Row {
    pub name: &'static str,
    pub param: Option<f32>,
    /// Whether it counts in the mean.
    pub averaged: bool,
    #[serde(flatten)]
    pub sides: Sides,
}

#[derive(Serialize, Clone, Copy)]
pub struct Sides {
    pub passive: Rates,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<Rates>,
    /// Released minus passive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain: Option<Rates>,
}

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

/// 95 % of the resamples are within.
#[derive(Serialize, Clone, Copy)]
pub struct Intervals {
    pub r1: [f64; 2],
    pub r10: [f64; 2],
    pub r100: [f64; 2],
    pub map: [f64; 2],
}

#[derive(Serialize)]
pub struct QualitySummary {
    pub psnr: MeanAndMin,
    pub ssim: MeanAndMin,
    pub linf: f64,
}

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

    /// R@1 with its interval.
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

impl Row {
    pub fn label(&self) -> String {
        self.param.map_or(self.name.to_owned(), |param| format!("{} {param}", self.name))
    }
}

impl Table {
    fn new(findings: &Findings, at: usize, summary: &Summary) -> Self {
        let shares: Vec<_> = (0..findings.edits.len()).map(|edit| same_cell(findings, edit, at)).collect();
        let row = |(i, edit): (usize, &evaluation::Edit)| Row {
            name: edit.name(),
            param: edit.param(),
            averaged: findings.averaged[i],
            sides: Sides::new(&summary.edits[i], shares[i]),
        };
        let counted = || shares.iter().zip(&findings.averaged).filter(|(_, counts)| **counts).map(|(s, _)| s);
        let mean = |side: usize| {
            let all: Option<Vec<f64>> = counted().map(|shares| shares[side]).collect();
            all.map(|all| all.iter().sum::<f64>() / all.len() as f64)
        };
        Self {
            variant: findings.found.variants[at],
            transforms: findings.edits.iter().enumerate().map(row).collect(),
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
        let name = |row: &Row| if row.averaged { row.label() } else { format!("{} *", row.label()) };
        let edits = self.transforms.iter().map(|row| row.sides.cells(name(row)));
        let text = table(&headings, 1, edits.chain([self.mean.cells("mean".to_owned())]));
        let all_count = self.transforms.iter().all(|row| row.averaged);
        if all_count { text } else { format!("{text}\n* is not in the mean, as in the paper") }
    }
}

/// Shares of the queries of an edit that are in a cell of the right entry, of originals and of released images.
fn same_cell(findings: &Findings, edit: usize, variant: usize) -> [Option<f64>; 2] {
    let share = |side: fn(&Answers) -> Option<&Vec<Answer>>| {
        let is_same = |answers| side(answers)?.get(edit)?.hits[variant].same_cell;
        let same: Vec<bool> = findings.found.answers.iter().map(is_same).collect::<Option<_>>()?;
        Some(same.iter().filter(|is| **is).count() as f64 / same.len() as f64)
    };
    [share(|answers| Some(&answers.passive)), share(|answers| answers.released.as_ref())]
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

impl Document {
    pub fn new(findings: &Findings) -> Self {
        let tables = findings.summaries.iter().enumerate();
        let tables: Vec<Table> = tables.map(|(at, summary)| Table::new(findings, at, summary)).collect();
        let several = |tables: &[Table]| if tables.len() > 1 { tables.to_vec() } else { Vec::new() };
        let qualities: Option<Vec<Quality>> =
            findings.found.answers.iter().map(|answers| answers.quality).collect();
        let editing = &findings.arguments.editing;
        Self {
            schema: SCHEMA,
            first: tables[0].clone(),
            images: findings.found.answers.len(),
            partial: findings.is_partial(),
            planned: findings.planned,
            distractors: findings.found.distractors,
            synthetic: findings.arguments.synthetic.unwrap_or(0),
            added: findings.found.added,
            stored: findings.arguments.stored,
            by_nprobe: several(&tables[..findings.arguments.nprobe.len()]),
            by_setting: several(&tables),
            quality: qualities.as_deref().map(QualitySummary::new),
            seconds: findings.seconds,
            network_seconds: findings.network_seconds,
            network_share: findings.network_seconds / findings.seconds,
            described: findings.described,
            bootstrap: Resampling {
                resamples: editing.resamples,
                seed: editing.optimisation.seed,
                level: 0.95,
            },
            settings: findings.settings.clone(),
        }
    }

    /// All tables, that of the first variant first.
    pub fn tables(&self) -> &[Table] {
        if self.by_setting.is_empty() { slice::from_ref(&self.first) } else { &self.by_setting }
    }

    /// What was searched, in one sentence.
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
            let _ = write!(text, "; copies of released images are searched where these are stored");
        }
        if *added > 0 {
            let _ = write!(text, "; {added} of the images were added to the index for this");
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

/// The means of R@1 of all tables beside what they cost.
pub fn means(tables: &[Table]) -> String {
    let compares = tables.iter().any(|table| table.mean.released.is_some());
    let sides = ["released", "gain"];
    let sides = if compares { &sides[..] } else { &[] };
    let headings = [&["cells", "nprobe", "bytes an image", "mean R@1 [95 %]"], sides].concat();
    let row = |table: &Table| {
        let Variant { cells, nprobe, bytes_per_image } = table.variant;
        let numbers = [cells, nprobe, bytes_per_image].map(|number| number.to_string());
        let Sides { passive, released, gain } = &table.mean;
        let rates = [Some(passive), released.as_ref(), gain.as_ref()];
        numbers.into_iter().chain(rates.into_iter().flatten().map(Rates::first)).collect()
    };
    table(&headings, 0, tables.iter().map(row))
}

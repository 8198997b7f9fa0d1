//! Demonstration of `activate`: originals against released images in the bundled index.

use std::{num::NonZeroUsize, sync::Arc};

use anyhow::{Context, Result, ensure};
use describe::BatchRequest;
use evaluation::{
    Edit, EntryNames,
    pipeline::{KnownDescriptors, Pipeline, Source, Subject},
    retrieval::{Config, Measures, Side, Stored},
};
use image_file::Reader;
use index::Index;
use release::Pair;
use serde::Serialize;

use crate::{
    inputs::extractor::LoadedExtractor,
    report::table::{decimal, table},
    session::{Session, terminal_events::TerminalEvents},
};

/// Measures of all edits, at nprobe 1.
pub struct Demonstration {
    pub rows: Vec<Comparison>,
}

/// Measures of one edit.
pub struct Comparison {
    pub edit: Edit,
    /// Copies of originals.
    pub passive: Measures,
    /// Copies of released images.
    pub released: Measures,
}

impl Demonstration {
    /// Adds the originals to a copy of the index, and searches for edited copies of both sides.
    ///
    /// # Errors
    /// If a sample cannot be evaluated.
    pub fn measure(
        loaded: &LoadedExtractor,
        index: &Index,
        pairs: Vec<Pair>,
        batch: BatchRequest,
        seed: u64,
        session: &Session,
    ) -> Result<Self> {
        let subject = |(i, Pair { original, released }): (usize, Pair)| Subject {
            name: format!("sample {i}"),
            original: Source::Memory(Arc::new(original)),
            released: Some(Source::Memory(Arc::new(released))),
        };
        let subjects: Vec<Subject> = pairs.into_iter().enumerate().map(subject).collect();
        let one = vec![NonZeroUsize::MIN];
        let edits = Edit::paper();
        let config = Config {
            edits: edits.clone(),
            cells: one.clone(),
            nprobes: one.clone(),
            looks: one,
            stored: Stored::Originals,
        };
        let events = TerminalEvents::new(session);
        let mut pipeline = Pipeline {
            describer: loaded.describer(batch),
            reader: Reader::default(),
            known: KnownDescriptors::open(None, loaded.extractor.dimension(), &events)?,
            seed,
            events: &events,
        };
        let findings = config.evaluate(&mut pipeline, index.clone(), &EntryNames::new(), &subjects)?;
        let count = findings.answers.len();
        ensure!(
            count > 0 && count == subjects.len(),
            "{count} of {} samples could be evaluated",
            subjects.len()
        );
        let ranks = |side| findings.ranks(0, side).context("a sample was not released");
        let ranks = ranks(Side::Passive)?.into_iter().zip(ranks(Side::Released)?);
        let row = |(edit, (passive, released)): (Edit, (Vec<_>, Vec<_>))| -> Result<Comparison> {
            let [passive, released] = [Measures::from_ranks(&passive)?, Measures::from_ranks(&released)?];
            Ok(Comparison { edit, passive, released })
        };
        Ok(Self { rows: edits.into_iter().zip(ranks).map(row).collect::<Result<_>>()? })
    }

    /// Returns `retrieval` of `activate --json`.
    pub fn summary(&self) -> Result<DemonstrationSummary> {
        let mean = |side: fn(&Comparison) -> Measures| {
            Measures::mean(&self.rows.iter().map(side).collect::<Vec<_>>())
        };
        let transform = |row: &Comparison| EditRates {
            name: row.edit.name(),
            param: row.edit.param(),
            queries: row.passive.queries,
            rates: BeforeAndAfter::new(&row.passive, &row.released),
        };
        let mean = BeforeAndAfter::new(&mean(|row| row.passive)?, &mean(|row| row.released)?);
        Ok(DemonstrationSummary { nprobe: 1, mean, transforms: self.rows.iter().map(transform).collect() })
    }
}

/// R@1 of each edit, before and after activation.
#[derive(Serialize)]
pub struct DemonstrationSummary {
    nprobe: usize,
    mean: BeforeAndAfter,
    transforms: Vec<EditRates>,
}

/// R@1 of one edit.
#[derive(Serialize)]
struct EditRates {
    name: &'static str,
    param: Option<f32>,
    queries: usize,
    #[serde(flatten)]
    rates: BeforeAndAfter,
}

/// R@1 of originals and of released images.
#[derive(Serialize)]
struct BeforeAndAfter {
    before: f64,
    after: f64,
}

impl BeforeAndAfter {
    fn new(passive: &Measures, released: &Measures) -> Self {
        Self { before: passive.r1, after: released.r1 }
    }

    fn cells(&self) -> [String; 2] {
        [self.before, self.after].map(|rate| decimal(Some(rate), 2))
    }
}

impl DemonstrationSummary {
    /// Formats the table.
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
    use serde_json::json;

    fn measures(r1: f64) -> Measures {
        Measures { r1, r10: r1, r100: r1, map: r1, queries: 20 }
    }

    #[test]
    fn the_summary_has_the_keys_that_outside_checks_read() {
        let row = |edit, before, after| {
            let (passive, released) = (measures(before), measures(after));
            Comparison { edit, passive, released }
        };
        let rows = vec![row(Edit::Identity, 1.0, 1.0), row(Edit::Hue { shift: 0.2 }, 0.5, 0.75)];
        let summary = Demonstration { rows }.summary().unwrap();
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

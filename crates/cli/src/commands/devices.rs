//! `devices`: what `--device` can be here.

use anyhow::Result;
use serde::Serialize;

use crate::{
    Outcome,
    device::{Machine, Offer, survey},
    output::{Output, SCHEMA},
    table,
};

/// What `--json` prints.
#[derive(Serialize)]
struct Document {
    schema: u32,
    devices: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    /// What to write behind `--device`, of a runtime without devices its name.
    device: String,
    works: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<String>,
}

pub fn run(output: &Output) -> Result<Outcome> {
    let threads = rayon::current_num_threads();
    let cpu = Row {
        device: "cpu".to_owned(),
        works: true,
        index: None,
        name: Some(format!("{}, {threads} threads", std::env::consts::ARCH)),
        kind: Some("CPU".to_owned()),
        why_not: None,
    };
    let devices = [cpu].into_iter().chain(survey(&Machine).into_iter().map(Row::from)).collect();
    let document = Document { schema: SCHEMA, devices };
    output.result(&document, || text(&document))?;
    Ok(Outcome::Done)
}

impl From<Offer> for Row {
    fn from(Offer { runtime, card, why_not }: Offer) -> Self {
        let index = card.as_ref().map(|card| card.index);
        let device = index.map_or_else(|| runtime.to_string(), |index| format!("{runtime}:{index}"));
        let kind = card.as_ref().map(|card| card.kind.to_string());
        Self { device, works: why_not.is_none(), index, name: card.map(|card| card.name), kind, why_not }
    }
}

fn text(document: &Document) -> String {
    let cells = |row: &Row| {
        let works = row.why_not.clone().unwrap_or_else(|| "yes".to_owned());
        let [name, kind] = [&row.name, &row.kind].map(|cell| cell.clone().unwrap_or_else(|| "-".to_owned()));
        vec![row.device.clone(), kind, name, works]
    };
    table::table(&["--device", "kind", "name", "works"], 4, document.devices.iter().map(cells))
}

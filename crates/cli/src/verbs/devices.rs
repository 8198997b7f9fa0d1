//! `devices`: lists the devices that `--device` can name.

use anyhow::Result;
use serde::Serialize;

use crate::{
    device::{Machine, Offer, survey},
    report::{Report, table::table},
    session::{Outcome, Session},
};

/// Devices of this machine.
#[derive(Serialize)]
struct DevicesReport {
    devices: Vec<DeviceRow>,
}

/// A device, or a runtime that offers none.
#[derive(Serialize)]
struct DeviceRow {
    /// Value for `--device`; for a runtime without devices, its name.
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

pub fn run(session: &Session) -> Result<Outcome> {
    let offers = survey(&Machine).into_iter().map(DeviceRow::from);
    let devices = [DeviceRow::cpu()].into_iter().chain(offers).collect();
    let report = Report::new(DevicesReport { devices });
    session.result(&report, || report.body.text())?;
    Ok(Outcome::Done)
}

impl DeviceRow {
    fn cpu() -> Self {
        let threads = rayon::current_num_threads();
        Self {
            device: "cpu".to_owned(),
            works: true,
            index: None,
            name: Some(format!("{}, {threads} threads", std::env::consts::ARCH)),
            kind: Some("CPU".to_owned()),
            why_not: None,
        }
    }

    /// Returns the row of the table.
    fn cells(&self) -> Vec<String> {
        let works = self.why_not.clone().unwrap_or_else(|| "yes".to_owned());
        let [name, kind] =
            [&self.name, &self.kind].map(|cell| cell.clone().unwrap_or_else(|| "-".to_owned()));
        vec![self.device.clone(), kind, name, works]
    }
}

impl From<Offer> for DeviceRow {
    fn from(Offer { runtime, card, why_not }: Offer) -> Self {
        let index = card.as_ref().map(|card| card.index);
        let device = index.map_or_else(|| runtime.to_string(), |index| format!("{runtime}:{index}"));
        let kind = card.as_ref().map(|card| card.kind.to_string());
        Self { device, works: why_not.is_none(), index, name: card.map(|card| card.name), kind, why_not }
    }
}

impl DevicesReport {
    fn text(&self) -> String {
        table(&["--device", "kind", "name", "works"], 4, self.devices.iter().map(DeviceRow::cells))
    }
}

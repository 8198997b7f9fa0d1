//! Devices that drivers offer.

use std::fmt;

use burn::tensor::Device;

/// Runtime of devices other than the CPU; its name is that of the feature that includes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    Cuda,
    Wgpu,
}

impl Runtime {
    /// All runtimes, the fastest first.
    pub const ALL: [Self; 2] = [Self::Cuda, Self::Wgpu];
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cuda => "cuda",
            Self::Wgpu => "wgpu",
        })
    }
}

/// Kind of a device, the fastest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(not(feature = "wgpu-untuned"), allow(dead_code, reason = "CUDA devices are all discrete"))]
pub enum Kind {
    Discrete,
    Integrated,
    Virtual,
    /// Not stated by the driver.
    Unknown,
    /// The CPU, behind a graphics driver.
    Software,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discrete => "GPU",
            Self::Integrated => "integrated GPU",
            Self::Virtual => "virtual GPU",
            Self::Unknown => "unknown",
            Self::Software => "software",
        })
    }
}

/// A device of a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// N of `--device wgpu:N`.
    pub index: usize,
    pub name: String,
    pub kind: Kind,
    /// Number among the devices of its kind.
    pub nth: usize,
}

impl Card {
    /// Numbers devices, given by name and kind in the order of the driver.
    pub fn number(found: impl IntoIterator<Item = (String, Kind)>) -> Vec<Self> {
        let mut cards = Vec::<Self>::new();
        for (index, (name, kind)) in found.into_iter().enumerate() {
            let nth = cards.iter().filter(|card| card.kind == kind).count();
            cards.push(Self { index, name, kind, nth });
        }
        cards
    }
}

/// Devices of a runtime on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Driver {
    /// This program was built without the runtime; `idle` names a device that it could have used.
    NotBuilt { idle: Option<String> },
    /// No device can be used, for this reason.
    Missing(String),
    /// At least one device.
    Cards(Vec<Card>),
}

/// Drivers of this machine, or of one that a test describes.
pub trait Drivers {
    /// Returns the devices of a runtime.
    fn ask(&self, runtime: Runtime) -> Driver;

    /// Starts a device and computes on it.
    ///
    /// # Errors
    /// If the device does not compute; the message is one line.
    fn open(&self, runtime: Runtime, card: &Card) -> Result<Device, String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_numbered_overall_and_by_kind() {
        let found = [Kind::Integrated, Kind::Discrete, Kind::Discrete].map(|kind| (String::new(), kind));
        let cards = Card::number(found);
        let numbers: Vec<_> = cards.iter().map(|card| (card.index, card.nth)).collect();
        assert_eq!(numbers, [(0, 0), (1, 0), (2, 1)]);
    }
}

//! What drivers offer.

use std::fmt;

use burn::tensor::Device;

/// What computes on devices other than the CPU, and the feature of this program that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    Cuda,
    Wgpu,
}

impl Runtime {
    /// The faster first.
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

/// What a device is, the faster first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(not(feature = "wgpu-untuned"), allow(dead_code, reason = "CUDA's are all discrete"))]
pub enum Kind {
    Discrete,
    Integrated,
    Virtual,
    /// The driver does not say.
    Unknown,
    /// The CPU behind a graphics driver.
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
    /// Its number among those of its kind.
    pub nth: usize,
}

impl Card {
    /// Names and kinds in the driver's order.
    pub fn number(found: impl IntoIterator<Item = (String, Kind)>) -> Vec<Self> {
        let mut cards = Vec::<Self>::new();
        for (index, (name, kind)) in found.into_iter().enumerate() {
            let nth = cards.iter().filter(|card| card.kind == kind).count();
            cards.push(Self { index, name, kind, nth });
        }
        cards
    }
}

/// What there is of a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Driver {
    /// This program was built without the runtime; `idle` is a device that it could have used.
    NotBuilt { idle: Option<String> },
    /// No device of it can be used, for this reason.
    Missing(String),
    /// At least one.
    Cards(Vec<Card>),
}

/// The machine, or a test's idea of one.
pub trait Drivers {
    /// Asks the drivers of a runtime.
    fn ask(&self, runtime: Runtime) -> Driver;

    /// Starts a device and lets it compute; the reason where it cannot, in a line.
    fn open(&self, runtime: Runtime, card: &Card) -> Result<Device, String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_counted_in_all_and_by_kind() {
        let found = [Kind::Integrated, Kind::Discrete, Kind::Discrete].map(|kind| (String::new(), kind));
        let cards = Card::number(found);
        let numbers: Vec<_> = cards.iter().map(|card| (card.index, card.nth)).collect();
        assert_eq!(numbers, [(0, 0), (1, 0), (2, 1)]);
    }
}

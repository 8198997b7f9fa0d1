//! The sides of the comparison, asked the same requests in turn.

use std::{process::Command, thread::sleep, time::Duration};

use anyhow::{Context, Result};
use benches::Side;

use crate::{
    arguments::{Arguments, Kind, Peer},
    data::{Data, script},
    request::Request,
};

/// Pause between two turns: threads of other sides stay awake for a while after their work.
const PAUSE: Duration = Duration::from_millis(50);
/// Names of the sides, in the order of [`Sides`].
pub const NAMES: [&str; 4] = ["collection", "bare", "faiss", "lancedb"];

/// Number of each side; `None` of those that do not take part or failed.
pub type Numbers = [Option<f64>; NAMES.len()];

/// Processes in the order of [`NAMES`]; `None` for peers that do not take part.
pub struct Sides {
    sides: [Option<Side>; NAMES.len()],
    repeats: usize,
    /// Failures, in words.
    pub failures: Vec<String>,
}

impl Sides {
    /// Starts fresh processes.
    pub fn start(data: &Data, arguments: &Arguments) -> Result<Self> {
        let start = |name, command| Side::start(name, command, &data.folder, arguments.threads);
        let own = |kind: Kind, name: &'static str| -> Result<Option<Side>> {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("--serve").arg(if kind == Kind::Bare { "bare" } else { "collection" });
            start(name, command).map(Some)
        };
        let peer = |peer: Peer, name: &'static str| -> Result<Option<Side>> {
            let mut command = Command::new(&data.python);
            command.arg(script("collection_peers.py")).arg("serve").arg(name);
            arguments.peers.contains(&peer).then(|| start(name, command)).transpose()
        };
        let [collection, bare, faiss, lancedb] = NAMES;
        let sides = [
            own(Kind::Collection, collection)?,
            own(Kind::Bare, bare)?,
            peer(Peer::Faiss, faiss)?,
            peer(Peer::Lancedb, lancedb)?,
        ];
        Ok(Self { sides, repeats: arguments.repeats.max(1), failures: Vec::new() })
    }

    /// First words of the sides: their names and versions.
    pub fn versions(&self) -> Vec<String> {
        self.sides.iter().flatten().map(|side| side.version.clone()).collect()
    }

    /// Asks each of the sides in `who` once. Those that fail take no further part.
    pub fn ask(&mut self, who: [bool; NAMES.len()], request: &Request) -> Numbers {
        let mut numbers = Numbers::default();
        for ((side, number), _) in self.sides.iter_mut().zip(&mut numbers).zip(who).filter(|(_, who)| *who) {
            let Some(process) = side else { continue };
            sleep(PAUSE);
            match process.ask(request) {
                Ok(value) => *number = Some(value),
                Err(error) => {
                    self.failures.push(format!("{request:?}: {error:#}"));
                    *side = None;
                }
            }
        }
        numbers
    }

    /// Asks all sides in turn, and returns the median of each after one uncounted round.
    pub fn measure(&mut self, request: &Request) -> Numbers {
        let rounds: Vec<Numbers> =
            (0..=self.repeats).map(|_| self.ask([true; NAMES.len()], request)).skip(1).collect();
        std::array::from_fn(|side| median(rounds.iter().map(|round| round[side])))
    }

    /// Number of the collection's side.
    pub fn collection(&mut self, request: &Request) -> Result<f64> {
        let [number, ..] = self.ask([true, false, false, false], request);
        number.with_context(|| self.failures.join("; "))
    }
}

/// Median of numbers that are all there.
fn median(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect::<Option<_>>()?;
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

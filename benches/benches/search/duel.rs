//! Both sides, asked the same requests in turn.

use std::{path::PathBuf, thread::sleep, time::Duration};

use anyhow::{Context, Result};
use benches::Side;

use crate::{
    arguments::Arguments,
    data::{Data, script},
    pair::Pair,
    request::Request,
    side,
    workload::QUERIES,
};

/// Pause between two turns: OpenMP's threads spin for a while after their work, which would slow the other
/// side.
const PAUSE: Duration = Duration::from_millis(50);

/// Number of counted measurements of a request, and of uncounted ones before them.
#[derive(Debug, Clone, Copy)]
pub struct Repeats {
    warm_up: usize,
    counted: usize,
}

/// Fresh process of each side at one thread count.
pub struct Duel<'a> {
    pub data: &'a Data,
    pub threads: usize,
    pub short: Repeats,
    pub long: Repeats,
    pub ours: Side,
    pub faiss: Side,
    /// Memory of the processes before they loaded anything (interpreter, libraries), in MiB.
    bare: Pair,
}

impl<'a> Duel<'a> {
    pub fn start(data: &'a Data, threads: usize, arguments: &Arguments) -> Result<Self> {
        let mut ours = side::ours(&data.folder, threads)?;
        let mut faiss = side::faiss(&data.python, &script("faiss_index.py"), &data.folder, threads)?;
        let bare = Pair { ours: ours.ask(&Request::Memory)?, faiss: faiss.ask(&Request::Memory)? };
        let short = Repeats { warm_up: 1, counted: arguments.repeats.max(1) };
        let long = Repeats { warm_up: 0, counted: arguments.long_repeats.max(1) };
        Ok(Self { data, threads, short, long, ours, faiss, bare })
    }

    /// File of the data, in the spelling of requests.
    pub fn path(&self, name: &str) -> PathBuf {
        self.data.path(name)
    }

    /// Loads the queries and opens an index on both sides.
    pub fn search_in(&mut self, file: &str) -> Result<()> {
        self.ask(&Request::Load { path: self.path("query.f32"), count: QUERIES })?;
        self.ask(&Request::Open { path: self.path(file), queries: 0 })?;
        Ok(())
    }

    /// Asks each side once.
    pub fn ask(&mut self, request: &Request) -> Result<Pair> {
        Ok(Pair { ours: self.ours.ask(request)?, faiss: self.faiss.ask(request)? })
    }

    /// Asks the sides in turn and returns the median of each.
    pub fn measure(&mut self, repeats: Repeats, request: &Request) -> Result<Pair> {
        let (mut ours, mut faiss) = (Vec::new(), Vec::new());
        for turn in 0..repeats.warm_up + repeats.counted {
            sleep(PAUSE);
            let mine = self.ours.ask(request)?;
            sleep(PAUSE);
            let theirs = self.faiss.ask(request)?;
            if turn >= repeats.warm_up {
                ours.push(mine);
                faiss.push(theirs);
            }
        }
        Ok(Pair { ours: median(ours)?, faiss: median(faiss)? })
    }

    /// Peak memory of each side beyond that of the bare process, in MiB.
    pub fn memory(&mut self) -> Result<Pair> {
        let peak = self.ask(&Request::Memory)?;
        Ok(Pair { ours: peak.ours - self.bare.ours, faiss: peak.faiss - self.bare.faiss })
    }
}

fn median(mut values: Vec<f64>) -> Result<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().context("nothing was measured")
}

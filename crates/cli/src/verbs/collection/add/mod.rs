//! `collection add`: remembers images that are public already.

mod descriptors;
mod images;

use anyhow::{Result, ensure};
use collection::{Entry, State};
use serde::Serialize;

use crate::{
    args::CollectionAdd,
    inputs::{descriptor_file, sharding},
    session::{Outcome, Session},
};

pub fn run(arguments: &CollectionAdd, session: &Session) -> Result<Outcome> {
    match descriptor_file::only(&arguments.inputs)? {
        Some(file) => {
            sharding::require_none(&arguments.recorded.sharding, "added", session)?;
            ensure!(arguments.recorded.run.is_none(), "--run: is for images; a .npy file has no record");
            descriptors::run(file, arguments, session)
        }
        None => {
            ensure!(arguments.names.is_none(), "--names: is for the rows of a .npy file; images have names");
            images::run(arguments, session)
        }
    }
}

/// Numbers of inputs by what became of them.
#[derive(Serialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counts {
    added: usize,
    /// Inputs that are entries already.
    already: usize,
    failed: usize,
    /// Inputs that an interruption left.
    #[serde(skip)]
    left: usize,
    /// True if the user ended the run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    interrupted: bool,
}

impl Counts {
    fn outcome(self) -> Outcome {
        if self.interrupted { Outcome::Interrupted } else { Outcome::of(self.failed > 0) }
    }

    /// Returns a last line that says how to go on after an interruption, with the line break in front.
    fn line(self) -> String {
        match self.interrupted {
            true => format!("\ninterrupted with {} left: run the same command again to go on", self.left),
            false => String::new(),
        }
    }
}

/// Says that an input is an entry already, to every user if they may not expect it.
fn report_known(input: &str, new_name: &str, entry: &Entry, collection: &str, session: &Session) {
    let Entry { id, name, state, .. } = entry;
    match state {
        State::Withdrawn => session.note(&format!(
            "{input}: is entry {id}, {name}, which is withdrawn; `active-index restore {id} --collection {collection}` puts it back"
        )),
        _ if name != new_name => session.note(&format!("{input}: is entry {id} already, {name}")),
        _ => session.detail(|| format!("{input}: is entry {id} already")),
    }
}

//! `collection create`, `add`, `list`, `info`, `check`, `index`, `compact`, `calibrate`, `export`, `import`.

mod add;
mod calibrate;
mod check;
mod compact;
mod create;
mod export;
mod import;
mod index;
mod info;
mod list;
mod runs;

use anyhow::Result;

use crate::{
    args::CollectionVerb,
    session::{Outcome, Session},
};

pub fn run(verb: &CollectionVerb, session: &Session) -> Result<Outcome> {
    match verb {
        CollectionVerb::Create(arguments) => create::run(arguments, session),
        CollectionVerb::Add(arguments) => add::run(arguments, session),
        CollectionVerb::List(arguments) => list::run(arguments, session),
        CollectionVerb::Info { collection } => info::run(collection, session),
        CollectionVerb::Check { collection } => check::run(collection, session),
        CollectionVerb::Index(arguments) => index::run(arguments, session),
        CollectionVerb::Compact { collection } => compact::run(collection, session),
        CollectionVerb::Calibrate(arguments) => calibrate::run(arguments, session),
        CollectionVerb::Export(arguments) => export::run(arguments, session),
        CollectionVerb::Import(arguments) => import::run(arguments, session),
    }
}

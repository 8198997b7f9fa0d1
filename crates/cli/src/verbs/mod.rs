//! The verbs, one module each.

mod activate;
mod advise;
mod collection;
mod completions;
mod describe;
mod devices;
mod entry_states;
mod eval;
mod find;
mod healthcheck;
mod index;
mod man;
mod release;
mod search;
mod serve;
mod transform;

use anyhow::Result;

use crate::{
    args::{EvalVerb, Verb},
    session::{Outcome, Session},
};

/// Runs a verb.
///
/// # Errors
/// If nothing could be done.
pub fn run(verb: &Verb, session: &Session) -> Result<Outcome> {
    match verb {
        Verb::Release(arguments) => release::run(arguments, session),
        Verb::Activate(arguments) => activate::run(arguments, session),
        Verb::Advise(arguments) => advise::run(arguments, session),
        Verb::Describe(arguments) => describe::run(arguments, session),
        Verb::Index(verb) => index::run(verb, session),
        Verb::Search(arguments) => search::run(arguments, session),
        Verb::Find(arguments) => find::run(arguments, session),
        Verb::Serve(arguments) => serve::run(arguments, session),
        Verb::Withdraw(arguments) => entry_states::withdraw(arguments, session),
        Verb::Restore(arguments) => entry_states::restore(arguments, session),
        Verb::Collection(verb) => collection::run(verb, session),
        Verb::Eval(EvalVerb::Retrieval(arguments)) => eval::retrieval::run(arguments, session),
        Verb::Eval(EvalVerb::CopyDetection(arguments)) => eval::copy_detection::run(arguments, session),
        Verb::Eval(EvalVerb::Find(arguments)) => eval::find::run(arguments, session),
        Verb::Transform(arguments) => transform::run(arguments, session),
        Verb::Devices => devices::run(session),
        Verb::Completions { shell } => completions::run(*shell, session),
        Verb::Healthcheck(arguments) => healthcheck::run(arguments, session),
        Verb::Man { folder } => man::run(folder, session),
    }
}

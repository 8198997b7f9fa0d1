//! One module a verb.

mod activate;
mod advise;
mod describe;
mod devices;
mod eval;
mod index;
mod search;
mod transform;

use anyhow::Result;
use clap::CommandFactory;

use crate::{
    Outcome,
    args::{Arguments, EvalVerb, Globals, Verb},
    output::Output,
};

/// Does what the verb says.
pub fn run(verb: &Verb, globals: &Globals, output: &Output) -> Result<Outcome> {
    match verb {
        Verb::Activate(arguments) => activate::run(arguments, globals, output),
        Verb::Advise(arguments) => advise::run(arguments, globals, output),
        Verb::Describe(arguments) => describe::run(arguments, globals, output),
        Verb::Index(verb) => index::run(verb, globals, output),
        Verb::Search(arguments) => search::run(arguments, globals, output),
        Verb::Eval(EvalVerb::Retrieval(arguments)) => eval::retrieval::run(arguments, globals, output),
        Verb::Eval(EvalVerb::CopyDetection(arguments)) => eval::copy_detection(arguments, globals, output),
        Verb::Transform(arguments) => transform::run(arguments, output),
        Verb::Devices => devices::run(output),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "active-index", &mut script);
            output.text(&String::from_utf8(script)?)?;
            Ok(Outcome::Done)
        }
    }
}

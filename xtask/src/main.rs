//! The project's chores, as `cargo xtask VERB`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program speaks through its terminal")]

mod build_options;
mod cargo;
mod check;
mod dist;
mod english;
mod lance;
mod licences;
mod links;
mod packages;
mod sources;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser};

/// The project's chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Verb {
    /// Check format, English, links, licences, lints and documentation
    Check,
    /// Run the checks, then the tests, those of devices among them
    Test(test::Arguments),
    /// Write the archive of a release, its checksums and its bill of materials
    Dist(dist::Arguments),
    /// Fetch a model's weights into weights/, once
    FetchWeights(Forwarded),
    /// Convert published weights to a file that describes itself
    ConvertWeights(Forwarded),
    /// Rebuild weights/default.faiss from descriptors
    DefaultIndex(Forwarded),
    /// Draw descriptors that fill a collection to a realistic size
    Synthetic(Forwarded),
    /// Compute descriptors of random edits of photographs, to train an index on
    Views(Forwarded),
}

/// Arguments of a chore that needs the engine; `--help` shows them.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
struct Forwarded {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    match run(Verb::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Check => check::run(&build_options::build_options()),
        Verb::Test(arguments) => test::run(&arguments),
        Verb::Dist(arguments) => dist::run(&arguments),
        Verb::FetchWeights(forwarded) => forward("fetch-weights", forwarded),
        Verb::ConvertWeights(forwarded) => forward("convert-weights", forwarded),
        Verb::DefaultIndex(forwarded) => forward("default-index", forwarded),
        Verb::Synthetic(forwarded) => forward("synthetic", forwarded),
        Verb::Views(forwarded) => forward("views", forwarded),
    }
}

/// Runs a chore of the package `xtask-weights`, which is compiled for it.
fn forward(verb: &str, forwarded: Forwarded) -> Result<()> {
    let start = ["run", "--release", "--quiet", "--package", "xtask-weights", "--", verb];
    let arguments = start.map(str::to_owned).into_iter().chain(forwarded.arguments);
    cargo::quietly(arguments)
}

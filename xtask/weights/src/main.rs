//! Chores that need the engine: they make the files of `weights/`. `cargo xtask VERB` calls them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program speaks through its terminal")]

mod convert_weights;
mod default_index;
mod fetch_weights;
mod synthetic;
mod views;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::Parser;

/// The chores that need the engine.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Verb {
    /// Fetch a model's weights into weights/, once
    FetchWeights {
        /// Name in the manifest of models [default: the default model]
        name: Option<String>,
    },
    /// Convert published weights to a file that describes itself
    ConvertWeights(convert_weights::Arguments),
    /// Rebuild weights/default.faiss from descriptors
    DefaultIndex(default_index::Arguments),
    /// Draw descriptors that fill a collection to a realistic size
    Synthetic(synthetic::Arguments),
    /// Compute descriptors of random edits of photographs, to train an index on
    Views(views::Arguments),
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
        Verb::FetchWeights { name } => {
            fetch_weights::run(name.as_deref()).map(|path| println!("{}", path.display()))
        }
        Verb::ConvertWeights(arguments) => convert_weights::run(&arguments),
        Verb::DefaultIndex(arguments) => default_index::run(&arguments),
        Verb::Synthetic(arguments) => synthetic::run(&arguments),
        Verb::Views(arguments) => views::run(&arguments),
    }
}

/// The project's root folder.
fn root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    Ok(root.context("the package is in no project")?.to_owned())
}

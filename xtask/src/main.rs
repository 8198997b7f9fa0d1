//! The project's chores, as `cargo xtask VERB`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod check;
mod convert_weights;
mod default_index;
mod devices;
mod fetch_weights;
mod licences;
mod views;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, ensure};
use clap::Parser;

/// The project's chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Verb {
    /// Fetch a model's weights into weights/, once
    FetchWeights {
        /// A name from weights/manifest.toml [default: the default model]
        name: Option<String>,
    },
    /// Convert published weights to a file that says itself what it is
    ConvertWeights(convert_weights::Arguments),
    /// Rebuild weights/default.faiss from descriptors
    DefaultIndex(default_index::Arguments),
    /// Descriptors of random edits of photographs, to train an index on
    Views(views::Arguments),
    /// Format, licences, lints, documentation
    Check,
    /// Everything that must hold before a change lands: the checks, then all tests
    Test(TestArguments),
    /// Lints and tests of the features wgpu and cuda, which build burn anew: no part of `test`
    TestDevices,
}

#[derive(Debug, clap::Args)]
struct TestArguments {
    /// Arguments for `cargo test`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
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
        Verb::Views(arguments) => views::run(&arguments),
        Verb::Check => check::run(),
        Verb::Test(arguments) => {
            check::run()?;
            fetch_weights::run(Some("sscd_disc_mixup_int8"))?;
            let tests = ["test", "--release", "--workspace", "--no-fail-fast"].map(str::to_owned);
            cargo(tests.into_iter().chain(arguments.rest))?;
            // Formats that are no part of the program by default.
            let optional = "test --release -p image-file --test optional --features heic,jxl";
            cargo(optional.split(' ').map(str::to_owned))
        }
        Verb::TestDevices => {
            devices::check()?;
            devices::test()
        }
    }
}

/// Runs cargo in the project's root and fails where it does.
fn cargo(arguments: impl IntoIterator<Item = String>) -> Result<()> {
    cargo_with(&[], arguments)
}

/// The same with variables of the environment.
fn cargo_with(variables: &[(&str, &str)], arguments: impl IntoIterator<Item = String>) -> Result<()> {
    let arguments: Vec<String> = arguments.into_iter().collect();
    println!("$ cargo {}", arguments.join(" "));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(&arguments).envs(variables.iter().copied()).current_dir(root()?);
    let status = cargo.status()?;
    ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(())
}

/// The project's root folder.
fn root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent folder")?;
    Ok(root.to_owned())
}

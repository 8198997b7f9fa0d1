//! `cargo xtask test`: everything that must hold before a change lands.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    build_options::build_options,
    cargo::{self, words},
    check,
};

/// Options of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Also run the slow checks: lints of CUDA, full-size networks, kill loops, long sweeps
    #[arg(long)]
    all: bool,
    /// Run only the slow checks
    #[arg(long, conflicts_with = "all")]
    slow: bool,
    /// Arguments for `cargo test`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Runs the requested checks and tests.
///
/// # Errors
/// If a check or a test fails.
pub fn run(arguments: &Arguments) -> Result<()> {
    let build = build_options();
    if !arguments.slow {
        check::run(&build)?;
    }
    if arguments.all || arguments.slow {
        check::cuda(&build)?;
    }
    fetch_weights(&build)?;
    let mut test = words(&format!("test {build} --no-fail-fast"));
    test.extend(arguments.rest.iter().cloned());
    test.extend(arguments.tier().map(str::to_owned));
    cargo::run(test)?;
    if !arguments.all && !arguments.slow {
        println!("SKIPPED the slow tests; cargo xtask test --all runs them too");
    }
    Ok(())
}

impl Arguments {
    /// Arguments of the test programs; the slow tests are the ignored ones.
    fn tier(&self) -> impl Iterator<Item = &'static str> + use<> {
        let tier = match (self.all, self.slow) {
            (true, _) => Some("--include-ignored"),
            (_, true) => Some("--ignored"),
            _ => None,
        };
        tier.into_iter().flat_map(|tier| ["--", tier])
    }
}

/// Fetches the weights of the tests once, before several test processes would.
fn fetch_weights(build: &str) -> Result<()> {
    let status = Command::new(built("xtask-weights", build)?)
        .args(["fetch-weights", "sscd_disc_mixup_int8"])
        .current_dir(cargo::root()?)
        .status()?;
    ensure!(status.success(), "the tests need the weights");
    Ok(())
}

/// Builds the programs with the options of the tests, and returns the path of one.
fn built(program: &str, build: &str) -> Result<PathBuf> {
    let line = format!("build {build} --message-format=json-render-diagnostics");
    println!("$ cargo {line}");
    let output = String::from_utf8(cargo::output(&line.split(' ').collect::<Vec<_>>())?)?;
    let messages = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    let found = programs.find(|path| path.file_stem().is_some_and(|name| name == program));
    found.with_context(|| format!("cargo built no {program}"))
}

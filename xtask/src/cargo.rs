//! Calls of cargo.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};

/// Prints a call of cargo and runs it in the project's root.
///
/// # Errors
/// If cargo cannot be started or fails.
pub fn run(arguments: Vec<String>) -> Result<()> {
    run_with(&[], arguments)
}

/// Prints a call of cargo and runs it in the project's root with environment variables.
///
/// # Errors
/// If cargo cannot be started or fails.
pub fn run_with(variables: &[(&str, &str)], arguments: Vec<String>) -> Result<()> {
    println!("$ cargo {}", arguments.join(" "));
    succeed(command()?.args(arguments).envs(variables.iter().copied()))
}

/// Runs cargo in the project's root without printing the call.
///
/// # Errors
/// If cargo cannot be started or fails.
pub fn quietly(arguments: impl IntoIterator<Item = String>) -> Result<()> {
    succeed(command()?.args(arguments))
}

/// Runs cargo and returns its standard output.
///
/// # Errors
/// If cargo cannot be started or fails.
pub fn output(arguments: &[&str]) -> Result<Vec<u8>> {
    let mut cargo = command()?;
    let Output { status, stdout, .. } = cargo.args(arguments).stderr(Stdio::inherit()).output()?;
    ensure!(status.success(), "`{cargo:?}` failed");
    Ok(stdout)
}

fn succeed(cargo: &mut Command) -> Result<()> {
    let status = cargo.status()?;
    ensure!(status.success(), "`{cargo:?}` failed");
    Ok(())
}

fn command() -> Result<Command> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()?);
    Ok(cargo)
}

/// Splits a line at its spaces.
pub fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// The project's root folder.
///
/// # Errors
/// If this package has no parent folder.
pub fn root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent folder")?;
    Ok(root.to_owned())
}

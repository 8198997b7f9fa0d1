//! Calls of cargo.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

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

/// Prints a build and runs it, and returns the path of a program that it makes.
///
/// # Errors
/// If the build fails, or makes no such program.
pub fn built(program: &str, options: &str) -> Result<PathBuf> {
    let line = format!("build {options} --message-format=json-render-diagnostics");
    println!("$ cargo {line}");
    let output = String::from_utf8(output(&line.split(' ').collect::<Vec<_>>())?)?;
    let messages = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    let found = programs.find(|path| path.file_stem().is_some_and(|name| name == program));
    found.with_context(|| format!("cargo built no {program}"))
}

/// Returns the target triple of this machine.
///
/// # Errors
/// If cargo does not tell.
pub fn host() -> Result<String> {
    let version = String::from_utf8(output(&["--version", "--verbose"])?)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("cargo does not tell its host")
}

/// Returns all packages of the lock file, as `cargo metadata` describes them.
///
/// # Errors
/// If there are none.
pub fn packages() -> Result<Vec<Value>> {
    let metadata = output(&["metadata", "--format-version=1", "--locked", "--all-features"])?;
    let mut metadata: Value = serde_json::from_slice(&metadata)?;
    match metadata["packages"].take() {
        Value::Array(packages) if !packages.is_empty() => Ok(packages),
        _ => bail!("cargo metadata lists no packages"),
    }
}

/// Returns the name and version of a package as `cargo tree` prints them: `serde v1.0.0`.
pub fn name_and_version(package: &Value) -> String {
    let field = |name: &str| package[name].as_str().unwrap_or("?");
    format!("{} v{}", field("name"), field("version"))
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

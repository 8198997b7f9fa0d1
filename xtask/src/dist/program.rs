//! The program of an archive, and the files that it writes about itself: manual pages and completions.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::{archive::Archive, read};
use crate::cargo;

/// Shells, and the files that they look for.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "active-index.bash"),
    ("elvish", "active-index.elv"),
    ("fish", "active-index.fish"),
    ("powershell", "_active-index.ps1"),
    ("zsh", "_active-index"),
];

/// Builds the program as a release carries it, and returns its path.
///
/// # Errors
/// If it does not compile.
pub fn build(features: &str) -> Result<PathBuf> {
    cargo::built("active-index", &format!("--profile dist --locked --package cli --features {features}"))
}

/// Adds the program, its manual pages and its completions.
///
/// # Errors
/// If it does not run, or is of another version.
pub fn add(program: &Path, version: &str, archive: &mut Archive) -> Result<()> {
    // A relative path would be looked up in the folders of programs.
    let program = fs::canonicalize(program).with_context(|| program.display().to_string())?;
    let line = String::from_utf8(output(&program, &["--version"])?)?;
    let is_of_version = line.trim() == format!("active-index {version}");
    ensure!(is_of_version, "{}: is {}, not {version}", program.display(), line.trim());
    let manual = tempfile::tempdir()?;
    let folder = manual.path().to_str().context("the folder of temporary files has an odd name")?;
    output(&program, &["man", folder])?;
    archive.add_folder("man/man1", manual.path())?;
    for (shell, file) in COMPLETIONS {
        archive.add(&format!("completions/{file}"), output(&program, &["completions", shell])?);
    }
    archive.add_program(&format!("active-index{}", std::env::consts::EXE_SUFFIX), read(&program)?);
    Ok(())
}

fn output(program: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let line = || format!("{} {}", program.display(), arguments.join(" "));
    let output = Command::new(program).args(arguments).output().with_context(line)?;
    ensure!(output.status.success(), "{}: {}", line(), String::from_utf8_lossy(&output.stderr).trim());
    Ok(output.stdout)
}

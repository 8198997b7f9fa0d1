//! `cargo xtask check`: all checks, the cheapest first.

use anyhow::Result;

use crate::{
    cargo::{self, words},
    english, licences, links, packages,
};

/// Runs all checks; those that compile use these options of cargo.
///
/// # Errors
/// If a check fails.
pub fn run(build: &str) -> Result<()> {
    cargo::run(words("fmt --all --check"))?;
    english::check()?;
    links::check()?;
    licences::check(licences::Scope::WithoutLance)?;
    packages::check()?;
    cargo::run(words(&format!("clippy {build} --all-targets -- --deny warnings")))?;
    let deny = r#"--config build.rustdocflags=["--deny=warnings"]"#;
    cargo::run(words(&format!("{deny} doc {build} --no-deps")))
}

/// Lints the code of CUDA, as far as it compiles without the LLVM that CUDA's compiler downloads.
///
/// # Errors
/// If there is a warning.
pub fn cuda(build: &str) -> Result<()> {
    let line = format!("clippy {build},cli/cuda,benches/cuda --all-targets -- --deny warnings");
    cargo::run_with(&[("DOCS_RS", "1")], words(&line))
}

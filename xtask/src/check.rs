//! `cargo xtask check`: the cheapest first.

use anyhow::Result;

use crate::{
    cargo::{self, words},
    english, licences, links, packages,
};

/// Runs all checks, the compiled ones with these options of cargo.
///
/// # Errors
/// If one fails.
pub fn run(build: &str) -> Result<()> {
    cargo::run(words("fmt --all --check"))?;
    english::check()?;
    links::check()?;
    licences::check()?;
    packages::check()?;
    cargo::run(words(&format!("clippy {build} --all-targets -- --deny warnings")))?;
    let deny = r#"--config build.rustdocflags=["--deny=warnings"]"#;
    cargo::run(words(&format!("{deny} doc {build} --no-deps")))
}

/// Lints the code of CUDA too, which is compiled as far as it can be without the LLVM that its compiler downloads.
///
/// # Errors
/// If there is a warning.
pub fn cuda(build: &str) -> Result<()> {
    let line = format!("clippy {build},cli/cuda,benches/cuda --all-targets -- --deny warnings");
    cargo::run_with(&[("DOCS_RS", "1")], words(&line))
}

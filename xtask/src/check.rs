//! `cargo xtask check`: the cheapest first.

use anyhow::Result;

use crate::{cargo, licences};

pub fn run() -> Result<()> {
    let run = |line: &str| cargo(line.split(' ').map(str::to_owned));
    run("fmt --all --check")?;
    licences::check()?;
    run("clippy --release --workspace --all-targets --locked -- --deny warnings")?;
    run(r#"--config build.rustdocflags=["--deny=warnings"] doc --release --workspace --no-deps --locked"#)
}

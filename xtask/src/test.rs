//! `cargo xtask test`: everything that must hold before a change lands.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::{
    build_options::build_options,
    cargo::{self, words},
    check, lance,
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
    /// Check and test only collections in Lance datasets; their build takes half an hour on two cores, and needs protoc
    #[arg(long)]
    lance: bool,
    /// Arguments for `cargo test`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Runs the requested checks and tests.
///
/// # Errors
/// If a check or a test fails.
pub fn run(arguments: &Arguments) -> Result<()> {
    let tier: Vec<String> = arguments.tier().map(str::to_owned).collect();
    if arguments.lance {
        return lance::run(&arguments.rest, &tier);
    }
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
    test.extend(tier);
    cargo::run(test)?;
    if !arguments.all && !arguments.slow {
        println!("SKIPPED the slow tests; cargo xtask test --all runs them too");
        println!("SKIPPED the tests of Lance; cargo xtask test --lance runs them");
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
    let status = Command::new(cargo::built("xtask-weights", build)?)
        .args(["fetch-weights", "sscd_disc_mixup_int8"])
        .current_dir(cargo::root()?)
        .status()?;
    ensure!(status.success(), "the tests need the weights");
    Ok(())
}

//! Time of the commit, which all files of an archive have.

use std::{env, process::Command};

use anyhow::{Context, Result, ensure};

use crate::cargo;

/// Variable that replaces the time of the commit where there is no git, see
/// <https://reproducible-builds.org/specs/source-date-epoch/>.
const VARIABLE: &str = "SOURCE_DATE_EPOCH";

/// Returns the time of the commit, or the one that the environment sets, in seconds since 1970.
///
/// # Errors
/// If the variable is no number; without it, if git knows no commit.
pub fn commit_time() -> Result<u64> {
    if let Some(time) = env::var_os(VARIABLE) {
        let time = time.to_str().and_then(|time| time.parse().ok());
        return time.with_context(|| format!("{VARIABLE} is no number of seconds"));
    }
    let mut git = Command::new("git");
    let output = git.args(["log", "-1", "--format=%ct"]).current_dir(cargo::root()?).output()?;
    let missing = || format!("git knows no commit here: set {VARIABLE}");
    ensure!(output.status.success(), missing());
    String::from_utf8(output.stdout)?.trim().parse().with_context(missing)
}

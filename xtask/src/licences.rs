//! Check of licences: each permits shipping the dependency in a closed or an open product.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use spdx::{Expression, ParseMode};

use crate::cargo;

/// Licences that require only attribution, or the source of the file itself (MPL).
const ALLOWED: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "IJG",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Checks every package that is built for any platform, including the project's own.
pub fn check() -> Result<()> {
    let built = built()?;
    let packages = cargo::packages()?;
    let used: Vec<&Value> =
        packages.iter().filter(|package| built.contains(&cargo::name_and_version(package))).collect();
    ensure!(used.len() >= built.len(), "cargo metadata lists {} of {} packages", used.len(), built.len());
    let refused: Vec<String> =
        used.iter().filter_map(|package| refusal(package).err()).map(|e| e.to_string()).collect();
    ensure!(refused.is_empty(), "licences that are not on the list: {}", refused.join("; "));
    println!("licences of {} packages are on the list", used.len());
    Ok(())
}

/// Names and versions of the packages that some combination of features builds; `cargo metadata` also lists optional
/// ones that none builds.
fn built() -> Result<BTreeSet<String>> {
    let arguments = [
        "tree",
        "--workspace",
        "--locked",
        "--all-features",
        "--target=all",
        "--prefix=none",
        "--format={p}",
    ];
    let text = String::from_utf8(cargo::output(&arguments)?)?;
    let first_two = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    Ok(text.lines().filter(|line| !line.is_empty()).map(first_two).collect())
}

fn refusal(package: &Value) -> Result<()> {
    let name = package["name"].as_str().unwrap_or("?");
    let licence = package["license"].as_str().with_context(|| format!("{name} names no licence"))?;
    let expression =
        Expression::parse_mode(licence, ParseMode::LAX).with_context(|| format!("{name}: {licence}"))?;
    let allowed = |requirement: &spdx::LicenseReq| {
        requirement.license.id().is_some_and(|id| ALLOWED.contains(&id.name))
    };
    ensure!(expression.evaluate(allowed), "{name} is under {licence}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn copyleft_and_unknown_licences_are_refused() {
        assert!(refusal(&json!({ "name": "a", "license": "MIT OR GPL-3.0" })).is_ok());
        assert!(refusal(&json!({ "name": "b", "license": "MIT/Apache-2.0" })).is_ok());
        for licence in ["AGPL-3.0", "CC-BY-NC-4.0", "MIT AND GPL-3.0", "nonsense"] {
            assert!(refusal(&json!({ "name": "c", "license": licence })).is_err(), "{licence}");
        }
        assert_eq!(refusal(&json!({ "name": "d" })).unwrap_err().to_string(), "d names no licence");
    }
}

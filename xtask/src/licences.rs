//! Check of licences: each permits shipping the dependency in a closed or an open product.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use spdx::{Expression, ParseMode};

use crate::{cargo, lance};

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

/// Packages that are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All but those that only Lance and object stores need, which no other check downloads.
    WithoutLance,
    /// All packages.
    Everything,
}

/// Checks every package that is built for any platform, including the project's own.
pub fn check(scope: Scope) -> Result<()> {
    let built = built(scope)?;
    let refused: Vec<String> = built
        .iter()
        .filter_map(|(package, licence)| refusal(package, licence).err())
        .map(|error| error.to_string())
        .collect();
    ensure!(refused.is_empty(), "licences that are not on the list: {}", refused.join("; "));
    println!("licences of {} packages are on the list", built.len());
    Ok(())
}

/// Packages that some combination of features builds, with their licences; `cargo metadata` also lists optional ones
/// that none builds.
fn built(scope: Scope) -> Result<BTreeSet<(String, String)>> {
    let mut arguments = cargo::words("tree --workspace --locked --target=all --prefix=none --format={p}|{l}");
    match scope {
        Scope::Everything => arguments.push("--all-features".to_owned()),
        Scope::WithoutLance => {
            arguments.extend(lance::PACKAGES.map(|package| format!("--exclude={package}")));
            arguments.push(format!("--features={}", features_without_lance()?.join(",")));
        }
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let text = String::from_utf8(cargo::output(&arguments)?)?;
    let first_two = |package: &str| package.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let lines = text.lines().filter_map(|line| line.split_once('|'));
    // Packages that were printed before are marked.
    let built: BTreeSet<_> = lines
        .map(|(package, licence)| (first_two(package), licence.trim_end_matches(" (*)").to_owned()))
        .collect();
    ensure!(!built.is_empty(), "cargo tree lists no packages");
    Ok(built)
}

/// Features of all packages of the workspace but those of Lance and of object stores.
fn features_without_lance() -> Result<Vec<String>> {
    let metadata = cargo::output(&["metadata", "--format-version=1", "--no-deps", "--locked"])?;
    let metadata: Value = serde_json::from_slice(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let mut features = Vec::new();
    for package in packages {
        let name = package["name"].as_str().context("a package has no name")?;
        let own = package["features"].as_object().context("a package has no list of features")?;
        features.extend(own.keys().map(|feature| format!("{name}/{feature}")));
    }
    features.retain(|feature| {
        let package = feature.split('/').next().unwrap_or_default();
        !lance::FEATURES_APART.contains(&feature.as_str()) && !lance::PACKAGES.contains(&package)
    });
    Ok(features)
}

fn refusal(package: &str, licence: &str) -> Result<()> {
    ensure!(!licence.is_empty(), "{package} names no licence");
    let expression =
        Expression::parse_mode(licence, ParseMode::LAX).with_context(|| format!("{package}: {licence}"))?;
    let allowed = |requirement: &spdx::LicenseReq| {
        requirement.license.id().is_some_and(|id| ALLOWED.contains(&id.name))
    };
    ensure!(expression.evaluate(allowed), "{package} is under {licence}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copyleft_and_unknown_licences_are_refused() {
        assert!(refusal("a v1.0.0", "MIT OR GPL-3.0").is_ok());
        assert!(refusal("b v1.0.0", "MIT/Apache-2.0").is_ok());
        for licence in ["AGPL-3.0", "CC-BY-NC-4.0", "MIT AND GPL-3.0", "nonsense"] {
            assert!(refusal("c v1.0.0", licence).is_err(), "{licence}");
        }
        assert_eq!(refusal("d v1.0.0", "").unwrap_err().to_string(), "d v1.0.0 names no licence");
    }

    #[test]
    fn the_first_tier_reads_no_licences_of_lance() {
        let built = built(Scope::WithoutLance).unwrap();
        let has = |start: &str| built.iter().any(|(package, _)| package.starts_with(start));
        assert!(has("serde v") && has("burn-core v") && !has("lance") && !has("datafusion"));
    }
}

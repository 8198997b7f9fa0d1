//! Every dependency must be under a licence that allows shipping it in a closed or an open product.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use spdx::{Expression, ParseMode};

/// Licences that ask for no more than attribution, or for the source of the file itself (MPL).
const ALLOWED: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Checks the packages that `cargo metadata` lists, ours among them.
pub fn check() -> Result<()> {
    let packages = packages()?;
    let refused: Vec<String> =
        packages.iter().filter_map(|package| refusal(package).err()).map(|e| e.to_string()).collect();
    ensure!(refused.is_empty(), "licences that are not on the list: {}", refused.join("; "));
    println!("licences of {} packages are on the list", packages.len());
    Ok(())
}

fn packages() -> Result<Vec<Value>> {
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args(["metadata", "--format-version=1", "--locked"]).current_dir(crate::root()?);
    let output = metadata.output().context("cannot run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let mut document: Value = serde_json::from_slice(&output.stdout)?;
    match document["packages"].take() {
        Value::Array(packages) if !packages.is_empty() => Ok(packages),
        _ => bail!("cargo metadata lists no packages"),
    }
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

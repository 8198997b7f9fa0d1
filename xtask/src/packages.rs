//! Check of the packages of the libraries: metadata and licences are present, weights and test data are not.

use std::{ffi::OsStr, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cargo;

/// Files that every package has.
const REQUIRED: [&str; 4] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

/// Endings of files of weights, indexes and arrays.
const REFUSED_ENDINGS: [&str; 8] = ["onnx", "pt", "pth", "safetensors", "faiss", "index", "npy", "npz"];

/// Checks all packages of the workspace that can be published.
///
/// # Errors
/// If a package lacks a field or a file, or contains a refused file.
pub fn check() -> Result<()> {
    let metadata = cargo::output(&["metadata", "--format-version=1", "--no-deps", "--locked"])?;
    let metadata: Value = serde_json::from_slice(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    // `publish = false` is an empty list of registries.
    let published = packages.iter().filter(|package| package["publish"].is_null());
    let mut count = 0;
    for package in published {
        let name = package["name"].as_str().context("a package has no name")?;
        check_metadata(package).with_context(|| name.to_owned())?;
        let list = cargo::output(&["package", "--list", "--allow-dirty", "--locked", "--package", name])?;
        check_files(&String::from_utf8(list)?).with_context(|| name.to_owned())?;
        count += 1;
    }
    ensure!(count > 0, "no package can be published");
    println!("{count} packages have what they need");
    Ok(())
}

fn check_metadata(package: &Value) -> Result<()> {
    for field in ["description", "license", "readme"] {
        ensure!(package[field].is_string(), "no {field}");
    }
    for field in ["keywords", "categories"] {
        ensure!(package[field].as_array().is_some_and(|words| !words.is_empty()), "no {field}");
    }
    Ok(())
}

fn check_files(list: &str) -> Result<()> {
    let files: Vec<&str> = list.lines().collect();
    for file in REQUIRED {
        ensure!(files.contains(&file), "no {file}");
    }
    let refused: Vec<&str> = files.into_iter().filter(|file| is_refused(Path::new(file))).collect();
    ensure!(refused.is_empty(), "packages {}", refused.join(", "));
    Ok(())
}

fn is_refused(file: &Path) -> bool {
    let ending = file.extension().and_then(OsStr::to_str);
    let is_test_data =
        file.starts_with("tests") || file.components().any(|part| part.as_os_str() == "golden");
    is_test_data || ending.is_some_and(|ending| REFUSED_ENDINGS.contains(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_and_test_data_are_refused() {
        let required = REQUIRED.join("\n");
        assert!(check_files(&format!("{required}\nsrc/lib.rs\nsrc/a/tests/mod.rs")).is_ok());
        for file in ["sscd.onnx", "tests/a.rs", "src/golden/a.png", "base.npy"] {
            assert!(check_files(&format!("{required}\n{file}")).is_err(), "{file}");
        }
        assert_eq!(check_files("Cargo.toml\nREADME.md").unwrap_err().to_string(), "no LICENSE-APACHE");
    }
}

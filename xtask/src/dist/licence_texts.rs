//! Licence texts of everything that is linked into the program.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use spdx::{Expression, ParseMode};
use walkdir::{DirEntry, WalkDir};

use super::packages::{Package, Packages};

/// Parts of the names of files that hold licences, in lower case.
const NAMES: [&str; 6] = ["license", "licence", "copying", "copyright", "notice", "patents"];

/// Endings of such files; sources that treat licences have others. A digit is the version of a licence.
const ENDINGS: [&str; 5] = ["", "apache", "md", "mit", "txt"];

/// Folders that hold no part of the program.
const LEFT_OUT: [&str; 4] = [".git", "benches", "target", "tests"];

const RULE: &str = "------------------------------------------------------------------------";

/// Returns one text: the packages with their licences, then each text once, below the packages that carry it.
///
/// # Errors
/// If a package has no licence, or a file cannot be read.
pub fn document(packages: &Packages) -> Result<String> {
    let linked: Vec<&Package> = packages.iter().map(|(_, package)| package).filter(|p| p.is_linked).collect();
    let mut text = format!(
        "active-index {} consists of these packages and of Rust's standard library (MIT OR Apache-2.0).\n\n",
        packages.version()
    );
    let mut carriers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in linked {
        let name = format!("{} {}", package.name(), package.version());
        let licence = package.field("license").with_context(|| format!("{name} names no licence"))?;
        let source = package.field("repository").unwrap_or_default();
        text += format!("{name}: {licence} {source}").trim_end();
        text.push('\n');
        for licence in texts(package).with_context(|| name.clone())? {
            carriers.entry(licence).or_default().insert(name.clone());
        }
    }
    for (licence, names) in carriers {
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        text += &format!("\n{RULE}\n{names}\n{RULE}\n\n{licence}\n");
    }
    Ok(text)
}

/// Returns the texts that a package carries, or, if it has none, those of the licences that it names.
fn texts(package: &Package) -> Result<BTreeSet<String>> {
    let folder = package.folder()?;
    let mut texts = BTreeSet::new();
    for entry in WalkDir::new(folder).follow_links(true).into_iter().filter_entry(|entry| !is_left_out(entry))
    {
        let entry = entry?;
        if entry.file_type().is_file() && is_licence(entry.path()) {
            let bytes = fs::read(entry.path()).with_context(|| entry.path().display().to_string())?;
            let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
            texts.insert(text.trim_matches('\n').to_owned());
        }
    }
    if texts.is_empty() {
        texts = standard_texts(package.field("license").unwrap_or_default())?;
    }
    ensure!(!texts.is_empty(), "no text of the licence");
    Ok(texts)
}

fn is_left_out(entry: &DirEntry) -> bool {
    let is_named = |name: &OsStr| LEFT_OUT.iter().any(|left_out| name == *left_out);
    entry.depth() > 0 && entry.file_type().is_dir() && is_named(entry.file_name())
}

/// Returns true for `LICENSE-MIT`, `COPYING`, `font.LICENSE.txt` and their like.
fn is_licence(path: &Path) -> bool {
    let lower = |part: Option<&OsStr>| part.and_then(OsStr::to_str).unwrap_or_default().to_lowercase();
    let (name, ending) = (lower(path.file_name()), lower(path.extension()));
    let is_text = ENDINGS.contains(&ending.as_str()) || ending.starts_with(|c: char| c.is_ascii_digit());
    is_text && NAMES.iter().any(|part| name.contains(part))
}

/// Returns the texts of SPDX for the licences of an expression, which name no holder of the copyright.
fn standard_texts(licence: &str) -> Result<BTreeSet<String>> {
    let expression = Expression::parse_mode(licence, ParseMode::LAX)?;
    let licences = expression.requirements().filter_map(|requirement| requirement.req.license.id());
    Ok(licences.map(|licence| licence.text().trim_matches('\n').to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_told_from_sources() {
        for name in [
            "LICENSE",
            "LICENSE-MIT",
            "license.md",
            "COPYING",
            "NOTICE",
            "LICENSE.MIT",
            "a.LICENSE.txt",
            "LICENSE-Apache-2.0_WITH_LLVM-exception",
        ] {
            assert!(is_licence(Path::new(name)), "{name}");
        }
        for name in ["licences.rs", "license.py", "notice.png", "README.md", "copying.toml", "licenses.json"]
        {
            assert!(!is_licence(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn texts_of_spdx_stand_in_for_missing_files() {
        let texts = standard_texts("MIT/Apache-2.0").unwrap();
        assert_eq!(texts.len(), 2);
        assert!(texts.iter().any(|text| text.contains("Permission is hereby granted")));
        assert!(standard_texts("nonsense").is_err());
    }
}

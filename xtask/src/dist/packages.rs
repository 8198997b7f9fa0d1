//! Packages that the program is built from, and which needs which.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::cargo;

/// Package of the program.
const ROOT: &str = "cli";

/// Name and version, as `cargo tree` prints them: `serde v1.0.0`.
pub type Key = String;

/// Packages of one build of the program.
pub struct Packages {
    root: Key,
    packages: BTreeMap<Key, Package>,
}

/// A package of the build.
pub struct Package {
    /// As `cargo metadata` describes it.
    metadata: Value,
    /// SHA-256 of the published file, from the lock file; none for packages of this project.
    pub checksum: Option<String>,
    /// True if its code is in the program; false for what only runs while it is built, such as macros.
    pub is_linked: bool,
    /// Packages that it needs in this build.
    pub needs: BTreeSet<Key>,
}

impl Packages {
    /// Returns the packages that are compiled for the program with these features on a target.
    ///
    /// # Errors
    /// If cargo fails, or its answers do not fit together.
    pub fn of_program(features: &str, target: &str) -> Result<Self> {
        let (root, needs) = edges(&tree(features, target, "normal,build")?)?;
        let linked = edges(&tree(features, target, "normal,no-proc-macro")?)?.1;
        let checksums = checksums()?;
        let described =
            cargo::packages()?.into_iter().map(|package| (cargo::name_and_version(&package), package));
        let mut described: BTreeMap<Key, Value> = described.collect();
        let package = |(key, needs): (Key, BTreeSet<Key>)| {
            let metadata =
                described.remove(&key).with_context(|| format!("cargo metadata lists no {key}"))?;
            let (checksum, is_linked) = (checksums.get(&key).cloned(), linked.contains_key(&key));
            Ok((key, Package { metadata, checksum, is_linked, needs }))
        };
        let packages = needs.into_iter().map(package).collect::<Result<_>>()?;
        Ok(Self { root, packages })
    }

    /// Returns the name and version of the program's package.
    pub fn root(&self) -> &Key {
        &self.root
    }

    /// Returns the program's version.
    pub fn version(&self) -> &str {
        self.packages[&self.root].version()
    }

    /// Returns all packages, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Package)> {
        self.packages.iter()
    }
}

impl Package {
    /// Returns a field of the manifest that is a text.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.metadata[name].as_str()
    }

    pub fn name(&self) -> &str {
        self.field("name").unwrap_or_default()
    }

    pub fn version(&self) -> &str {
        self.field("version").unwrap_or_default()
    }

    /// Returns true if the package is on crates.io; those of this project are not.
    pub fn is_published(&self) -> bool {
        self.field("source").is_some()
    }

    /// Returns the folder of the sources.
    ///
    /// # Errors
    /// If `cargo metadata` names none.
    pub fn folder(&self) -> Result<&Path> {
        let manifest = self.field("manifest_path").map(Path::new);
        manifest.and_then(Path::parent).with_context(|| format!("{} has no folder", self.name()))
    }
}

/// Lists the packages of the program as a tree, one a line, with their depth.
fn tree(features: &str, target: &str, edges: &str) -> Result<String> {
    let arguments = ["tree", "--locked", "--package", ROOT, "--features", features, "--target", target];
    let form = ["--edges", edges, "--prefix", "depth", "--format", "|{p}"];
    Ok(String::from_utf8(cargo::output(&[&arguments[..], &form].concat())?)?)
}

/// Reads a tree: returns its root, and what each package needs. A package that was there before has its branches there.
fn edges(tree: &str) -> Result<(Key, BTreeMap<Key, BTreeSet<Key>>)> {
    let mut needs: BTreeMap<Key, BTreeSet<Key>> = BTreeMap::new();
    let mut above: Vec<Key> = Vec::new();
    for line in tree.lines() {
        let (depth, key) = depth_and_key(line).with_context(|| format!("cargo tree printed `{line}`"))?;
        above.truncate(depth);
        if let Some(parent) = above.last() {
            needs.entry(parent.clone()).or_default().insert(key.clone());
        }
        needs.entry(key.clone()).or_default();
        above.push(key);
    }
    let root = above.into_iter().next().context("cargo tree printed nothing")?;
    Ok((root, needs))
}

/// Reads `2|serde v1.0.0 (proc-macro) (*)`.
fn depth_and_key(line: &str) -> Option<(usize, Key)> {
    let (depth, package) = line.split_once('|')?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?);
    Some((depth.parse().ok()?, format!("{name} {version}")))
}

/// The lock file, as far as it is read here.
#[derive(Deserialize)]
struct LockFile {
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// Returns the checksums of the lock file.
fn checksums() -> Result<BTreeMap<Key, String>> {
    let path = cargo::root()?.join("Cargo.lock");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let LockFile { package } = toml::from_str(&text).with_context(|| path.display().to_string())?;
    let entry = |LockedPackage { name, version, checksum }| Some((format!("{name} v{version}"), checksum?));
    Ok(package.into_iter().filter_map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_read_where_they_are_printed() {
        let tree = "0|cli v0.1.0 (/a b)\n1|x v1.0.0\n2|y v2.0.0 (proc-macro)\n1|z v3.0.0\n2|x v1.0.0 (*)\n";
        let (root, needs) = edges(tree).unwrap();
        assert_eq!(root, "cli v0.1.0");
        let of = |key: &str| needs[key].iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(of("cli v0.1.0"), ["x v1.0.0", "z v3.0.0"]);
        assert_eq!(of("x v1.0.0"), ["y v2.0.0"]);
        assert_eq!(of("z v3.0.0"), ["x v1.0.0"]);
        assert!(of("y v2.0.0").is_empty());
        assert!(edges("").is_err());
        assert!(edges("serde v1.0.0").is_err());
    }
}

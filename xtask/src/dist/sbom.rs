//! The bill of materials, in CycloneDX 1.6 (ECMA-424): <https://cyclonedx.org/docs/1.6/json/>.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use spdx::Expression;

use super::{
    hexadecimal,
    packages::{Key, Package, Packages},
};

/// Returns the document for a build on a target, with the time of its commit.
///
/// # Errors
/// If a package has a licence that is none.
pub fn document(packages: &Packages, target: &str, time: u64) -> Result<Vec<u8>> {
    let parts = packages.iter().filter(|(key, _)| *key != packages.root());
    let components = parts.map(|(key, package)| component(key, package)).collect::<Result<Vec<_>>>()?;
    let mut document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(time)).to_string(),
            "lifecycles": [{ "phase": "build" }],
            "tools": { "components": [{ "type": "application", "name": "cargo xtask dist", "version": packages.version() }] },
            "component": program(packages, target)?,
        },
        "components": components,
        "dependencies": packages.iter().map(|(key, package)| dependency(key, package)).collect::<Vec<_>>(),
    });
    document["serialNumber"] = serial_number(&document).into();
    let mut text = serde_json::to_vec_pretty(&document)?;
    text.push(b'\n');
    Ok(text)
}

/// Describes the program itself.
fn program(packages: &Packages, target: &str) -> Result<Value> {
    let (key, root) = packages.iter().find(|(key, _)| *key == packages.root()).context("no program")?;
    Ok(json!({
        "type": "application",
        "bom-ref": key,
        "name": "active-index",
        "version": root.version(),
        "licenses": licences(root)?,
        "properties": [{ "name": "cargo:target", "value": target }],
    }))
}

fn component(key: &Key, package: &Package) -> Result<Value> {
    let mut component = json!({
        "type": "library",
        "bom-ref": key,
        "name": package.name(),
        "version": package.version(),
        // What only runs while the program is built is no part of it.
        "scope": if package.is_linked { "required" } else { "excluded" },
        "licenses": licences(package)?,
    });
    if let Some(description) = package.field("description") {
        component["description"] = description.trim().into();
    }
    if package.is_published() {
        component["purl"] =
            format!("pkg:cargo/{}@{}", package.name(), package.version().replace('+', "%2B")).into();
    }
    if let Some(checksum) = &package.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    if let Some(url) = package.field("repository") {
        component["externalReferences"] = json!([{ "type": "vcs", "url": url }]);
    }
    Ok(component)
}

/// Returns the licence in the notation of SPDX; old manifests have a slash for `OR`.
fn licences(package: &Package) -> Result<Value> {
    let named = || format!("licence of {}", package.name());
    let licence = package.field("license").with_context(named)?;
    let expression = Expression::canonicalize(licence).with_context(named)?;
    Ok(json!([{ "expression": expression.as_deref().unwrap_or(licence) }]))
}

fn dependency(key: &Key, package: &Package) -> Value {
    json!({ "ref": key, "dependsOn": package.needs })
}

/// Returns a UUID of version 8 (RFC 9562) that is made of the document's content.
fn serial_number(document: &Value) -> String {
    let mut bytes = Sha256::digest(document.to_string()).to_vec();
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let digits = hexadecimal(&bytes[..16]);
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| &digits[range]);
    format!("urn:uuid:{}", groups.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_uuids_of_the_content() {
        let number = serial_number(&json!({ "a": 1 }));
        let lengths: Vec<usize> = number["urn:uuid:".len()..].split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&number["urn:uuid:".len() + 14..][..1], "8");
        assert_eq!(number, serial_number(&json!({ "a": 1 })));
        assert_ne!(number, serial_number(&json!({ "a": 2 })));
    }
}

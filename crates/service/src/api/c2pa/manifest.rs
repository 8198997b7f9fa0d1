//! Manifests of entries, by the fields that name them.

use collection::Meta;

use crate::fetch::WebAddress;

/// Field with the identifier of an entry's manifest, such as `urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4`.
pub const ID: &str = "manifest";
/// Field with the address of the Soft Binding Resolution API that hands the manifest out; absent if this service does.
const ENDPOINT: &str = "manifest_endpoint";
/// Field with the manifest store itself, in base64.
pub const STORE: &str = "manifest_store";
/// Largest number of bytes of an identifier.
const ID_LENGTH: usize = 256;
/// Numbers of hexadecimal digits between the hyphens of a UUID (RFC 9562).
const UUID: [usize; 5] = [8, 4, 4, 4, 12];

/// Manifest of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Identifier.
    pub id: String,
    /// Address of the API that hands it out, without a slash at its end.
    pub endpoint: Option<String>,
}

impl Manifest {
    /// Manifest of an entry with these fields. An identifier or an address of another form counts as absent.
    pub fn of(meta: &Meta) -> Option<Self> {
        let id = meta.get(ID)?.as_str().filter(|id| is_id(id))?.to_owned();
        Some(Self { id, endpoint: meta.get(ENDPOINT).and_then(|field| endpoint(field.as_str()?)) })
    }
}

fn endpoint(text: &str) -> Option<String> {
    let is_base = !text.contains(['?', '#']) && WebAddress::parse(text).is_ok();
    is_base.then(|| text.trim_end_matches('/').to_owned())
}

/// Returns true for an identifier of a manifest: `urn:c2pa:UUID` and what may follow it, or `urn:uuid:UUID` with or without a
/// vendor before it, as manifests of the specification's first versions have.
pub fn is_id(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let urn = match parts.as_slice() {
        ["urn", urn @ ..] => urn,
        [vendor, "urn", urn @ ..] if is_word(vendor) => urn,
        _ => return false,
    };
    match urn {
        ["c2pa" | "uuid", uuid, rest @ ..] => {
            text.len() <= ID_LENGTH && is_uuid(uuid) && rest.iter().all(|part| is_word(part))
        }
        _ => false,
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let is_group = |(group, digits): (&&str, usize)| {
        group.len() == digits && group.chars().all(|c| c.is_ascii_hexdigit())
    };
    groups.len() == UUID.len() && groups.iter().zip(UUID).all(is_group)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const PLAIN: &str = "urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4";

    #[test]
    fn identifiers_of_all_versions_of_the_specification_are_known() {
        for sound in [
            PLAIN,
            "urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4:acme",
            "urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4:acme:2_1",
            "urn:uuid:f9168c5e-ceb2-4faa-b6bf-329bf39fa1e4",
            "acme:urn:uuid:f9168c5e-ceb2-4faa-b6bf-329bf39fa1e4",
        ] {
            assert!(is_id(sound), "{sound}");
        }
        for wrong in [
            "",
            "urn:c2pa",
            "urn:c2pa:",
            "urn:c2pa:F9168C5E",
            "urn:c2pa:F9168C5ECEB24FAAB6BF329BF39FA1E4",
            "urn:c2pa:G9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4",
            "urn:isbn:F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4",
            "urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4:",
            "urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4:a/b",
            "urn:c2pa:F9168C5E-CEB2-4FAA-B6BF-329BF39FA1E4:a\r\nx",
            "a/b:urn:uuid:f9168c5e-ceb2-4faa-b6bf-329bf39fa1e4",
            ":urn:uuid:f9168c5e-ceb2-4faa-b6bf-329bf39fa1e4",
            "/etc/passwd",
            "https://example.org/manifest.c2pa",
        ] {
            assert!(!is_id(wrong), "{wrong}");
        }
        assert!(!is_id(&format!("{PLAIN}:{}", "a".repeat(300))));
    }

    #[test]
    fn fields_of_another_form_name_no_manifest() {
        let of = |id: Value, endpoint: Value| {
            let meta = json!({"manifest": id, "manifest_endpoint": endpoint}).as_object().unwrap().clone();
            Manifest::of(&meta).map(|manifest| manifest.endpoint)
        };
        let base = "https://manifests.example.org/v1";
        assert_eq!(of(PLAIN.into(), Value::Null), Some(None));
        assert_eq!(of(PLAIN.into(), base.into()), Some(Some(base.to_owned())));
        assert_eq!(of(PLAIN.into(), format!("{base}/").into()), Some(Some(base.to_owned())));
        for wrong in
            ["file:///etc", "https://a:b@example.org", "https://example.org/?a", "//example.org", "a\r\nb"]
        {
            assert_eq!(of(PLAIN.into(), wrong.into()), Some(None), "{wrong}");
        }
        for wrong in [json!(null), json!(7), json!({"id": PLAIN}), json!("/etc/passwd")] {
            assert_eq!(of(wrong.clone(), base.into()), None, "{wrong}");
        }
        assert_eq!(Manifest::of(&Meta::new()), None);
    }
}

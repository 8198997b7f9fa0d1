//! Addresses of objects.

use std::path::Path;

use crate::error::{Error, Result};

/// Beginnings of addresses, and the stores they lead to.
const SCHEMES: [(&str, Scheme); 3] =
    [("s3://", Scheme::S3), ("gs://", Scheme::Google), ("az://", Scheme::Azure)];

/// Kind of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    S3,
    Google,
    Azure,
}

/// Place of an object, or of a folder of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub scheme: Scheme,
    /// Bucket, or container of Azure.
    pub bucket: String,
    /// Name of the object in the bucket, without a `/` in front; empty for the bucket itself.
    pub key: String,
}

/// Returns true for an address of an object store: `s3://`, `gs://` or `az://` in front.
pub fn is_address(path: &Path) -> bool {
    let start = path.as_os_str().as_encoded_bytes();
    SCHEMES.iter().any(|(scheme, _)| start.starts_with(scheme.as_bytes()))
}

impl Address {
    /// Takes an address apart.
    pub fn parse(path: &Path) -> Result<Self> {
        let text = path.to_str().ok_or(Error::Address("it is not UTF-8"))?;
        // Folders and names are joined by the system's separator.
        let text = if cfg!(windows) { text.replace('\\', "/") } else { text.to_owned() };
        let scheme = SCHEMES.iter().find_map(|&(start, scheme)| Some((text.strip_prefix(start)?, scheme)));
        let (rest, scheme) = scheme.ok_or(Error::Address("it begins with no known scheme"))?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        if bucket.is_empty() || !bucket.bytes().all(is_plain) {
            return Err(Error::Address("the bucket has letters, digits, `.`, `-` and `_`"));
        }
        Ok(Self { scheme, bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(address: &str) -> Option<(Scheme, String, String)> {
        let Address { scheme, bucket, key } = Address::parse(Path::new(address)).ok()?;
        Some((scheme, bucket, key))
    }

    #[test]
    fn the_key_is_taken_character_by_character() {
        for key in ["a.jpg", "a b/c#1?x=y%20.jpg", "é/写.jpg", "folder/", ""] {
            let expected = (Scheme::S3, "my-bucket.eu".to_owned(), key.to_owned());
            assert_eq!(parts(&format!("s3://my-bucket.eu/{key}")), Some(expected), "{key}");
        }
        assert_eq!(parts("gs://b"), Some((Scheme::Google, "b".to_owned(), String::new())));
        assert_eq!(parts("az://b/a"), Some((Scheme::Azure, "b".to_owned(), "a".to_owned())));
    }

    #[test]
    fn other_texts_are_no_addresses() {
        for text in [
            "s3://",
            "s3:///a",
            "s3://user@host/a",
            "s3://b:80/a",
            "s3://b?x/a",
            "s3:/b/a",
            "S3://b/a",
            "http://b/a",
            "a.jpg",
            "",
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
        assert!(is_address(Path::new("s3://")) && !is_address(Path::new("s3:/b")));
    }
}

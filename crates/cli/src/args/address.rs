//! Addresses of collections.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use clap::builder::{OsStringValueParser, TryMapValueParser, TypedValueParser, ValueParserFactory};
use image_file::path_text;
use percent_encoding::percent_decode_str;

/// Mark between the scheme of a URI and the rest.
const MARK: &str = "://";
/// Scheme of a folder.
const FILE: &str = "file";
/// Schemes of object stores.
const STORES: [&str; 3] = ["s3", "gs", "az"];

/// Address of a collection: a folder, or a place in an object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Folder on this machine, also named by `file:///PATH`.
    Folder(PathBuf),
    /// URI that begins with `s3://`, `gs://` or `az://`.
    Store(String),
}

impl Address {
    /// Parses an address. All that is no URI is a folder.
    ///
    /// # Errors
    /// A URI of another scheme or without a bucket; `file://` without an absolute path.
    pub fn parse(text: OsString) -> Result<Self, String> {
        let Some((scheme, rest)) = text.to_str().and_then(uri_parts) else {
            return match text.is_empty() {
                true => Err("expected a folder or an address, found nothing".to_owned()),
                false => Ok(Self::Folder(text.into())),
            };
        };
        if scheme == FILE {
            return folder_of(rest).map(Self::Folder);
        }
        if !STORES.contains(&scheme.as_str()) {
            return Err(format!("expected a folder, s3://, gs://, az:// or file://, found {scheme}{MARK}"));
        }
        if rest.starts_with('/') || rest.is_empty() {
            return Err(format!("expected a bucket, such as {scheme}{MARK}bucket/shop.lance"));
        }
        if rest.contains(|c: char| c.is_control() || c.is_whitespace() || "?#".contains(c)) {
            return Err("expected a bucket and a path without spaces, ? and #".to_owned());
        }
        Ok(Self::Store(format!("{scheme}{MARK}{}", rest.trim_end_matches('/'))))
    }

    /// Folder of the address, if it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Store(_) => None,
        }
    }

    /// Last part of the address: the name of its folder, with links and `..` resolved.
    pub fn name(&self) -> String {
        match self {
            Self::Folder(folder) => {
                let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
                folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
            }
            Self::Store(uri) => uri.rsplit('/').next().unwrap_or_default().to_owned(),
        }
    }

    /// Returns true if both lead to one place.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Folder(one), Self::Folder(other)) => match (one.canonicalize(), other.canonicalize()) {
                (Ok(one), Ok(other)) => one == other,
                _ => one == other,
            },
            _ => self == other,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => f.write_str(&path_text(folder)),
            Self::Store(uri) => f.write_str(uri),
        }
    }
}

impl ValueParserFactory for Address {
    type Parser = TryMapValueParser<OsStringValueParser, fn(OsString) -> Result<Self, String>>;

    fn value_parser() -> Self::Parser {
        OsStringValueParser::new().try_map(Self::parse as fn(OsString) -> Result<Self, String>)
    }
}

/// Scheme of a URI, in lower case, and what comes after the mark. A scheme has at least two letters, so that no drive is one.
fn uri_parts(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(MARK)?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_scheme.then(|| (scheme.to_ascii_lowercase(), rest))
}

/// Folder of a `file` URI after its mark.
fn folder_of(rest: &str) -> Result<PathBuf, String> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err(format!("expected three slashes and a path, such as {FILE}{MARK}/data/shop"));
    }
    let path = percent_decode_str(path).decode_utf8().map_err(|error| error.to_string())?;
    // On Windows, a drive comes after the third slash.
    Ok(match path.as_bytes() {
        [_, _, b':', ..] if cfg!(windows) => path[1..].into(),
        _ => path.into_owned().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Address, String> {
        Address::parse(text.into())
    }

    #[test]
    fn folders_and_uris_are_told_apart() {
        for folder in ["shop", "./a b", "data/2026=old", "C:\\shop", "c://shop", "9p://shop", "://x", "s3:/x"]
        {
            assert_eq!(parsed(folder), Ok(Address::Folder(folder.into())), "{folder}");
        }
        for uri in ["s3://bucket", "gs://bucket/a/b.lance", "az://container/shop.lance"] {
            assert_eq!(parsed(uri), Ok(Address::Store(uri.to_owned())));
        }
        assert_eq!(parsed("S3://Bucket/Shop/").unwrap().to_string(), "s3://Bucket/Shop");
        for wrong in ["", "http://host/shop", "s3:///shop", "s3://", "s3://a/b c", "s3://a/b?c", "ftp://x"] {
            let reason = parsed(wrong).unwrap_err();
            assert!(reason.starts_with("expected ") && !reason.contains('\n'), "{wrong}: {reason}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_file_uri_is_a_folder() {
        assert_eq!(parsed("file:///data/shop%201"), Ok(Address::Folder("/data/shop 1".into())));
        assert_eq!(parsed("FILE://localhost/shop"), Ok(Address::Folder("/shop".into())));
        for wrong in ["file://data/shop", "file://", "file:///%ff"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_the_last_parts() {
        for (address, name) in
            [("data/shop", "shop"), ("s3://bucket/a/shop.lance/", "shop.lance"), ("gs://b", "b")]
        {
            assert_eq!(parsed(address).unwrap().name(), name);
        }
    }
}

//! A share of a list of files.

use std::{
    ffi::OsString,
    fmt,
    path::{Component, Path, PathBuf},
    str::FromStr,
};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// One of several shares of a list of files, numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shard {
    #[serde(rename = "shard")]
    index: u32,
    of: u32,
}

impl Shard {
    /// Shard of all files, 0/1.
    pub const ALL: Self = Self { index: 0, of: 1 };

    /// Creates a shard; `None` unless `index` is below `of`.
    pub fn new(index: u32, of: u32) -> Option<Self> {
        (index < of).then_some(Self { index, of })
    }

    /// Number of the shard, from 0.
    pub fn index(self) -> u32 {
        self.index
    }

    /// Number of shards, at least 1.
    pub fn of(self) -> u32 {
        self.of
    }

    /// Returns true if a file is in the shard, given its name below the folder or the list that the user named.
    ///
    /// The ending of the name does not count, so that `a.jpg` and `a.png`, which are released under one name, are in one shard.
    /// The number of the shard is that of the first 8 bytes, the most significant first, of the SHA-256 of the name's parts, joined
    /// by `/`, modulo the number of shards.
    pub fn holds(self, name: &Path) -> bool {
        let mut hash = Sha256::new();
        for (number, part) in parts(&name.with_extension("")).enumerate() {
            if number > 0 {
                hash.update(b"/");
            }
            hash.update(part);
        }
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(hash.finalize());
        u64::from_be_bytes([a, b, c, d, e, f, g, h]) % u64::from(self.of) == u64::from(self.index)
    }

    /// Returns the shard's own output file for the one that the user named: `all.npy` becomes `all.03-of-16.npy`.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use active_index_shard::Shard;
    ///
    /// let shard: Shard = "3/16".parse()?;
    /// assert_eq!(shard.file(Path::new("out/all.npy")), Path::new("out/all.03-of-16.npy"));
    /// # Ok::<(), active_index_shard::Error>(())
    /// ```
    pub fn file(self, path: &Path) -> PathBuf {
        let digits = (self.of - 1).to_string().len();
        let mut name = path.file_stem().map_or_else(OsString::new, OsString::from);
        name.push(format!(".{:0digits$}-of-{}", self.index, self.of));
        if let Some(ending) = path.extension() {
            name.push(".");
            name.push(ending);
        }
        path.with_file_name(name)
    }
}

/// Bytes of the parts of a relative name.
fn parts(name: &Path) -> impl Iterator<Item = &[u8]> {
    let normal = name.components().filter(|part| !matches!(part, Component::CurDir));
    normal.map(|part| part.as_os_str().as_encoded_bytes())
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok());
        let shard = text.split_once('/').and_then(|(i, n)| Self::new(number(i)??, number(n)??));
        shard.ok_or_else(|| Error::NoShard(text.to_owned()))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

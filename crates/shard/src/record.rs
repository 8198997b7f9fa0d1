//! Records of runs in shards.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    shard::Shard,
};

/// Longest name of a run, in bytes.
const LONGEST: usize = 64;

/// Name of a run, which the runs of all its shards share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunName(String);

impl RunName {
    /// Returns the name of a run of a verb on inputs as the user named them: that of an earlier run of the same command.
    pub fn of_command(verb: &str, inputs: &[String], of: u32) -> Self {
        let mut hash = Sha256::new();
        for part in [verb, &of.to_string()].into_iter().chain(inputs.iter().map(String::as_str)) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let digits = digest.iter().take(6).map(|byte| format!("{byte:02x}"));
        Self(format!("{verb}-{}", digits.collect::<String>()))
    }
}

impl FromStr for RunName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let is_name = (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_plain);
        match is_name && !text.starts_with('.') {
            true => Ok(Self(text.to_owned())),
            false => Err(Error::NoRun(text.to_owned())),
        }
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Progress of a run in a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Name of the run.
    pub run: RunName,
    /// Verb of the run, such as `release`.
    pub verb: String,
    /// Verb and inputs, in words.
    pub work: String,
    /// Number of the shard, from 0.
    pub shard: u32,
    /// Number of shards.
    pub of: u32,
    /// Images of the shard.
    pub images: u64,
    /// Images that the run has stored.
    pub stored: u64,
    /// Images that were stored before.
    pub already: u64,
    /// Images that failed.
    pub failed: u64,
    /// True if the run has met all images.
    pub done: bool,
    /// Time of the record, in seconds since 1970.
    pub updated: i64,
}

impl Record {
    /// Begins the record of a run of a verb on `images` images of inputs as the user named them.
    pub fn new(run: RunName, verb: &str, inputs: &str, shard: Shard, images: u64) -> Self {
        let (shard, of) = (shard.index(), shard.of());
        let (verb, work) = (verb.to_owned(), format!("{verb} of {inputs}"));
        Self { run, verb, work, shard, of, images, stored: 0, already: 0, failed: 0, done: false, updated: 0 }
    }

    /// Returns the name of the record, which a later run of the verb on the same shard shares: letters, digits, `.`, `-`, `_` and
    /// `/`.
    pub fn name(&self) -> String {
        let Self { run, verb, of, shard, .. } = self;
        format!("{run}/{verb}/{of}/{shard:06}")
    }

    /// Returns true for the records of two shards of one run: of one name, one verb, and one number of shards.
    pub fn is_of_run(&self, other: &Self) -> bool {
        (&self.run, &self.verb, self.of) == (&other.run, &other.verb, other.of)
    }

    /// Writes the record as a line of JSON.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts are JSON")
    }

    /// Reads a record; `None` if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let record: Self = serde_json::from_str(text).ok()?;
        let is_plain = |name: &str| name.parse::<RunName>().is_ok();
        let is_shard = Shard::new(record.shard, record.of).is_some();
        (is_shard && is_plain(&record.run.0) && is_plain(&record.verb)).then_some(record)
    }
}

//! Arguments of `serve`.

use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf, str::FromStr};

use bytesize::ByteSize;
use clap::Args;

use super::{Address, Optimisation, Reading, activate::Encoded};

/// Examples of `serve --help`.
pub const EXAMPLES: &str = "\
Without a token, callers of this machine alone are answered. Ctrl-C ends the service when all that it
accepted is answered. GET /v1/openapi.json describes the API.

Examples:
  active-index serve --collection shop
  curl --data-binary @suspect.jpg -H 'content-type: image/jpeg' http://127.0.0.1:8080/v1/find
  curl -F file=@new.jpg -F licence=CC0 http://127.0.0.1:8080/v1/release
  active-index serve --collection shop --collection press=/data/press --listen 0.0.0.0:8080 --token-file tokens
  active-index serve --collection shop=s3://bucket/shop.lance --out /data/released
  active-index serve --collection shop --log-json";

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Collection to look in and to release into, under the last part of its address or under NAME; may be repeated
    #[arg(long = "collection", value_name = "[NAME=]C", required = true)]
    pub collections: Vec<NamedCollection>,
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// File with one token a line, of which callers send one as `Authorization: Bearer`; # begins a comment
    #[arg(long, value_name = "FILE", conflicts_with = "open")]
    pub token_file: Option<PathBuf>,
    /// Answer everyone who reaches the address, without a token
    #[arg(long)]
    pub open: bool,
    /// Largest size of an upload, such as 8MiB
    #[arg(long, default_value = "32MiB", value_name = "BYTES")]
    pub max_upload: ByteSize,
    /// Fetch pictures whose addresses callers name, from public addresses alone
    #[arg(long)]
    pub allow_fetch: bool,
    /// Folder of uploads that are released, with a folder for each collection [default: the folder `released` in each
    /// collection that is a folder; into one in an object store, no pictures are released]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Size of the releases of a collection from which on no picture is accepted
    #[arg(long, default_value = "16GiB", value_name = "BYTES")]
    pub max_out: ByteSize,
    /// Threads that look up [default: two per core]
    #[arg(long, value_name = "N")]
    pub workers: Option<NonZeroUsize>,
    /// Write the log as JSON, a line for each event
    #[arg(long)]
    pub log_json: bool,
    #[command(flatten)]
    pub encoded: Encoded,
    #[command(flatten)]
    pub optimisation: Optimisation,
    #[command(flatten)]
    pub reading: Reading,
}

/// A collection and its name in the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCollection {
    /// Name that was given.
    pub name: Option<String>,
    /// Address of the collection.
    pub address: Address,
}

impl NamedCollection {
    /// Returns the name in the API: the one that was given, or the last part of the address.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.address.name())
    }
}

impl FromStr for NamedCollection {
    type Err = String;

    /// Parses `NAME=ADDRESS`, or an address; in one with `=` after a slash, no name is given.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, address) = match text.split_once('=').filter(|(name, _)| !name.contains(['/', '\\'])) {
            Some((name, address)) => (Some(name), address),
            None => (None, text),
        };
        match (name, address) {
            (Some(""), _) | (_, "") => {
                Err("expected an address, or a name and an address: press=/data/press".to_owned())
            }
            _ => Ok(Self { name: name.map(str::to_owned), address: Address::parse(address.into())? }),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        serve: Serve,
    }

    #[test]
    fn collections_have_names_of_their_own_or_those_of_their_folders() {
        let parsed = |text: &str| {
            text.parse::<NamedCollection>().map(|named| (named.name(), named.address.to_string()))
        };
        let named = |name: &str, address: &str| Ok((name.to_owned(), address.to_owned()));
        assert_eq!(parsed("data/shop"), named("shop", "data/shop"));
        assert_eq!(parsed("press=/data/2026=old"), named("press", "/data/2026=old"));
        assert_eq!(parsed("./2026=old"), named("2026=old", "./2026=old"));
        assert_eq!(parsed("s3://bucket/shop.lance"), named("shop.lance", "s3://bucket/shop.lance"));
        assert_eq!(parsed("shop=gs://bucket/a=b.lance"), named("shop", "gs://bucket/a=b.lance"));
        for wrong in ["", "=shop", "press=", "press=http://host/press"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn uploads_have_units_and_tokens_exclude_an_open_door() {
        let line = |words: &str| Line::try_parse_from(format!("serve {words}").split_whitespace());
        let typed = line("--collection shop --max-upload 8MiB --listen [::1]:0").unwrap().serve;
        assert_eq!((typed.max_upload.as_u64(), typed.listen.port(), typed.allow_fetch), (8 << 20, 0, false));
        assert!(line("--collection shop --allow-fetch").unwrap().serve.allow_fetch);
        assert_eq!(line("--collection shop --max-upload 1000").unwrap().serve.max_upload.as_u64(), 1000);
        for wrong in
            ["", "--collection shop --open --token-file t", "--collection shop --max-upload 8parsecs"]
        {
            assert!(line(wrong).is_err(), "{wrong}");
        }
    }
}

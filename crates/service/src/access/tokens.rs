//! Tokens, compared in constant time.

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::error::{Error, Result};

/// Numbers of characters of a token.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=256;

/// Tokens, of which digests are kept, so that comparisons take one time whatever the lengths are.
#[derive(Clone)]
pub struct Tokens(Vec<[u8; 32]>);

impl Tokens {
    /// Reads one token a line; empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// [`Error::Token`], [`Error::NoToken`].
    ///
    /// ```
    /// use active_index_service::Tokens;
    ///
    /// assert!(Tokens::parse("# the desk\n6f1c9a54d0b2e87f31\n").is_ok());
    /// assert!(Tokens::parse("short").is_err_and(|error| error.to_string().starts_with("line 1")));
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().map(str::trim).enumerate();
        let tokens = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let digests: Vec<[u8; 32]> = tokens
            .map(|(number, token)| check(number + 1, token).map(|()| digest(token)))
            .collect::<Result<_>>()?;
        if digests.is_empty() { Err(Error::NoToken) } else { Ok(Self(digests)) }
    }

    /// Returns true for one of the tokens. All are compared, each in constant time.
    pub(crate) fn contains(&self, token: &str) -> bool {
        let sent = digest(token);
        let any = |found: Choice, own: &[u8; 32]| found | own.ct_eq(&sent);
        self.0.iter().fold(Choice::from(0), any).into()
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} tokens", self.0.len())
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

fn check(line: usize, token: &str) -> Result<()> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    let found = match (token.chars().find(|c| !is_allowed(*c)), LENGTHS.contains(&token.len())) {
        (None, true) => return Ok(()),
        // The character, but never the token.
        (Some(other), _) => format!("{other:?}"),
        (None, false) => format!("{} characters", token.len()),
    };
    Err(Error::Token { line, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_tokens_and_wrong_lines_are_named_without_their_text() {
        let tokens = Tokens::parse("# comment\n\n  0123456789abcdef  \r\nfedcba9876543210==\n").unwrap();
        assert!(tokens.contains("0123456789abcdef") && tokens.contains("fedcba9876543210=="));
        for other in ["", "# comment", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF"] {
            assert!(!tokens.contains(other), "{other}");
        }
        assert_eq!(format!("{tokens:?}"), "2 tokens");
        for (text, start) in
            [("# x\n", "no line"), ("\nsecret", "line 2"), ("0123456789abcdef secret", "line 1")]
        {
            let line = Tokens::parse(text).unwrap_err().to_string();
            assert!(line.starts_with(start) && !line.contains("secret"), "{line}");
        }
    }
}

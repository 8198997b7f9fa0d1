//! Factory strings: faiss's short names for kinds of index.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// Bits of one product-quantiser code; the only width that is read, trained and searched so far.
pub(crate) const NBITS: usize = 8;

/// A kind of index, written and parsed as faiss's `index_factory` does.
///
/// ```
/// use index::Factory;
///
/// let factory: Factory = "IVF4096,PQ8x8".parse()?;
/// assert_eq!(factory, Factory::IvfPq { nlist: 4096, m: 8, nbits: 8 });
/// assert_eq!(factory.to_string(), "IVF4096,PQ8x8");
/// # Ok::<(), index::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Factory {
    /// `Flat`: every vector as it is, searched exhaustively.
    Flat,
    /// `IVF{nlist},Flat`: vectors as they are, in the list of their nearest coarse centroid.
    IvfFlat {
        /// Number of coarse centroids and inverted lists.
        nlist: usize,
    },
    /// `IVF{nlist},PQ{m}x{nbits}`: product-quantised residuals in inverted lists.
    IvfPq {
        /// Number of coarse centroids and inverted lists.
        nlist: usize,
        /// Number of sub-vectors; it must divide the dimension.
        m: usize,
        /// Bits of one sub-vector's code: 8.
        nbits: usize,
    },
}

impl fmt::Display for Factory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flat => write!(f, "Flat"),
            Self::IvfFlat { nlist } => write!(f, "IVF{nlist},Flat"),
            Self::IvfPq { nlist, m, nbits } => write!(f, "IVF{nlist},PQ{m}x{nbits}"),
        }
    }
}

impl FromStr for Factory {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let error = |part: &str, reason: &str| Error::Factory {
            factory: text.to_owned(),
            part: part.to_owned(),
            reason: reason.to_owned(),
        };
        let Some((coarse, fine)) = text.split_once(',') else {
            return match text {
                "Flat" => Ok(Self::Flat),
                _ => Err(error(text, "is not `Flat`, `IVF{n},Flat` or `IVF{n},PQ{m}`")),
            };
        };
        let nlist = coarse
            .strip_prefix("IVF")
            .and_then(positive)
            .ok_or_else(|| error(coarse, "is not `IVF{n}` with n at least 1"))?;
        if fine == "Flat" {
            return Ok(Self::IvfFlat { nlist });
        }
        let codes =
            fine.strip_prefix("PQ").ok_or_else(|| error(fine, "is not `Flat`, `PQ{m}` or `PQ{m}x8`"))?;
        let (m, nbits) = codes.split_once('x').unwrap_or((codes, "8"));
        let m = positive(m).ok_or_else(|| error(fine, "is not `PQ{m}` with m at least 1"))?;
        if positive(nbits) != Some(NBITS) {
            return Err(error(fine, "is not supported: codes have 8 bits, `PQ{m}x8`"));
        }
        Ok(Self::IvfPq { nlist, m, nbits: NBITS })
    }
}

/// A decimal number of at least 1 that fits the file format's 32-bit sizes.
fn positive(digits: &str) -> Option<usize> {
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i32>().ok().filter(|&number| number > 0).map(|number| number as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supported_strings_parse_and_print() {
        let kinds = [
            ("Flat", Factory::Flat),
            ("IVF7,Flat", Factory::IvfFlat { nlist: 7 }),
            ("IVF1024,PQ8x8", Factory::IvfPq { nlist: 1024, m: 8, nbits: 8 }),
        ];
        for (text, factory) in kinds {
            assert_eq!(text.parse::<Factory>().expect(text), factory);
            assert_eq!(factory.to_string(), text);
        }
        let short: Factory = "IVF4,PQ2".parse().expect("eight bits by default");
        assert_eq!(short.to_string(), "IVF4,PQ2x8");
    }

    #[test]
    fn errors_name_the_offending_part() {
        let cases = [
            ("", ""),
            ("flat", "flat"),
            ("LSH", "LSH"),
            ("IVF0,Flat", "IVF0"),
            ("IVF,Flat", "IVF"),
            ("IVF-4,Flat", "IVF-4"),
            ("IVF+4,Flat", "IVF+4"),
            ("IVF99999999999999999999,Flat", "IVF99999999999999999999"),
            ("HNSW32,Flat", "HNSW32"),
            ("IVF4,flat", "flat"),
            ("IVF4,PQ", "PQ"),
            ("IVF4,PQ0", "PQ0"),
            ("IVF4,PQ8x", "PQ8x"),
            ("IVF4,PQ8x4", "PQ8x4"),
            ("IVF4,PQ8x8,RFlat", "PQ8x8,RFlat"),
        ];
        for (text, offending) in cases {
            match text.parse::<Factory>() {
                Err(Error::Factory { part, .. }) => assert_eq!(part, offending, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}

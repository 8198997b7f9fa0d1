//! Kinds of witnesses.

use std::{fmt, str::FromStr};

use crate::Error;

/// Form of what is kept of an entry's picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// Nothing.
    None,
    /// Keypoints and a grey picture of at most 64 pixels a side: at most 19 KB.
    #[default]
    Keypoints,
    /// A JPEG of at most 384 pixels a side, some 15 to 40 KB. Keypoints are found when it is read.
    Thumbnails,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::None, Self::Keypoints, Self::Thumbnails];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Keypoints => "keypoints",
            Self::Thumbnails => "thumbnails",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let kind = Self::ALL.into_iter().find(|kind| kind.name() == text);
        kind.ok_or_else(|| Error::Kind(text.to_owned()))
    }
}

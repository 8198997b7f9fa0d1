//! Text form of edits: `name` or `name=parameter`.

use std::{fmt, str::FromStr};

use super::edit::Edit;
use crate::error::{Error, Result};

/// Parameter of an edit.
enum Parameter {
    Nothing(Edit),
    Number { expected: &'static str, accepts: fn(f32) -> bool, make: fn(f32) -> Edit },
}

use Parameter::{Nothing, Number};

fn whole(value: f32, low: f32, high: f32) -> bool {
    value.fract() == 0.0 && (low..=high).contains(&value)
}

fn factor(value: f32) -> bool {
    value.is_finite() && value >= 0.0
}

fn share(value: f32) -> bool {
    value > 0.0 && value <= 1.0
}

const FACTOR: &str = "a finite factor of at least 0";
const SHARE: &str = "a share above 0 and at most 1";

/// All edits with their parameters, in the order of [`Edit::known`].
const FORMS: &[(&str, Parameter)] = &[
    ("none", Nothing(Edit::Identity)),
    (
        "rotation",
        Number {
            expected: "a finite number of degrees",
            accepts: f32::is_finite,
            make: |degrees| Edit::Rotation { degrees },
        },
    ),
    ("crop", Number { expected: SHARE, accepts: share, make: |area| Edit::CentreCrop { area } }),
    ("offcentre", Number { expected: SHARE, accepts: share, make: |area| Edit::OffCentreCrop { area } }),
    (
        "resize",
        Number {
            expected: "an area above 0 and at most 16",
            accepts: |area| area > 0.0 && area <= 16.0,
            make: |area| Edit::Resize { area },
        },
    ),
    (
        "blur",
        Number {
            expected: "an odd kernel width from 1 to 255",
            accepts: |kernel| whole(kernel, 1.0, 255.0) && kernel % 2.0 == 1.0,
            make: |kernel| Edit::Blur { kernel: kernel as u32 },
        },
    ),
    (
        "jpeg",
        Number {
            expected: "a whole quality from 1 to 100",
            accepts: |quality| whole(quality, 1.0, 100.0),
            make: |quality| Edit::Jpeg { quality: quality as u8 },
        },
    ),
    (
        "hue",
        Number {
            expected: "a shift from -0.5 to 0.5",
            accepts: |shift| (-0.5..=0.5).contains(&shift),
            make: |shift| Edit::Hue { shift },
        },
    ),
    ("contrast", Number { expected: FACTOR, accepts: factor, make: |factor| Edit::Contrast { factor } }),
    ("brightness", Number { expected: FACTOR, accepts: factor, make: |factor| Edit::Brightness { factor } }),
    ("saturation", Number { expected: FACTOR, accepts: factor, make: |factor| Edit::Saturation { factor } }),
    ("greyscale", Nothing(Edit::Greyscale)),
    (
        "opacity",
        Number {
            expected: "a level from 0 to 1",
            accepts: |level| (0.0..=1.0).contains(&level),
            make: |level| Edit::Opacity { level },
        },
    ),
    ("hflip", Nothing(Edit::FlipHorizontal)),
    ("vflip", Nothing(Edit::FlipVertical)),
    (
        "aspect",
        Number {
            expected: "a width over height from 0.1 to 10",
            accepts: |ratio| (0.1..=10.0).contains(&ratio),
            make: |ratio| Edit::AspectRatio { ratio },
        },
    ),
    ("square", Nothing(Edit::PadSquare)),
    (
        "letterbox",
        Number {
            expected: "a share of the height from 0 to 1",
            accepts: |bar| (0.0..=1.0).contains(&bar),
            make: |bar| Edit::Letterbox { bar },
        },
    ),
    (
        "perspective",
        Number {
            expected: "a share of the sides from 0 to 0.1",
            accepts: |sigma| (0.0..=0.1).contains(&sigma),
            make: |sigma| Edit::Perspective { sigma },
        },
    ),
    ("pixelize", Number { expected: SHARE, accepts: share, make: |ratio| Edit::Pixelize { ratio } }),
    (
        "shuffle",
        Number {
            expected: "a share from 0 to 1",
            accepts: |fraction| (0.0..=1.0).contains(&fraction),
            make: |fraction| Edit::ShufflePixels { fraction },
        },
    ),
    ("edges", Nothing(Edit::Edges)),
    ("palette", Nothing(Edit::Palette)),
    ("text", Nothing(Edit::Text)),
    ("emoji", Nothing(Edit::Emoji)),
    ("meme", Nothing(Edit::Meme)),
    ("screenshot", Nothing(Edit::Screenshot)),
    ("auto", Nothing(Edit::Auto)),
];

fn form(name: &str) -> Option<(&'static str, &'static Parameter)> {
    FORMS.iter().find(|(known, _)| *known == name).map(|(known, parameter)| (*known, parameter))
}

impl Edit {
    /// Returns the name and the parameter, as in [`FORMS`].
    fn parts(&self) -> (&'static str, Option<f32>) {
        match *self {
            Self::Identity => ("none", None),
            Self::Rotation { degrees } => ("rotation", Some(degrees)),
            Self::CentreCrop { area } => ("crop", Some(area)),
            Self::OffCentreCrop { area } => ("offcentre", Some(area)),
            Self::Resize { area } => ("resize", Some(area)),
            Self::Blur { kernel } => ("blur", Some(kernel as f32)),
            Self::Jpeg { quality } => ("jpeg", Some(f32::from(quality))),
            Self::Hue { shift } => ("hue", Some(shift)),
            Self::Contrast { factor } => ("contrast", Some(factor)),
            Self::Brightness { factor } => ("brightness", Some(factor)),
            Self::Saturation { factor } => ("saturation", Some(factor)),
            Self::Greyscale => ("greyscale", None),
            Self::Opacity { level } => ("opacity", Some(level)),
            Self::FlipHorizontal => ("hflip", None),
            Self::FlipVertical => ("vflip", None),
            Self::AspectRatio { ratio } => ("aspect", Some(ratio)),
            Self::PadSquare => ("square", None),
            Self::Letterbox { bar } => ("letterbox", Some(bar)),
            Self::Perspective { sigma } => ("perspective", Some(sigma)),
            Self::Pixelize { ratio } => ("pixelize", Some(ratio)),
            Self::ShufflePixels { fraction } => ("shuffle", Some(fraction)),
            Self::Edges => ("edges", None),
            Self::Palette => ("palette", None),
            Self::Text => ("text", None),
            Self::Emoji => ("emoji", None),
            Self::Meme => ("meme", None),
            Self::Screenshot => ("screenshot", None),
            Self::Auto => ("auto", None),
        }
    }

    /// Returns the name before the `=`, such as `crop`.
    pub fn name(&self) -> &'static str {
        self.parts().0
    }

    /// Returns the number after the `=`, if the edit has one.
    pub fn param(&self) -> Option<f32> {
        self.parts().1
    }

    /// Checks the parameter of an edit that was not parsed, as [`Edit::apply`] does.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the parameter is not finite or out of range.
    pub fn validate(&self) -> Result<()> {
        match (form(self.name()), self.param()) {
            (Some((name, Number { expected, accepts, .. })), Some(value)) if !accepts(value) => {
                Err(Error::Parameter { edit: name, expected, found: value.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// Returns the names of all edits: `none`, `rotation=NUMBER`, ...
    pub fn known() -> Vec<String> {
        let spell = |(name, parameter): &(&str, Parameter)| match parameter {
            Nothing(_) => name.to_string(),
            Number { .. } => format!("{name}=NUMBER"),
        };
        FORMS.iter().map(spell).collect()
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (name, None) => f.pad(name),
            (name, Some(value)) => f.pad(&format!("{name}={value}")),
        }
    }
}

impl FromStr for Edit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, value) = match text.trim().split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (text.trim(), None),
        };
        match form(name) {
            Some((_, Nothing(edit))) if value.is_none() => Ok(*edit),
            Some((name, Nothing(_))) => Err(refused(name, "no parameter", value)),
            Some((name, Number { expected, accepts, make })) => value
                .and_then(|value| value.parse().ok())
                .filter(|number| accepts(*number))
                .map(make)
                .ok_or_else(|| refused(name, expected, value)),
            None => Err(Error::UnknownEdit { name: name.into(), known: Self::known().join(", ") }),
        }
    }
}

fn refused(edit: &'static str, expected: &'static str, value: Option<&str>) -> Error {
    let found = value.map_or(format!("none: write `{edit}=NUMBER`"), |value| format!("`{value}`"));
    Error::Parameter { edit, expected, found }
}

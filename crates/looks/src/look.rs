//! One view of a query picture.

use std::fmt;

use image::RgbImage;

use crate::{frame::Frame, tone::Tone, view::render};

/// Longest side of a view in pixels, unless it is the whole picture: networks take less.
const LONGEST: f32 = 1024.0;

/// Longest side of a view whose tones are restored, which takes longer.
const LONGEST_RESTORED: f32 = 512.0;

/// One view of a query: a part of the picture, turned, mirrored, or with its tones restored.
///
/// The text says in English what was done:
///
/// ```
/// use active_index_looks::Look;
///
/// assert_eq!(Look::WHOLE.to_string(), "whole picture");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    frame: Frame,
    subject: Subject,
    /// Clockwise turn of the frame on the picture in degrees, without right angles.
    slant: f32,
    /// Right angles by which the content is turned clockwise.
    quarters: u8,
    is_mirrored: bool,
    tone: Tone,
}

/// Part of a picture that a look shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Subject {
    /// All of it, as far as it fits.
    Whole,
    /// The picture inside a picture.
    Content,
    /// The middle; the number is the share of the sides in percent.
    Middle(u8),
}

impl Look {
    /// The picture as it is.
    pub const WHOLE: Self = Self {
        frame: Frame::WHOLE,
        subject: Subject::Whole,
        slant: 0.0,
        quarters: 0,
        is_mirrored: false,
        tone: Tone::AsIs,
    };

    pub(crate) fn content(frame: Frame, slant: f32) -> Self {
        Self { frame, subject: Subject::Content, slant, ..Self::WHOLE }
    }

    /// Returns the largest part of this view that can be turned counter-clockwise by `degrees`, on a picture of
    /// `dimensions`.
    pub(crate) fn turned_back(&self, degrees: f32, dimensions: (u32, u32)) -> Self {
        let sides = self.frame.sides(dimensions).map(|side| (side.round() as u32).max(1));
        let frame = self.frame.inner(&Frame::inscribed(degrees, (sides[0], sides[1])));
        Self { frame, slant: self.slant + degrees, ..*self }
    }

    /// Returns the middle of this view, with `percent` of its sides.
    pub(crate) fn middle(&self, percent: u8) -> Self {
        let frame = self.frame.inner(&Frame::middle(f32::from(percent) / 100.0));
        Self { frame, subject: Subject::Middle(percent), ..*self }
    }

    pub(crate) fn quarter_turns(&self, quarters: u8) -> Self {
        Self { frame: self.frame.quarter_turns(quarters), quarters: (self.quarters + quarters) % 4, ..*self }
    }

    pub(crate) fn mirrored(&self) -> Self {
        Self { frame: self.frame.mirrored(), is_mirrored: !self.is_mirrored, ..*self }
    }

    pub(crate) fn toned(&self, tone: Tone) -> Self {
        Self { tone, ..*self }
    }

    /// Returns the part of the picture that the view shows, with its corners in the view's order.
    pub fn frame(&self) -> Frame {
        self.frame
    }

    /// Returns whether the view is the picture itself.
    pub fn is_whole(&self) -> bool {
        *self == Self::WHOLE
    }

    /// Returns whether both show nearly the same on a picture of `dimensions`.
    pub(crate) fn resembles(&self, other: &Self, dimensions: (u32, u32)) -> bool {
        self.tone == other.tone && self.frame.distance(&other.frame, dimensions) < 0.04
    }

    /// Returns the view of a picture: the one the look was planned for, or the same at another size.
    ///
    /// Views other than the whole picture have at most 1024 pixels a side. A picture without pixels is returned as it is.
    pub fn apply(&self, picture: &RgbImage) -> RgbImage {
        if self.is_whole() || picture.width() == 0 || picture.height() == 0 {
            return picture.clone();
        }
        let sides = self.frame.sides(picture.dimensions());
        let longest = if self.tone == Tone::AsIs { LONGEST } else { LONGEST_RESTORED };
        let factor = (longest / sides[0].max(sides[1])).min(1.0);
        let [width, height] = sides.map(|side| ((side * factor).round() as u32).max(1));
        self.tone.restored(render(picture, &self.frame, (width, height)))
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = match self.subject {
            Subject::Whole => Vec::new(),
            Subject::Content => vec!["content".to_owned()],
            Subject::Middle(percent) => vec![format!("middle {percent} %")],
        };
        let turn = (90.0 * f32::from(self.quarters) - self.slant + 180.0).rem_euclid(360.0) - 180.0;
        if turn.round() != 0.0 {
            words.push(format!("turned by {turn:.0} degrees"));
        }
        words.extend(self.is_mirrored.then(|| "mirrored".to_owned()));
        words.extend(self.tone.name().map(str::to_owned));
        if words.is_empty() {
            words.push("whole picture".to_owned());
        }
        f.pad(&words.join(", "))
    }
}

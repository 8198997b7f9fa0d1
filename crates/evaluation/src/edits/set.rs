//! Sets of edits, by name or as a list.

use std::str::FromStr;

use super::edit::Edit;
use crate::error::{Error, Result};

/// Edits of an evaluation, written `paper`, `full`, `hard` or as a list such as `rotation=25,jpeg=50`.
#[derive(Clone, Debug, PartialEq)]
pub struct EditSet(pub Vec<Edit>);

impl FromStr for EditSet {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "paper" => Ok(Self::paper()),
            "full" => Ok(Self(Edit::full())),
            "hard" => Ok(Self(Edit::hard())),
            list => list.split(',').map(str::parse).collect::<Result<_>>().map(Self),
        }
    }
}

impl EditSet {
    /// Returns the 14 edits that the paper averages, and the screenshot that it shows beside them.
    fn paper() -> Self {
        let mut edits = Edit::paper();
        if !edits.contains(&Edit::Screenshot) {
            edits.push(Edit::Screenshot);
        }
        Self(edits)
    }
}

impl Edit {
    /// Returns which of `edits` count in a mean: all but the screenshot, as in the paper, unless there is no other.
    pub fn averaged(edits: &[Self]) -> Vec<bool> {
        let is_screenshot = |edit: &Self| *edit == Self::Screenshot;
        let alone = edits.iter().all(is_screenshot);
        edits.iter().map(|edit| alone || !is_screenshot(edit)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_screenshot_counts_in_no_mean_but_its_own() {
        let averaged = |text: &str| Edit::averaged(&text.parse::<EditSet>().unwrap().0);
        let paper = averaged("paper");
        assert_eq!((paper.len(), paper.iter().filter(|counts| **counts).count()), (15, 14));
        assert_eq!(averaged("screenshot,hflip"), [false, true]);
        assert_eq!(averaged("screenshot"), [true]);
    }
}

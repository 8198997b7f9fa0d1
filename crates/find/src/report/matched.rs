//! Matches with the names and fields of their entries.

use collection::{Entry, Meta};
use serde::{Deserialize, Serialize};
use witness::{Comparison, Fit};

use crate::answer::{self, Verdict};

/// Entry that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// Id of the entry.
    pub id: i64,
    /// Name of the entry.
    pub name: String,
    /// Judgement.
    pub verdict: Verdict,
    /// Number of entries that would look at least this much alike by chance.
    pub e_value: f64,
    /// Cosine of the descriptors of the best look and of the entry.
    pub cosine: f32,
    /// View of the query that is nearest to the entry.
    pub look: String,
    /// Outcome of laying the query over the entry, if that was done.
    #[serde(flatten)]
    pub seen: Option<Seen>,
    /// State of the entry.
    pub state: String,
    /// Fields of the entry.
    #[serde(default, skip_serializing_if = "Meta::is_empty")]
    pub meta: Meta,
}

/// Outcome of laying the query over the entry's picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Keypoints that agree with one position of the entry's picture on the query.
    pub inliers: usize,
    /// True if either picture has too few keypoints to decide by.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flat: bool,
    /// Correlation of the pictures where they overlap, -1 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f32>,
    /// Position of the entry's picture on the query.
    #[serde(flatten)]
    pub place: Option<Place>,
}

/// Position of an entry's picture on the query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Corners of the entry's picture in shares of the query's width and height, clockwise from its upper left.
    pub region: [[f32; 2]; 4],
    /// Turn in degrees, clockwise.
    pub degrees: f32,
    /// True if the query shows the entry's mirror image.
    pub mirrored: bool,
}

impl From<Comparison> for Seen {
    fn from(comparison: Comparison) -> Self {
        let Comparison { inliers, is_flat, agreement, fit, .. } = comparison;
        let place = |Fit { region, degrees, mirrored, .. }: Fit| Place { region, degrees, mirrored };
        Self { inliers, flat: is_flat, agreement, place: fit.map(place) }
    }
}

impl Seen {
    /// Formats the outcome in words.
    pub fn text(&self) -> String {
        let Some(Place { degrees, mirrored, .. }) = self.place else {
            return if self.flat { "flat picture".to_owned() } else { "not confirmed".to_owned() };
        };
        let turned = match degrees.round() as i32 {
            0 => String::new(),
            degrees => format!(", turned by {degrees} degrees"),
        };
        let mirrored = if mirrored { ", mirrored" } else { "" };
        format!("{} points{turned}{mirrored}", self.inliers)
    }
}

impl From<(answer::Match, Entry)> for Match {
    fn from((found, entry): (answer::Match, Entry)) -> Self {
        let answer::Match { verdict, e_value, cosine, look, comparison, .. } = found;
        let Entry { id, name, state, meta, .. } = entry;
        let (look, seen) = (look.to_string(), comparison.map(Seen::from));
        Self { id, name, verdict, e_value, cosine, look, seen, state: state.to_string(), meta }
    }
}

impl Match {
    /// Formats the match in words.
    pub fn text(&self) -> String {
        let Self { name, verdict, e_value, cosine, look, seen, .. } = self;
        let seen = seen.as_ref().map_or_else(String::new, |seen| format!(", {}", seen.text()));
        format!("{verdict} {name}, E {}, cosine {cosine:.2} ({look}){seen}", e_text(*e_value))
    }
}

/// Formats an E-value: `3e-12`, `0.04`, `2.1`.
pub fn e_text(e: f64) -> String {
    if e > 0.0 && e < 0.01 { format!("{e:.0e}") } else { format!("{e:.2}") }
}

#[cfg(test)]
mod tests {
    use collection::State;
    use looks::Look;
    use serde_json::json;

    use super::*;

    fn entry() -> Entry {
        Entry {
            id: 7,
            name: "seven.jpg".to_owned(),
            original: None,
            state: State::Live,
            file: None,
            pending: false,
            added: 0,
            meta: Meta::new(),
        }
    }

    fn found(comparison: Option<Comparison>) -> answer::Match {
        answer::Match {
            id: 7,
            verdict: Verdict::Possible,
            e_value: 0.25,
            cosine: 0.5,
            cosine_e: 0.5,
            look: Look::WHOLE,
            comparison,
        }
    }

    fn turned() -> Comparison {
        let corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.5], [0.0, 0.5]];
        let matrix = [[1.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 1.0]];
        let fit = Fit { matrix, mirrored: true, degrees: 89.7, scale: 1.0, region: corners, part: corners };
        Comparison { inliers: 41, matched: 80, is_flat: false, agreement: Some(0.75), fit: Some(fit) }
    }

    #[test]
    fn e_values_are_short() {
        let texts = [0.0, 3.2e-12, 0.0099, 0.04, 1.0, 250.0].map(e_text);
        assert_eq!(texts, ["0.00", "3e-12", "1e-2", "0.04", "1.00", "250.00"]);
    }

    #[test]
    fn json_has_the_keys_of_the_contract_and_no_absent_ones() {
        let whole = Look::WHOLE.to_string();
        let plain = json!({"id": 7, "name": "seven.jpg", "verdict": "possible", "e_value": 0.25, "cosine": 0.5,
            "look": whole, "state": "live"});
        assert_eq!(serde_json::to_value(Match::from((found(None), entry()))).unwrap(), plain);
        let mut all = plain;
        let seen = json!({"inliers": 41, "agreement": 0.75, "degrees": 89.7f32, "mirrored": true,
            "region": [[0.0, 0.0], [1.0, 0.0], [1.0, 0.5], [0.0, 0.5]], "meta": {"licence": "CC0"}});
        all.as_object_mut().unwrap().extend(seen.as_object().unwrap().clone());
        let meta = json!({"licence": "CC0"}).as_object().unwrap().clone();
        let with_fields = Entry { meta, ..entry() };
        assert_eq!(serde_json::to_value(Match::from((found(Some(turned())), with_fields))).unwrap(), all);
    }

    #[test]
    fn matches_are_read_as_they_were_written() {
        let flat = Comparison { inliers: 0, matched: 3, is_flat: true, agreement: None, fit: None };
        for comparison in [None, Some(flat), Some(turned())] {
            let written = Match::from((found(comparison), entry()));
            let text = serde_json::to_string(&written).unwrap();
            assert_eq!(serde_json::from_str::<Match>(&text).unwrap(), written, "{text}");
        }
    }

    #[test]
    fn words_name_turn_and_mirror() {
        let text = Match::from((found(Some(turned())), entry())).text();
        let look = Look::WHOLE;
        assert_eq!(
            text,
            format!(
                "possible seven.jpg, E 0.25, cosine 0.50 ({look}), 41 points, turned by 90 degrees, mirrored"
            )
        );
    }
}

//! Figures of copy detection: of all queries, and of each edit.

use serde::Serialize;

use super::{
    curve::{Curve, Point, Row, Ties},
    isc::{GroundTruth, Prediction},
    queries::{Queries, Query},
    search::{Candidate, Candidates, Ranked},
};
use crate::{bootstrap::Bootstrap, error::Result};

/// Precision that the threshold is chosen for, as in ISC2021.
const PRECISION: f64 = 0.9;
/// Steps of recall in the outline of a curve.
const STEPS: usize = 100;

/// Figures of one side.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Figures by the cosines of descriptors.
    #[serde(flatten)]
    pub plain: Measured,
    /// Figures by scores minus the similarity to the background, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalised: Option<Measured>,
    /// Figures by the distances of codes, if an index was searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_code: Option<Measured>,
}

/// Figures of one ranking.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Micro average precision, wrong rows first among equals.
    pub micro_ap: f64,
    /// Bounds of 95 % of the resamples of `micro_ap`.
    pub interval: [f64; 2],
    /// Highest recall at precision 0.9; `None` if no threshold has that precision.
    pub recall_at_p90: Option<f64>,
    /// Threshold of `recall_at_p90`.
    pub threshold_at_p90: Option<f64>,
    /// Outline of the precision-recall curve, see [`Curve::outline`].
    pub curve: Vec<Point>,
}

/// Figures of the queries of one edit.
#[derive(Clone, Debug, Serialize)]
pub struct EditFigures {
    /// Micro average precision, wrong rows first among equals.
    pub micro_ap: f64,
    /// Bounds of 95 % of the resamples of `micro_ap`.
    pub interval: [f64; 2],
    /// Share of the matches above the threshold of precision 0.9 over all queries.
    pub recall_at_threshold: Option<f64>,
}

/// Figures of both sides.
#[derive(Clone, Debug)]
pub struct Sides {
    /// Copies of originals.
    pub passive: Figures,
    /// Copies of released versions, if there are any.
    pub released: Option<Figures>,
    /// Figures of each edit on both sides; empty for a single edit.
    pub edits: Vec<(EditFigures, Option<EditFigures>)>,
}

impl Measured {
    pub(crate) fn new(curve: &Curve, matches_of: &[usize], bootstrap: &Bootstrap) -> Result<Self> {
        let at = curve.at_precision(PRECISION);
        let interval = curve.interval(matches_of, bootstrap)?;
        Ok(Self {
            micro_ap: curve.average_precision(Ties::WrongFirst),
            interval: [interval.low, interval.high],
            recall_at_p90: at.map(|point| point.recall),
            threshold_at_p90: at.map(|point| point.threshold),
            curve: curve.outline(STEPS),
        })
    }

    /// Judges predictions by the truth. Returns the figures and the number of matches of each query.
    ///
    /// # Errors
    /// Those of [`Curve::new`] and [`Curve::interval`].
    pub fn of_predictions(
        truth: &GroundTruth,
        predictions: &[Prediction],
        bootstrap: &Bootstrap,
    ) -> Result<(Self, Vec<usize>)> {
        let judged = truth.judge(predictions)?;
        Ok((Self::new(&judged.curve, &judged.matches_of, bootstrap)?, judged.matches_of))
    }
}

/// Measures candidates.
pub(super) struct Meter<'a> {
    pub queries: &'a Queries,
    pub bootstrap: Bootstrap,
    /// True if candidates have normalised scores.
    pub normalises: bool,
}

impl Meter<'_> {
    /// Measures both sides, over all queries and for each of `edits` edits.
    pub fn sides(&self, candidates: &Candidates, edits: usize) -> Result<Sides> {
        let matches_of = self.queries.matches_of_photographs();
        let passive = self.figures(&candidates.passive, &matches_of)?;
        let released = candidates.released().map(|ranked| self.figures(ranked, &matches_of)).transpose()?;
        let matches_of: Vec<usize> = matches_of.iter().map(|matches| matches / edits).collect();
        let of_edit = |edit: usize| -> Result<_> {
            let figures = |ranked: &Ranked, side: &Figures| {
                self.edit(&ranked.by_descriptor, edit, &matches_of, side.plain.threshold_at_p90)
            };
            let pair = candidates.released().zip(released.as_ref());
            let released = pair.map(|(ranked, side)| figures(ranked, side)).transpose()?;
            Ok((figures(&candidates.passive, &passive)?, released))
        };
        let edits = if edits > 1 { (0..edits).map(of_edit).collect::<Result<_>>()? } else { Vec::new() };
        Ok(Sides { passive, released, edits })
    }

    fn figures(&self, ranked: &Ranked, matches_of: &[usize]) -> Result<Figures> {
        let measured = |rows: &[Candidate], normalised: bool| {
            Measured::new(&self.curve(rows, None, normalised)?, matches_of, &self.bootstrap)
        };
        let rows = &ranked.by_descriptor;
        Ok(Figures {
            plain: measured(rows, false)?,
            normalised: self.normalises.then(|| measured(rows, true)).transpose()?,
            by_code: Some(measured(&ranked.by_code, false)?),
        })
    }

    fn edit(
        &self,
        rows: &[Candidate],
        edit: usize,
        matches_of: &[usize],
        threshold: Option<f64>,
    ) -> Result<EditFigures> {
        let curve = self.curve(rows, Some(edit), false)?;
        let interval = curve.interval(matches_of, &self.bootstrap)?;
        Ok(EditFigures {
            micro_ap: curve.average_precision(Ties::WrongFirst),
            interval: [interval.low, interval.high],
            recall_at_threshold: threshold.map(|threshold| curve.recall_at(threshold)),
        })
    }

    /// Ranks the candidates of one edit or of all, by score or normalised score.
    fn curve(&self, rows: &[Candidate], edit: Option<usize>, normalised: bool) -> Result<Curve> {
        let row = |candidate: &Candidate| {
            let Query { photograph, matches, .. } = &self.queries.all[candidate.query];
            let (is_match, photograph) = (matches.contains(&candidate.id), *photograph);
            let score = if normalised { candidate.normalised } else { None }.unwrap_or(candidate.score);
            Row { score, is_match, photograph }
        };
        let wanted = |row: &&Candidate| edit.is_none_or(|edit| self.queries.all[row.query].edit == edit);
        Curve::new(rows.iter().filter(wanted).map(row).collect(), self.queries.matches(edit))
    }
}

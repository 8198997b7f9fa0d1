//! Figures of lookups: verified and first matches, ranking, false matches, calibration, cost.

use serde::Serialize;

use super::{
    calibration::{Kept, THRESHOLDS},
    cost::Cost,
    false_matches::{FalseMatches, RecallAtRate},
    lookup::{FoundEntry, Lookup},
};
use crate::{
    bootstrap::Bootstrap,
    copy_detection::{Curve, Measured, Row},
    error::{Error, Result},
};

/// Rates of false matches that recall is reported at.
const RATES: [f64; 2] = [1e-3, 1e-6];
/// E-values that recall is reported at.
const E_VALUES: [f64; 2] = [1e-3, 1e-6];

/// Figures of all lookups.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Number of copies.
    pub copies: usize,
    /// Number of unrelated lookups.
    pub unrelated: usize,
    /// Share of the copies whose right entry has the verdict `match`.
    pub verified: Share,
    /// Share of the copies whose right entry comes first.
    pub first: Share,
    /// Ranking of the results of all lookups by falling score; thresholds are scores, see [`FoundEntry::score`].
    pub ranking: Measured,
    /// Recall at E-values.
    pub recall_at_e: Vec<RecallAtE>,
    /// Recall at rates of false matches.
    pub recall_at_rate: Vec<RecallAtRate>,
    /// Unrelated lookups with a false match.
    pub false_matches: FalseMatches,
    /// Copies with a wrong entry whose verdict is `match`.
    pub wrong_matches: FalseMatches,
    /// Number of lookups with a related entry whose verdict is `match`.
    pub related_matches: usize,
    /// Promises of E-values, and what became of them, at [`THRESHOLDS`].
    pub promises: Vec<Kept>,
    /// Cost of copies whose right entry has the verdict `match`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_verified: Option<Cost>,
    /// Cost of the other copies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_missed: Option<Cost>,
    /// Cost of unrelated lookups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_unrelated: Option<Cost>,
    /// Figures of each edit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<EditFigures>,
}

/// A share of copies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// The share, over all edits alike.
    pub share: f64,
    /// Bounds of 95 % of the resamples of photographs.
    pub interval: [f64; 2],
}

/// Recall at an E-value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RecallAtE {
    /// The E-value.
    pub e_value: f64,
    /// Share of the copies whose right entry has at most this E-value.
    pub recall: f64,
}

/// Figures of the copies of one edit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EditFigures {
    /// Share whose right entry has the verdict `match`.
    pub verified: Share,
    /// Share whose right entry comes first.
    pub first: Share,
    /// Share whose right entry has an E-value of at most one millionth.
    pub recall_at_millionth: f64,
    /// Number with a wrong entry whose verdict is `match`.
    pub wrong: usize,
    /// Mean cost.
    pub cost: Cost,
}

impl Figures {
    /// Measures lookups of `edits` edits of each photograph.
    ///
    /// # Errors
    /// [`Error::NoMatches`] without copies, [`Error::NoResamples`].
    pub fn new(lookups: &[Lookup], edits: usize, bootstrap: &Bootstrap) -> Result<Self> {
        let (copies, unrelated): (Vec<&Lookup>, Vec<&Lookup>) =
            lookups.iter().partition(|lookup| lookup.is_copy());
        if copies.is_empty() {
            return Err(Error::NoMatches);
        }
        let (verified, missed): (Vec<&Lookup>, Vec<&Lookup>) =
            copies.iter().partition(|copy| copy.is_verified());
        let right: Vec<f64> = copies.iter().map(|copy| right_score(copy)).collect();
        let wrong: Vec<f64> = unrelated.iter().map(|lookup| lookup.best_wrong()).collect();
        let kept = |e_value: &f64| Kept::new(*e_value, &unrelated, bootstrap);
        let [verified_share, first_share] = shares(&copies, bootstrap)?;
        let edit = |edit: usize| EditFigures::new(&copies, edit, bootstrap);
        Ok(Self {
            copies: copies.len(),
            unrelated: unrelated.len(),
            verified: verified_share,
            first: first_share,
            ranking: ranking(lookups, bootstrap)?,
            recall_at_e: E_VALUES.map(|e_value| RecallAtE::new(e_value, &copies)).into(),
            recall_at_rate: RATES.map(|rate| RecallAtRate::new(rate, &right, &wrong)).into(),
            false_matches: FalseMatches::of(unrelated.iter().copied()),
            wrong_matches: FalseMatches::of(copies.iter().copied()),
            related_matches: lookups.iter().filter(|lookup| has_related_match(lookup)).count(),
            promises: THRESHOLDS.iter().map(kept).collect::<Result<_>>()?,
            cost_verified: Cost::of(verified.into_iter()),
            cost_missed: Cost::of(missed.into_iter()),
            cost_unrelated: Cost::of(unrelated.iter().copied()),
            edits: (0..edits).map(edit).collect::<Result<_>>()?,
        })
    }
}

impl EditFigures {
    fn new(copies: &[&Lookup], edit: usize, bootstrap: &Bootstrap) -> Result<Self> {
        let own: Vec<&Lookup> = copies.iter().copied().filter(|copy| copy.edit == edit).collect();
        let [verified, first] = shares(&own, bootstrap)?;
        Ok(Self {
            verified,
            first,
            recall_at_millionth: RecallAtE::new(1e-6, &own).recall,
            wrong: FalseMatches::of(own.iter().copied()).count,
            cost: Cost::of(own.iter().copied()).ok_or(Error::NoQueries)?,
        })
    }
}

impl RecallAtE {
    fn new(e_value: f64, copies: &[&Lookup]) -> Self {
        let is_found = |copy: &&&Lookup| copy.found_right().is_some_and(|found| found.e_value <= e_value);
        Self { e_value, recall: copies.iter().filter(is_found).count() as f64 / copies.len().max(1) as f64 }
    }
}

fn right_score(copy: &Lookup) -> f64 {
    copy.found_right().map_or(f64::NEG_INFINITY, FoundEntry::score)
}

fn has_related_match(lookup: &Lookup) -> bool {
    lookup.found.iter().any(|found| found.is_match && found.is_related)
}

/// Returns the shares of verified copies and of those whose right entry comes first, means over photographs of the means
/// over their edits.
fn shares(copies: &[&Lookup], bootstrap: &Bootstrap) -> Result<[Share; 2]> {
    let photographs = copies.iter().map(|copy| copy.photograph).max().map_or(0, |last| last + 1);
    let (mut sums, mut totals) = (vec![[0.0; 2]; photographs], vec![0.0; photographs]);
    for copy in copies {
        let own = [copy.is_verified(), copy.is_first()].map(|is| f64::from(u8::from(is)));
        sums[copy.photograph].iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        totals[copy.photograph] += 1.0;
    }
    let drawn = || sums.iter().zip(&totals).filter(|(_, total)| **total > 0.0);
    let columns =
        [0, 1].map(|figure: usize| drawn().map(|(sums, total)| sums[figure] / total).collect::<Vec<f64>>());
    let intervals = bootstrap.means(&[&columns[0], &columns[1]])?;
    let share = |figure: usize| Share {
        share: columns[figure].iter().sum::<f64>() / columns[figure].len() as f64,
        interval: [intervals[figure].low, intervals[figure].high],
    };
    Ok([share(0), share(1)])
}

/// Ranks the results of all lookups, one right row a copy at most.
fn ranking(lookups: &[Lookup], bootstrap: &Bootstrap) -> Result<Measured> {
    let photographs = lookups.iter().map(|lookup| lookup.photograph).max().map_or(0, |last| last + 1);
    let mut matches_of = vec![0; photographs];
    lookups.iter().for_each(|lookup| matches_of[lookup.photograph] += usize::from(lookup.is_copy()));
    let rows = lookups.iter().flat_map(|lookup| {
        let photograph = lookup.photograph;
        let row = move |found: &FoundEntry, is_match| Row { score: found.score(), is_match, photograph };
        let right = lookup.found_right().map(|found| row(found, true));
        right.into_iter().chain(lookup.wrong().map(move |found| row(found, false)))
    });
    let curve = Curve::new(rows.collect(), matches_of.iter().sum())?;
    Measured::new(&curve, &matches_of, bootstrap)
}

//! Calibrations: the laws of what unrelated pictures show in a collection, and what they rest on.

mod calibrator;
mod facts;
mod kept;

use std::fmt;

use collection::Collection;
use serde::{Deserialize, Serialize};

pub use self::{
    calibrator::{Calibrator, refit, refit_if_due},
    facts::{Background, Facts},
};
use crate::{
    error::{Error, Result},
    law::{BestLaw, Body, InlierLaw, PairLaw, Pareto, Tail},
};

/// Schema of the text.
const SCHEMA: u64 = 1;
/// Largest number of regimes, checked in texts from elsewhere.
const MOST_REGIMES: usize = 256;
/// Steps of the search for a cosine: `2^-40` is finer than a float32.
const BISECTIONS: usize = 40;

/// Laws of what unrelated pictures show in a collection.
///
/// [`Self::cosine_e`] is the expected number of unrelated entries with a cosine of at least `s` among all that a search may
/// compare within its bounds, whether it ends earlier or not. So stops, further cells and further views need no correction
/// of their own: a query without a match goes through all of them. It follows from the best cosines that background queries
/// found within the same bounds (`best`). They hold what visiting few cells saves, what several views cost, and that entries
/// which were activated for a cell are nearer to every query of the cell. Where there is no such law, because the collection
/// is small or the bounds are wider, it is `looks * entries * P(cosine >= s)` with the law of all pairs of background queries
/// and entries (`pairs`), which is at least as large.
///
/// E-values grow with the number of entries. The text is one JSON object, kept with the collection.
///
/// ```
/// use active_index_find::Calibration;
///
/// let standard = Calibration::standard();
/// let cosine = standard.cosine_for(0.001, 10_000, 1, 1);
/// assert!((0.34..0.40).contains(&cosine), "{cosine}");
/// assert_eq!(Calibration::from_text(&standard.to_text())?.facts(), standard.facts());
/// # Ok::<(), active_index_find::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    schema: u64,
    facts: Facts,
    pairs: PairLaw,
    best: Vec<Regime>,
    inliers: Option<InlierLaw>,
}

/// Law of the best cosine within bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Regime {
    /// Largest number of views.
    looks: usize,
    /// Cells that each search visits.
    nprobe: usize,
    #[serde(flatten)]
    law: BestLaw,
}

impl Calibration {
    /// Laws of photographs, for collections that have none of their own.
    ///
    /// Every second one of 1,590 photographs of one public set against 9,144 of another (Caltech-101), described by SSCD
    /// `disc_mixup`, 7.3 million pairs: from .118 on, the largest hundredth, a tail of .0475 a decade. Six pairs above .5 are
    /// copies. Entries that activation moves a fifth of the way to their centroids, as four photographs at 42.5 dB were, begin
    /// at .125 with .05 a decade, and these numbers are taken. Other networks and other pictures have other laws.
    pub fn standard() -> Self {
        let body = [
            [-0.053, 0.9],
            [-0.026, 0.75],
            [0.004, 0.5],
            [0.035, 0.25],
            [0.065, 0.1],
            [0.097, 0.03],
            [0.125, 0.01],
        ];
        let excess = Pareto::exponential(0.05 / std::f64::consts::LN_10);
        let pairs = PairLaw { body: Body::new(body), tail: Tail { threshold: 0.125, share: 0.01, excess } };
        let facts = Facts {
            made: 1_795_910_400,
            background: Background::Standard,
            queries: 795,
            pairs: 7_269_480,
            entries: 9_144,
            looks: 1,
            refused: 6,
        };
        Self { schema: SCHEMA, facts, pairs, best: Vec::new(), inliers: None }
    }

    /// Calibration that a collection keeps, or the standard one if it keeps none.
    ///
    /// # Errors
    /// If the collection cannot be read, or its calibration is malformed.
    pub fn of(collection: &Collection) -> Result<Self> {
        Self::of_text(collection.calibration()?.as_deref())
    }

    /// Calibration of the text that a collection keeps.
    pub(crate) fn of_text(text: Option<&str>) -> Result<Self> {
        text.map_or_else(|| Ok(Self::standard()), Self::from_text)
    }

    /// Reads a text that [`Self::to_text`] gave.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Schema`].
    pub fn from_text(text: &str) -> Result<Self> {
        let malformed = |error: serde_json::Error| Error::Malformed(error.to_string());
        let Version { schema } = serde_json::from_str(text).map_err(malformed)?;
        if schema != SCHEMA {
            return Err(Error::Schema { found: schema, supported: SCHEMA });
        }
        let calibration: Self = serde_json::from_str(text).map_err(malformed)?;
        match calibration.is_valid() {
            true => Ok(calibration),
            false => Err(Error::Malformed("a number is out of range".to_owned())),
        }
    }

    /// Text to be kept: one JSON object.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("its numbers are finite and its keys are text")
    }

    fn is_valid(&self) -> bool {
        let proper = |regime: &Regime| regime.looks > 0 && regime.nprobe > 0 && regime.law.is_valid();
        let inliers = self.inliers.is_none_or(|law| law.is_valid());
        self.best.len() <= MOST_REGIMES && self.best.iter().all(proper) && self.pairs.is_valid() && inliers
    }

    /// Returns true if the laws are not those of the collection's own entries.
    pub fn is_standard(&self) -> bool {
        self.facts.background == Background::Standard
    }

    /// Returns true if a collection of so many entries should be calibrated: never done, or twice as many since.
    pub fn is_due(&self, entries: u64) -> bool {
        self.is_standard() || entries >= self.facts.entries.saturating_mul(2).max(1)
    }

    /// Date, origin, and the numbers that the laws rest on.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Cosine by which the probability of an unrelated pair falls to a tenth, at the beginning of the tail.
    pub fn decade(&self) -> f64 {
        self.pairs.tail.excess.scale * std::f64::consts::LN_10
    }

    /// E-value of a cosine alone among `entries` entries: the expected number of unrelated entries that are at least as
    /// similar to any of up to `looks` views of a query without a match, in up to `nprobe` cells a view.
    pub fn cosine_e(&self, cosine: f32, entries: u64, looks: usize, nprobe: usize) -> f64 {
        let (cosine, n, looks) = (f64::from(cosine), entries as f64, looks.max(1));
        let all = looks as f64 * n * self.pairs.probability(cosine);
        let growth = n / self.facts.entries.max(1) as f64;
        let visited = |regime: &Regime| {
            let further = (looks as f64 / regime.looks as f64).max(1.0);
            growth * further * regime.law.expected(cosine)
        };
        let e = match self.regime(looks, nprobe) {
            Some(regime) if regime.nprobe >= nprobe => visited(regime),
            // Of more cells than any law: at least what fewer give.
            Some(regime) => all.max(visited(regime)),
            None => all,
        };
        e.min(n)
    }

    /// Smallest cosine whose E-value is at most `e`; the inverse of [`Self::cosine_e`].
    pub fn cosine_for(&self, e: f64, entries: u64, looks: usize, nprobe: usize) -> f32 {
        let (mut low, mut high) = (-1.0f32, 1.0f32);
        for _ in 0..BISECTIONS {
            let middle = (low + high) / 2.0;
            match self.cosine_e(middle, entries, looks, nprobe) <= e {
                true => high = middle,
                false => low = middle,
            }
        }
        high
    }

    /// Law of best cosines for bounds: of as many cells and views, or of the fewest more; else of the most.
    fn regime(&self, looks: usize, nprobe: usize) -> Option<&Regime> {
        let lacking = |regime: &&Regime| {
            let cells = nprobe.saturating_sub(regime.nprobe);
            (cells, looks.saturating_sub(regime.looks), regime.nprobe, regime.looks)
        };
        self.best.iter().min_by_key(lacking)
    }

    /// Law of the inliers of unrelated pairs.
    pub(crate) fn inliers(&self) -> InlierLaw {
        self.inliers.unwrap_or_else(InlierLaw::standard)
    }
}

/// Version of a text.
#[derive(Deserialize)]
struct Version {
    schema: u64,
}

impl fmt::Display for Calibration {
    /// Writes what the laws rest on, in one line without the date.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_best(looks: usize, nprobe: usize) -> Calibration {
        let best: Vec<Option<f32>> =
            (1..=400).map(|i| Some((0.2 - 0.02 * -(-(f64::from(i) / 401.0).ln()).ln()) as f32)).collect();
        let law = BestLaw::fit(&best, 0.0, f64::INFINITY).unwrap();
        let mut calibration = Calibration::standard();
        calibration.best.push(Regime { looks, nprobe, law });
        calibration.facts.background = Background::Pictures;
        calibration
    }

    #[test]
    fn the_standard_laws_are_those_of_the_measurement() {
        let standard = Calibration::standard();
        // E = .001 asks for .36 among 10^4 originals, .46 among 10^6 and .60 among 10^9; for some more where they are activated.
        for (entries, expected) in [(10_000, 0.37), (1_000_000, 0.47), (1_000_000_000, 0.62)] {
            let cosine = standard.cosine_for(1e-3, entries, 1, 1);
            assert!((cosine - expected).abs() < 0.012, "{cosine} for {expected}");
        }
        assert!(standard.is_standard() && standard.is_due(1) && standard.is_valid());
    }

    #[test]
    fn more_entries_views_and_cells_never_lower_an_e_value() {
        let calibration = with_best(4, 16);
        for step in 0..60 {
            let cosine = -0.2 + step as f32 / 50.0;
            let e = |n: u64, looks: usize, nprobe: usize| calibration.cosine_e(cosine, n, looks, nprobe);
            assert!(e(20_000, 4, 16) >= e(10_000, 4, 16));
            assert!(e(10_000, 8, 16) >= e(10_000, 4, 16));
            assert!(e(10_000, 4, 64) >= e(10_000, 4, 16), "no law of 64 cells: that of all pairs holds");
            assert!(e(10_000, 4, 16) <= 10_000.0);
            assert!(calibration.cosine_e(cosine + 0.02, 10_000, 4, 16) <= e(10_000, 4, 16));
        }
    }

    #[test]
    fn the_cosine_of_an_e_value_is_the_inverse() {
        let calibration = with_best(8, 16);
        for e in [1.0, 0.1, 1e-3, 1e-6] {
            let cosine = calibration.cosine_for(e, 50_000, 8, 16);
            let found = calibration.cosine_e(cosine, 50_000, 8, 16);
            assert!((found / e - 1.0).abs() < 0.01, "{found} for {e}");
        }
    }

    #[test]
    fn texts_are_read_as_they_were_written() {
        let calibration = with_best(8, 16);
        let read = Calibration::from_text(&calibration.to_text()).unwrap();
        assert_eq!(read.facts(), calibration.facts());
        for cosine in [-0.5, 0.05, 0.19, 0.3, 0.7] {
            let [read, written] = [&read, &calibration].map(|c| c.cosine_e(cosine, 10_000, 8, 16));
            // serde_json reads a number to the last but one of its bits.
            assert!((read / written - 1.0).abs() < 1e-9, "{read} for {written} at {cosine}");
        }
    }

    #[test]
    fn foreign_texts_are_refused_in_one_line() {
        let good = with_best(8, 16).to_text();
        let changed = |from: &str, to: &str| {
            assert!(good.contains(from), "{from} in {good}");
            good.replace(from, to)
        };
        let bad = [
            String::new(),
            "[]".to_owned(),
            "{\"schema\":1}".to_owned(),
            changed("\"schema\":1", "\"schema\":9"),
            changed("\"threshold\":0.125", "\"threshold\":null"),
            changed("\"share\":0.01", "\"share\":1.5"),
            changed("\"shape\":0.0", "\"shape\":-1.0"),
            changed("\"looks\":8", "\"looks\":0"),
        ];
        for text in bad {
            let error = Calibration::from_text(&text).unwrap_err().to_string();
            assert!(error.starts_with("the calibration ") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_calibration_is_due_again_when_the_collection_has_doubled() {
        let calibration = with_best(1, 1);
        assert!(!calibration.is_due(9_144) && !calibration.is_due(18_287));
        assert!(calibration.is_due(18_288));
    }
}

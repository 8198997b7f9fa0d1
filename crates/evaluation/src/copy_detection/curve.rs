//! Precision-recall curve of ranked candidates.

use std::cmp::Ordering;

use serde::Serialize;

use crate::{
    bootstrap::{Bootstrap, Interval},
    error::{Error, Result},
};

/// A ranked pair of a query and a reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Confidence that the query is a copy of the reference; higher for likelier copies.
    pub score: f64,
    /// True if it is a copy.
    pub is_match: bool,
    /// Number of the photograph that the query shows, from 0. Rows of a photograph are resampled together.
    pub photograph: usize,
}

/// Order of rows of equal score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Ties {
    /// Wrong rows first, as in ISC2021: equal scores must not be an advantage.
    #[default]
    WrongFirst,
    /// All at once, as in scikit-learn's `average_precision_score`.
    Together,
}

/// Precision and recall at a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Share of the matches that score at least the threshold.
    pub recall: f64,
    /// Share of matches among the rows that score at least the threshold.
    pub precision: f64,
    /// The threshold: the score of a row.
    pub threshold: f64,
}

/// Rows ranked by score, wrong ones first among equals.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    rows: Vec<Row>,
    matches: usize,
}

impl Curve {
    /// Ranks `rows`. `matches` is the number of pairs of a query and a reference that match, found or not.
    ///
    /// # Errors
    /// [`Error::NoMatches`] if `matches` is 0, [`Error::NotRanked`] for a score that is NaN, [`Error::TooManyMatches`].
    ///
    /// ```
    /// use active_index_evaluation::copy_detection::{Curve, Row, Ties};
    ///
    /// let row = |score, is_match| Row { score, is_match, photograph: 0 };
    /// let curve = Curve::new(vec![row(0.9, true), row(0.8, false), row(0.7, true)], 2)?;
    /// assert!((curve.average_precision(Ties::WrongFirst) - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
    /// # Ok::<(), active_index_evaluation::Error>(())
    /// ```
    pub fn new(mut rows: Vec<Row>, matches: usize) -> Result<Self> {
        let found = rows.iter().filter(|row| row.is_match).count();
        if matches == 0 {
            return Err(Error::NoMatches);
        }
        if found > matches {
            return Err(Error::TooManyMatches { matches, found });
        }
        if rows.iter().any(|row| row.score.is_nan()) {
            return Err(Error::NotRanked);
        }
        // 0 and -0 are equal scores.
        let falling = |a: &Row, b: &Row| b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal);
        rows.sort_by(|a, b| falling(a, b).then(a.is_match.cmp(&b.is_match)));
        Ok(Self { rows, matches })
    }

    /// Returns the micro average precision (uAP): the sum over all rows of precision times the increment of recall.
    /// Matches without a row count as never found.
    pub fn average_precision(&self, ties: Ties) -> f64 {
        match ties {
            Ties::WrongFirst => step_sum(self.points()),
            Ties::Together => step_sum(self.together()),
        }
    }

    /// Returns the point of highest recall at a precision of at least `precision`, at the highest threshold that has it;
    /// `None` if no threshold has that precision. ISC2021 reports it for 0.9.
    pub fn at_precision(&self, precision: f64) -> Option<Point> {
        let best = |best: Option<Point>, point: Point| match best {
            Some(best) if best.recall >= point.recall => Some(best),
            _ => Some(point),
        };
        self.points().filter(|point| point.precision >= precision).fold(None, best)
    }

    /// Returns the share of the matches that score at least `threshold`.
    pub fn recall_at(&self, threshold: f64) -> f64 {
        let above = self.rows.iter().filter(|row| row.score >= threshold && row.is_match);
        above.count() as f64 / self.matches as f64
    }

    /// Returns one point per row, by falling threshold.
    pub fn points(&self) -> impl Iterator<Item = Point> {
        let matches = self.matches as f64;
        let mut right = 0;
        self.rows.iter().enumerate().map(move |(i, row)| {
            right += usize::from(row.is_match);
            let (precision, recall) = (right as f64 / (i + 1) as f64, right as f64 / matches);
            Point { precision, recall, threshold: row.score }
        })
    }

    /// Returns the last point of each score.
    fn together(&self) -> impl Iterator<Item = Point> {
        let next = self.rows.iter().skip(1).map(|row| Some(row.score)).chain([None]);
        let last = |(point, next): (Point, Option<f64>)| (next != Some(point.threshold)).then_some(point);
        self.points().zip(next).filter_map(last)
    }

    /// Returns the curve at `n + 1` recalls from 0 to 1, as far as recall reaches, for plots. The precision is the highest
    /// at that recall or beyond.
    pub fn outline(&self, n: usize) -> Vec<Point> {
        let mut best: Option<Point> = None;
        let mut points: Vec<Point> = self.points().collect();
        points.reverse();
        for point in &mut points {
            let better = best.filter(|best| best.precision > point.precision).unwrap_or(*point);
            *point = Point { recall: point.recall, ..better };
            best = Some(better);
        }
        points.reverse();
        let at = |recall: f64| points.iter().position(|point| point.recall >= recall).map(|i| points[i]);
        let recalls = (0..=n).map(|i| i as f64 / n as f64);
        recalls.map_while(|recall| at(recall).map(|point| Point { recall, ..point })).collect()
    }

    /// Returns the 95 % interval of the micro average precision, wrong rows first among equals. Photographs are resampled,
    /// each with all its rows; `matches_of` is the number of matches of each photograph.
    ///
    /// # Errors
    /// Those of [`Bootstrap::intervals`]; [`Error::ColumnLength`] if a row names a photograph beyond `matches_of`.
    pub fn interval(&self, matches_of: &[usize], bootstrap: &Bootstrap) -> Result<Interval> {
        let outside = self.rows.iter().find(|row| row.photograph >= matches_of.len());
        if let Some(row) = outside {
            return Err(Error::ColumnLength { expected: matches_of.len(), found: row.photograph + 1 });
        }
        let statistic = |drawn: &[u32]| vec![self.resampled(matches_of, drawn)];
        Ok(bootstrap.intervals(matches_of.len(), statistic)?[0])
    }

    /// Returns the average precision with each photograph as often as it was drawn; 0 if no match was drawn.
    fn resampled(&self, matches_of: &[usize], drawn: &[u32]) -> f64 {
        let matches: usize = matches_of.iter().zip(drawn).map(|(n, count)| n * *count as usize).sum();
        let (mut right, mut rows, mut sum) = (0.0, 0.0, 0.0);
        for row in &self.rows {
            let weight = f64::from(drawn[row.photograph]);
            rows += weight;
            if row.is_match && weight > 0.0 {
                right += weight;
                sum += weight * right / rows;
            }
        }
        if matches == 0 { 0.0 } else { sum / matches as f64 }
    }
}

/// Sums precision times the increment of recall.
fn step_sum(points: impl Iterator<Item = Point>) -> f64 {
    let add = |(sum, before): (f64, f64), point: Point| {
        (sum + (point.recall - before) * point.precision, point.recall)
    };
    points.fold((0.0, 0.0), add).0
}

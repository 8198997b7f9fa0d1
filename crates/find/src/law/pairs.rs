//! Law of the cosine of a query and an unrelated entry, over all entries of a collection.

use serde::{Deserialize, Serialize};

use super::{
    body::Body,
    grouped::Grouped,
    pareto::Pareto,
    tail::{self, Tail},
};

/// Width of the groups that cosines are counted in.
const WIDTH: f64 = 1e-4;
/// Least number of excesses that a tail is fitted to.
const LEAST_EXCESSES: u64 = 20;
/// Standard deviations of the bulk above its median at which the tail begins: one value in a hundred of a normal law lies beyond.
const THRESHOLD: f64 = 2.326;
/// Probability of a cosine in the tail of photographs, and the scale of the excesses there in standard deviations of the bulk.
/// 795 photographs of one public set against 9,144 of another: beyond the largest hundredth, 2.46 deviations of .0462 above
/// the median, the tail is exponential with .0475 a decade.
const PHOTOGRAPHS: (f64, f64) = (0.01, 0.446);
/// Standard deviations of the bulk above its median at which that tail begins.
const PHOTOGRAPHS_FROM: f64 = 2.46;
/// Probability of an unrelated cosine beyond which those of mixed pairs are taken for relatives.
const RARE: f64 = 1e-6;
/// Distance of the quartiles of a normal law, in standard deviations.
const QUARTILES: f64 = 1.349;
/// Probabilities at which the body is kept.
const BODY: [f64; 7] = [0.99, 0.9, 0.75, 0.5, 0.25, 0.1, 0.03];

/// Cosines, counted.
#[derive(Debug, Clone)]
pub struct Cosines(Grouped);

impl Cosines {
    /// No cosines.
    pub fn new() -> Self {
        Self(Grouped::new(WIDTH))
    }

    /// Counts a cosine.
    pub fn add(&mut self, cosine: f32) {
        self.0.add(f64::from(cosine.clamp(-1.0, 1.0)) + 1.0, 1);
    }

    /// Number of cosines.
    pub fn total(&self) -> u64 {
        self.0.total()
    }

    /// Cosine below which a share of all lies.
    fn quantile(&self, share: f64) -> Option<f64> {
        Some(self.0.quantile(share)? - 1.0)
    }

    /// Median, and standard deviation by the quartiles, which relatives move little.
    fn bulk(&self) -> Option<(f64, f64)> {
        let [low, median, high] = [self.quantile(0.25)?, self.quantile(0.5)?, self.quantile(0.75)?];
        Some((median, ((high - low) / QUARTILES).max(WIDTH)))
    }

    /// Excesses over a threshold.
    fn excesses(&self, threshold: f64) -> Grouped {
        let mut excesses = Grouped::new(WIDTH);
        for (from, _, count) in self.0.within(f64::INFINITY) {
            let excess = from - 1.0 - threshold;
            if excess > -WIDTH / 2.0 {
                excesses.add(excess, count);
            }
        }
        excesses
    }
}

/// Probability of a cosine of at least `s` of a query and an unrelated entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairLaw {
    pub body: Body,
    pub tail: Tail,
}

/// Law of pairs that was fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedPairs {
    pub law: PairLaw,
    /// Cosine beyond which pairs were taken for relatives.
    pub end: f64,
    /// Number of pairs beyond.
    pub refused: u64,
}

impl PairLaw {
    /// Fits the law to cosines of pairs that are given as unrelated; `None` if they are too few.
    pub fn fit(cosines: &Cosines) -> Option<FittedPairs> {
        let (median, deviation) = cosines.bulk()?;
        let threshold = ((median + THRESHOLD * deviation) / WIDTH).round() * WIDTH;
        let excesses = cosines.excesses(threshold);
        let fitted = tail::fit(&excesses, threshold, cosines.total(), LEAST_EXCESSES)?;
        Some(FittedPairs {
            law: Self::with_body(cosines, fitted.tail),
            end: fitted.end,
            refused: fitted.refused,
        })
    }

    /// Law of cosines among which are those of relatives; `None` without cosines.
    ///
    /// Relatives may be so many (photographs of one kind on one ground) that no part of the tail is free of them, so that it
    /// cannot be fitted. They hardly move the quartiles: the bulk is measured, and the tail is that of photographs in units of
    /// the bulk's deviation.
    pub fn of_bulk(cosines: &Cosines) -> Option<FittedPairs> {
        let (median, deviation) = cosines.bulk()?;
        let (share, scale) = PHOTOGRAPHS;
        let threshold = median + PHOTOGRAPHS_FROM * deviation;
        let excess = Pareto::exponential(scale * deviation);
        let tail = Tail { threshold, share, excess };
        let end = threshold + excess.excess_of(RARE / share);
        let refused = cosines.excesses(end).total();
        Some(FittedPairs { law: Self::with_body(cosines, tail), end, refused })
    }

    /// Tail with the body of cosines below it.
    fn with_body(cosines: &Cosines, tail: Tail) -> Self {
        let points = BODY.into_iter().filter_map(|p| Some([cosines.quantile(1.0 - p)?, p]));
        let points = points.filter(|[at, p]| *at < tail.threshold && *p > tail.share);
        Self { body: Body::new(points.chain([[tail.threshold, tail.share]])), tail }
    }

    /// Probability of a cosine of at least `cosine`.
    pub fn probability(&self, cosine: f64) -> f64 {
        match self.body.first() {
            Some([first, _]) if cosine < first => 1.0,
            _ if cosine < self.tail.threshold => self.body.probability(cosine),
            _ => self.tail.probability(cosine),
        }
    }

    /// Returns true if the numbers are those of a law.
    pub(crate) fn is_valid(&self) -> bool {
        self.body.is_valid() && self.tail.is_valid()
    }
}

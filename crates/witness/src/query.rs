//! Queries, laid over witnesses.

use image::RgbImage;

use crate::{
    Comparison, Fit, LEAST_KEYPOINTS, Witness,
    features::Features,
    fit::{Affine, Consensus, Halves, agreement, consensus, matches},
    plane::{Plane, reduced},
};

/// Longest side of the plane of a query: a copy that is a part of an entry shows it larger.
const LONGEST: usize = 512;
/// Most keypoints of a query.
const MOST_KEYPOINTS: usize = 800;
/// Inliers that settle the side, so that the mirror image is not tried.
const SETTLED: usize = 20;

/// Query picture, prepared for comparisons.
///
/// ```
/// use active_index_witness::{Kind, Query, Witness};
/// # fn noise(x: u32, y: u32) -> image::Rgb<u8> {
/// #     let hash = |v: u32| (v ^ v >> 13).wrapping_mul(0x5bd1_e995);
/// #     image::Rgb([(hash(hash(x / 9).wrapping_add(y / 9)) >> 24) as u8; 3])
/// # }
///
/// let picture = image::RgbImage::from_fn(640, 480, noise);
/// let witness = Witness::of(&picture, Kind::Keypoints).ok_or("nothing is kept")?;
/// let crop = image::imageops::crop_imm(&picture, 160, 120, 320, 240).to_image();
/// let comparison = Query::of(&crop).compare(&witness);
/// let fit = comparison.fit.ok_or("no fit")?;
/// assert!(comparison.inliers > 20 && comparison.agreement > Some(0.9));
/// assert!((fit.part[0][0] - 0.25).abs() < 0.02 && !fit.mirrored);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Query {
    /// Sides of the whole picture.
    sides: [u32; 2],
    features: Features,
    halves: Halves,
}

impl Query {
    /// Prepares a picture.
    pub fn of(picture: &RgbImage) -> Self {
        let plane = Plane::of(&reduced(picture, LONGEST));
        let features = Features::of(&plane, MOST_KEYPOINTS);
        Self { sides: [picture.width(), picture.height()], features, halves: Halves::of(&plane) }
    }

    /// Number of keypoints.
    pub fn keypoints(&self) -> usize {
        self.features.len()
    }

    /// Returns whether the picture has too few keypoints to confirm or to exclude anything.
    pub fn is_flat(&self) -> bool {
        self.keypoints() < LEAST_KEYPOINTS
    }

    /// Lays the query over an entry, and over its mirror image if that is needed.
    pub fn compare(&self, witness: &Witness) -> Comparison {
        let plain = self.side(&witness.features, false);
        let sides = if plain.inliers() >= SETTLED {
            [plain, Side::default()]
        } else {
            [plain, self.side(&witness.features.mirrored(), true)]
        };
        let matched = sides[0].matched.max(sides[1].matched);
        let [plain, mirrored] = sides;
        let best = if mirrored.inliers() > plain.inliers() { mirrored } else { plain };
        let is_flat = self.is_flat() || witness.is_flat();
        match &best.consensus {
            Some(consensus) => self.comparison(witness, consensus, &best, matched, is_flat),
            None => Comparison { inliers: 0, matched, is_flat, agreement: None, fit: None },
        }
    }

    fn side(&self, entry: &Features, mirrored: bool) -> Side {
        let pairs = matches(entry, &self.features);
        Side { mirrored, matched: pairs.len(), consensus: consensus(&pairs, entry, &self.features) }
    }

    fn comparison(
        &self,
        witness: &Witness,
        consensus: &Consensus,
        side: &Side,
        matched: usize,
        is_flat: bool,
    ) -> Comparison {
        let entry = sides_of(&witness.features);
        let map = if side.mirrored { consensus.map.after(&Affine::mirror(entry[0])) } else { consensus.map };
        let small = [witness.small.width, witness.small.height];
        let enlarge = Affine::scaling([entry[0] / small[0] as f64, entry[1] / small[1] as f64]);
        Comparison {
            inliers: consensus.inliers,
            matched,
            is_flat,
            agreement: agreement(&witness.small, &self.halves, &map.after(&enlarge)),
            fit: Some(self.fit(witness, consensus, &map, side.mirrored)),
        }
    }

    fn fit(&self, witness: &Witness, consensus: &Consensus, map: &Affine, mirrored: bool) -> Fit {
        let (entry, query) = (sides_of(&witness.features), sides_of(&self.features));
        let relative =
            Affine::scaling(query.map(|side| 1.0 / side)).after(map).after(&Affine::scaling(entry));
        let pixels = f64::from(self.sides[0]) / query[0] * entry[0] / f64::from(witness.sides[0]);
        let [re, im] = consensus.map.turn();
        Fit::new(&relative, mirrored, im.atan2(re).to_degrees(), consensus.map.determinant().sqrt() * pixels)
    }
}

/// Result of one side, plain or mirrored.
#[derive(Debug, Default)]
struct Side {
    mirrored: bool,
    matched: usize,
    consensus: Option<Consensus>,
}

impl Side {
    fn inliers(&self) -> usize {
        self.consensus.as_ref().map_or(0, |consensus| consensus.inliers)
    }
}

fn sides_of(features: &Features) -> [f64; 2] {
    [features.width, features.height].map(f64::from)
}

//! Pairs that a map predicts, with descriptors that need no longer be the nearest of all.

use super::{affine::Affine, consensus::squared_limit, pair::Pair};
use crate::features::{Descriptor, Features};

/// Bits that may differ where the place is known.
const MOST: u32 = 56;

/// Finds, for each keypoint of the entry, the nearest descriptor among the query's keypoints where `map` takes it.
pub(super) fn guided(map: &Affine, entry: &Features, query: &Features, error: f64) -> Vec<Pair> {
    let reach = squared_limit(map, error).sqrt();
    let rows = Rows::of(query);
    let nearest = |e: usize| {
        let place = map.apply(entry.keypoints[e].place());
        let pairs = rows
            .near(place, reach)
            .map(|q| Pair::new(entry, e, query, q, distance(&entry.descriptors[e], &query.descriptors[q])));
        let turn = map.turn();
        let like = pairs.filter(|pair| pair.distance <= MOST && pair.is_like(turn));
        like.min_by_key(|pair| pair.distance)
    };
    (0..entry.len()).filter_map(nearest).collect()
}

/// Keypoints from top to bottom.
struct Rows(Vec<([f64; 2], usize)>);

impl Rows {
    fn of(features: &Features) -> Self {
        let places = features.keypoints.iter().map(|keypoint| keypoint.place());
        let mut rows: Vec<([f64; 2], usize)> = places.zip(0..).collect();
        rows.sort_by(|([_, a], i), ([_, b], j)| a.total_cmp(b).then(i.cmp(j)));
        Self(rows)
    }

    /// Keypoints within `reach` of a place.
    fn near(&self, [x, y]: [f64; 2], reach: f64) -> impl Iterator<Item = usize> {
        let first = self.0.partition_point(|([_, v], _)| *v < y - reach);
        let rows = self.0[first..].iter().take_while(move |([_, v], _)| *v <= y + reach);
        rows.filter(move |([u, v], _)| (x - u).powi(2) + (y - v).powi(2) <= reach * reach).map(|&(_, i)| i)
    }
}

fn distance(a: &Descriptor, b: &Descriptor) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Keypoint;

    #[test]
    fn near_keypoints_are_those_within_reach() {
        let keypoint = |i: u16| Keypoint { x: i * 37 % 640, y: i * 53 % 640, level: 0, turn: 0 };
        let features = Features { keypoints: (0..300).map(keypoint).collect(), ..Features::default() };
        for place in [[0.0, 0.0], [20.0, 13.0], [39.0, 39.0], [-50.0, 7.0]] {
            let mut found: Vec<usize> = Rows::of(&features).near(place, 6.0).collect();
            found.sort_unstable();
            let distance = |i: &usize| {
                let [x, y] = features.keypoints[*i].place();
                (x - place[0]).hypot(y - place[1])
            };
            let expected: Vec<usize> = (0..300).filter(|i| distance(i) <= 6.0).collect();
            assert_eq!(found, expected);
        }
    }
}

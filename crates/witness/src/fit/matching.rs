//! Matches of keypoints by their descriptors.
//!
//! A match is the nearest of both sides (mutual), and clearly nearer than any keypoint at another place (Lowe: *Distinctive
//! image features from scale-invariant keypoints*, IJCV 60(2), 2004, section 7.1). Keypoints of other levels at the same
//! place are no rivals.

use simd::Level;

use super::pair::Pair;
use crate::features::{BITS, Descriptor, Features};

/// Bits that may differ: unrelated descriptors differ in 128 on average.
const MOST: u32 = 84;
/// Largest ratio of the distance to that of the next place.
const RATIO: f64 = 0.85;
/// Keypoints of the entry within this distance are at the same place, pixels.
const SAME: f64 = 12.0;

/// Finds the matches of an entry's and a query's keypoints, nearest first.
pub(crate) fn matches(entry: &Features, query: &Features) -> Vec<Pair> {
    let codes = Codes::of(&entry.descriptors);
    let mut nearest = Nearest::new(entry.len());
    let mut row = vec![0; entry.len()];
    let mut found = Vec::new();
    for (q, descriptor) in query.descriptors.iter().enumerate() {
        Level::detected().run(
            #[inline(always)]
            || {
                codes.distances(descriptor, &mut row);
                nearest.update(&row, q as u32);
            },
        );
        found.extend(candidate(&row, entry).map(|e| (e, q, row[e])));
    }
    found.retain(|&(e, q, _)| nearest.queries[e] == q as u32);
    found.sort_by_key(|&(e, q, distance)| (distance, e, q));
    found.into_iter().map(|(e, q, distance)| Pair::new(entry, e, query, q, distance)).collect()
}

/// Keypoint of the entry that is near enough and has no rival.
fn candidate(row: &[u32], entry: &Features) -> Option<usize> {
    let least = row.iter().copied().min().filter(|&least| least <= MOST)?;
    let nearest = row.iter().position(|&distance| distance == least)?;
    let place = entry.keypoints[nearest].place();
    let limit = (f64::from(least) / RATIO) as u32;
    let is_rival = |(&distance, i): (&u32, usize)| {
        let [x, y] = entry.keypoints[i].place();
        distance <= limit && (x - place[0]).powi(2) + (y - place[1]).powi(2) > SAME * SAME
    };
    let near = row.iter().zip(0..).filter(|&(&distance, _)| distance <= limit);
    (!near.into_iter().any(is_rival)).then_some(nearest)
}

/// Descriptors by word, so that distances of one to all are computed lane by lane.
struct Codes([Vec<u64>; BITS / 64]);

impl Codes {
    fn of(descriptors: &[Descriptor]) -> Self {
        Self(std::array::from_fn(|word| descriptors.iter().map(|descriptor| descriptor[word]).collect()))
    }

    #[inline(always)]
    fn distances(&self, query: &Descriptor, row: &mut [u32]) {
        let words = self.0.each_ref().map(|words| &words[..row.len()]);
        for (i, distance) in row.iter_mut().enumerate() {
            *distance = (0..BITS / 64).map(|word| (words[word][i] ^ query[word]).count_ones()).sum();
        }
    }
}

/// Nearest query of each keypoint of the entry so far.
struct Nearest {
    distances: Vec<u32>,
    queries: Vec<u32>,
}

impl Nearest {
    fn new(length: usize) -> Self {
        Self { distances: vec![u32::MAX; length], queries: vec![u32::MAX; length] }
    }

    #[inline(always)]
    fn update(&mut self, row: &[u32], query: u32) {
        for ((distance, nearest), &new) in self.distances.iter_mut().zip(&mut self.queries).zip(row) {
            let is_nearer = new < *distance;
            *nearest = if is_nearer { query } else { *nearest };
            *distance = if is_nearer { new } else { *distance };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Keypoint;

    /// Keypoints 40 pixels apart with the given descriptors.
    fn features(descriptors: &[Descriptor]) -> Features {
        let keypoint = |i: usize| Keypoint { x: 640 * i as u16, y: 16, level: 0, turn: 3 };
        let keypoints = (0..descriptors.len()).map(keypoint).collect();
        Features { width: 384, height: 384, keypoints, descriptors: descriptors.to_vec() }
    }

    fn flipped(descriptor: Descriptor, bits: u32) -> Descriptor {
        let mut flipped = descriptor;
        (0..bits).for_each(|bit| flipped[bit as usize / 64] ^= 1 << (bit % 64));
        flipped
    }

    const A: Descriptor = [0x0f0f_1234_5678_9abc, 7, 0xffff_0000_ffff_0000, 0x5555_aaaa_5555_aaaa];

    #[test]
    fn the_nearest_of_both_sides_match() {
        let entry = features(&[flipped(A, 150), A, flipped(A, 200)]);
        let query = features(&[flipped(A, 10), flipped(A, 4)]);
        let found = matches(&entry, &query);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].distance, found[0].places), (4, [[40.0, 1.0], [40.0, 1.0]]));
    }

    #[test]
    fn a_rival_at_another_place_prevents_a_match_and_one_at_the_same_place_does_not() {
        let mut entry = features(&[flipped(A, 50), A, flipped(A, 42)]);
        let query = features(&[flipped(A, 20)]);
        assert_eq!(matches(&entry, &query).len(), 0);
        entry.keypoints[2] = entry.keypoints[1];
        entry.descriptors[0] = flipped(A, 200);
        assert_eq!(matches(&entry, &query).len(), 1);
    }

    #[test]
    fn every_level_of_instructions_gives_the_same_distances() {
        let descriptors: Vec<Descriptor> = (0..37).map(|i| flipped(A, 7 * i)).collect();
        let codes = Codes::of(&descriptors);
        for level in Level::available() {
            let mut row = vec![0; 37];
            level.run(
                #[inline(always)]
                || codes.distances(&A, &mut row),
            );
            assert!(
                row.iter().zip(0..).all(|(&distance, i)| distance == (7 * i).min(256)),
                "{}",
                level.name()
            );
        }
    }

    #[test]
    fn no_keypoints_give_no_matches() {
        assert_eq!(matches(&features(&[]), &features(&[A])).len(), 0);
        assert_eq!(matches(&features(&[A]), &features(&[])).len(), 0);
    }
}

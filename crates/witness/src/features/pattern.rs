//! Pairs of pixels that a descriptor compares.

use std::sync::OnceLock;

use super::{
    descriptor::BITS,
    direction::{DIRECTIONS, vector},
};

/// Seed of the pattern. Another one makes other descriptors, and needs another version of the bytes.
const SEED: u64 = 20_111_106;
/// Standard deviation of pixels around the keypoint: a fifth of the patch (Calonder et al., ECCV 2010, pattern G II).
const DEVIATION: f32 = 31.0 / 5.0;
/// Pixels lie within this distance of the keypoint.
pub(super) const RADIUS: f32 = 15.0;
/// Least distance of the pixels of a pair.
const LEAST: f32 = 3.0;

/// Offset of a pixel from its keypoint.
pub(super) type Offset = [i8; 2];
/// Offsets of both pixels of each comparison.
pub(super) type Pairs = [[Offset; 2]; BITS];

/// Pairs turned into a direction.
pub(super) fn turned(turn: u8) -> &'static Pairs {
    static TURNED: OnceLock<Vec<Pairs>> = OnceLock::new();
    let all = TURNED.get_or_init(|| {
        let pairs = pairs();
        (0..DIRECTIONS).map(|turn| turn_all(&pairs, vector(turn as u8))).collect()
    });
    &all[usize::from(turn)]
}

fn turn_all(pairs: &[[[f32; 2]; 2]], [cos, sin]: [f32; 2]) -> Pairs {
    let turn = |[x, y]: [f32; 2]| [x * cos - y * sin, x * sin + y * cos].map(|v| v.round() as i8);
    std::array::from_fn(|i| pairs[i].map(turn))
}

/// Draws every even pair; the odd one after it is its mirror image at the keypoint's direction.
fn pairs() -> Vec<[[f32; 2]; 2]> {
    let mut random = Random(SEED);
    let drawn = (0..BITS / 2).map(|_| pair(&mut random));
    drawn.flat_map(|pair| [pair, pair.map(|[x, y]| [x, -y])]).collect()
}

fn pair(random: &mut Random) -> [[f32; 2]; 2] {
    loop {
        let [a, b] = [point(random), point(random)];
        if (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2) >= LEAST * LEAST {
            return [a, b];
        }
    }
}

fn point(random: &mut Random) -> [f32; 2] {
    loop {
        let [x, y] = [random.normal(), random.normal()].map(|v| DEVIATION * v);
        if x * x + y * y <= RADIUS * RADIUS {
            return [x, y];
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood: *Fast splittable pseudorandom number generators*, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Nearly normal number: the sum of 12 uniform ones, which is exact.
    fn normal(&mut self) -> f32 {
        let uniform = |bits: u64| (bits >> 48) as f32 / 65536.0;
        (0..12).map(|_| uniform(self.next())).sum::<f32>() - 6.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_reference() {
        // First outputs for seed 1234567, from the reference in C (prng.di.unimi.it/splitmix64.c).
        let mut random = Random(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn offsets_stay_in_the_patch_and_pairs_differ() {
        for turn in 0..=255 {
            for [a, b] in turned(turn) {
                assert_ne!(a, b);
                for [x, y] in [a, b] {
                    assert!(i32::from(*x).pow(2) + i32::from(*y).pow(2) <= 16 * 16);
                }
            }
        }
    }

    #[test]
    fn neighbouring_pairs_mirror_each_other() {
        for turn in 0..=255u8 {
            let mirrored = turned(super::super::direction::mirrored(turn));
            for (pair, mirror) in turned(turn).as_chunks::<2>().0.iter().zip(mirrored.as_chunks::<2>().0) {
                let flip = |offsets: [Offset; 2]| offsets.map(|[x, y]| [-x, y]);
                assert_eq!([flip(pair[0]), flip(pair[1])], [mirror[1], mirror[0]]);
            }
        }
    }
}

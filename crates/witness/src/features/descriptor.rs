//! Descriptors: which pixel of each pair is darker (Calonder et al.: *BRIEF*, ECCV 2010), turned with the patch (ORB).

use super::pattern::turned;
use crate::plane::Plane;

/// Bits of a descriptor.
pub(crate) const BITS: usize = 256;

/// One bit for each comparison.
pub(crate) type Descriptor = [u64; BITS / 64];

/// Bits of the even comparisons.
const EVEN: u64 = 0x5555_5555_5555_5555;

/// Describes the patch around a pixel of a smoothed plane, at least 16 pixels inside it.
pub(super) fn of(smooth: &Plane, x: usize, y: usize, turn: u8) -> Descriptor {
    let centre = (y * smooth.width + x) as isize;
    let stride = smooth.width as isize;
    let level =
        |[dx, dy]: [i8; 2]| smooth.samples[(centre + isize::from(dy) * stride + isize::from(dx)) as usize];
    let mut words = [0; BITS / 64];
    for (word, pairs) in words.iter_mut().zip(turned(turn).as_chunks::<64>().0) {
        for (bit, &[a, b]) in pairs.iter().enumerate() {
            *word |= u64::from(level(a) < level(b)) << bit;
        }
    }
    words
}

/// Descriptor of the mirrored patch: neighbouring comparisons change places.
pub(super) fn mirrored(descriptor: &Descriptor) -> Descriptor {
    descriptor.map(|word| (word & EVEN) << 1 | (word >> 1 & EVEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirroring_twice_changes_nothing() {
        let descriptor = [0x0123_4567_89ab_cdef, 1, 2, u64::MAX];
        assert_eq!(mirrored(&descriptor)[1..], [2, 1, u64::MAX]);
        assert_eq!(mirrored(&mirrored(&descriptor)), descriptor);
    }

    #[test]
    fn brightness_and_contrast_change_nothing() {
        let samples = |f: fn(u8) -> u8| (0..60 * 60u32).map(|i| f((i * i % 97) as u8)).collect();
        let plane = |f| Plane { width: 60, height: 60, samples: samples(f) };
        assert_eq!(of(&plane(|v| v), 30, 30, 9), of(&plane(|v| 2 * v + 11), 30, 30, 9));
    }
}

//! Quantisation by the standard tables of ITU-T T.81, annex K, on libjpeg's scale of qualities.

use super::dct::Block;

/// Quantisation steps of both kinds of components.
pub(super) struct Tables {
    pub luma: Block,
    pub chroma: Block,
}

#[rustfmt::skip]
const LUMA: Block = [
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
];

#[rustfmt::skip]
const CHROMA: Block = [
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
];

/// Returns the steps for `quality` in 1..=100.
pub(super) fn tables(quality: u8) -> Tables {
    let percent = match i32::from(quality) {
        quality @ ..50 => 5000 / quality.max(1),
        quality => 200 - 2 * quality,
    };
    let scaled = |table: Block| table.map(|step| ((step * percent + 50) / 100).clamp(1, 255));
    Tables { luma: scaled(LUMA), chroma: scaled(CHROMA) }
}

/// Rounds frequencies, which are scaled by 8, to the nearest multiples of `steps`, unscaled; halves away from zero.
pub(super) fn round(frequencies: Block, steps: &Block) -> Block {
    std::array::from_fn(|i| {
        let step = steps[i] << 3;
        let magnitude = (frequencies[i].abs() + step / 2) / step;
        magnitude * frequencies[i].signum() * steps[i]
    })
}

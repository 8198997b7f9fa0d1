//! libjpeg's `islow` cosine transforms of 8x8 blocks, in fixed point (Loeffler, Ligtenberg and Moschytz 1989).

/// Rows and columns of a block.
pub(super) const SIDE: usize = 8;

/// Levels or frequencies of a block, row-major.
pub(super) type Block = [i32; SIDE * SIDE];

/// Fraction bits of the constants.
const CONST_BITS: u32 = 13;

/// Fraction bits kept between the passes over rows and columns.
const PASS1_BITS: u32 = 2;

/// Scale of 8 of a transform's output, removed by the last pass of the inverse.
const SCALE_BITS: u32 = 3;

const fn fix(value: f64) -> i32 {
    (value * (1 << CONST_BITS) as f64 + 0.5) as i32
}

/// Returns the frequencies, scaled by 8, of the block with levels `level(row, column)`.
pub(super) fn forward(level: impl Fn(usize, usize) -> u8) -> Block {
    let centred: Block = std::array::from_fn(|i| i32::from(level(i / SIDE, i % SIDE)) - 128);
    let rows = each_row(&centred, |row| analyse(row, CONST_BITS - PASS1_BITS));
    each_row(&rows, |column| analyse(column, CONST_BITS + PASS1_BITS))
}

/// Returns the levels of a block from its frequencies.
pub(super) fn inverse(frequencies: Block) -> [[u8; SIDE]; SIDE] {
    let columns = each_row(&transpose(&frequencies), |column| synthesise(column, CONST_BITS - PASS1_BITS));
    let turned = each_row(&columns, |row| synthesise(row, CONST_BITS + PASS1_BITS + SCALE_BITS));
    let level = |row: usize, column: usize| (turned[column * SIDE + row] + 128).clamp(0, 255) as u8;
    std::array::from_fn(|row| std::array::from_fn(|column| level(row, column)))
}

/// Transforms every row, and transposes the block.
fn each_row(block: &Block, transform: impl Fn([i32; SIDE]) -> [i32; SIDE]) -> Block {
    let mut turned = [0; SIDE * SIDE];
    for (y, row) in block.as_chunks().0.iter().enumerate() {
        for (x, value) in transform(*row).into_iter().enumerate() {
            turned[x * SIDE + y] = value;
        }
    }
    turned
}

fn transpose(block: &Block) -> Block {
    each_row(block, |row| row)
}

fn descale(value: i32, bits: u32) -> i32 {
    (value + (1 << (bits - 1))) >> bits
}

/// Transforms eight levels to frequencies and drops `bits` fraction bits of the products.
fn analyse([d0, d1, d2, d3, d4, d5, d6, d7]: [i32; SIDE], bits: u32) -> [i32; SIDE] {
    let (sum0, sum1, sum2, sum3) = (d0 + d7, d1 + d6, d2 + d5, d3 + d4);
    let (even0, even1, even2, even3) = (sum0 + sum3, sum1 + sum2, sum1 - sum2, sum0 - sum3);
    let turn = (even2 + even3) * fix(0.541_196_100);
    let [odd4, odd5, odd6, odd7] = rotate_odd([d3 - d4, d2 - d5, d1 - d6, d0 - d7]);
    [
        (even0 + even1) << CONST_BITS,
        odd7,
        turn + even3 * fix(0.765_366_865),
        odd6,
        (even0 - even1) << CONST_BITS,
        odd5,
        turn - even2 * fix(1.847_759_065),
        odd4,
    ]
    .map(|value| descale(value, bits))
}

/// Transforms eight frequencies to levels and drops `bits` fraction bits of the products.
fn synthesise([d0, d1, d2, d3, d4, d5, d6, d7]: [i32; SIDE], bits: u32) -> [i32; SIDE] {
    let turn = (d2 + d6) * fix(0.541_196_100);
    let (low, high) = (turn + d2 * fix(0.765_366_865), turn - d6 * fix(1.847_759_065));
    let (sum, difference) = ((d0 + d4) << CONST_BITS, (d0 - d4) << CONST_BITS);
    let even = [sum + low, difference + high, difference - high, sum - low];
    let [odd3, odd2, odd1, odd0] = rotate_odd([d7, d5, d3, d1]);
    let odd = [odd0, odd1, odd2, odd3];
    std::array::from_fn(|i| match i {
        0..4 => descale(even[i] + odd[i], bits),
        _ => descale(even[7 - i] - odd[7 - i], bits),
    })
}

/// Rotates frequencies 7, 5, 3, 1, the part that both directions share.
fn rotate_odd([a, b, c, d]: [i32; 4]) -> [i32; 4] {
    let turn = (a + b + c + d) * fix(1.175_875_602);
    let (outer, inner) = ((a + d) * -fix(0.899_976_223), (b + c) * -fix(2.562_915_447));
    let (left, right) = (turn - (a + c) * fix(1.961_570_560), turn - (b + d) * fix(0.390_180_644));
    [
        a * fix(0.298_631_336) + outer + left,
        b * fix(2.053_119_869) + inner + right,
        c * fix(3.072_711_026) + inner + left,
        d * fix(1.501_321_110) + outer + right,
    ]
}

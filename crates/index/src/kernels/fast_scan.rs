//! Block scan of Quick ADC (André et al., ICMR 2017): 16-bit sums of 8-bit table entries over blocks of 32
//! codes of 4-bit codewords, looked up by byte shuffles.

use simd::{Level, Tier};

/// Codes per block.
pub(crate) const BLOCK: usize = 32;

/// Codewords per sub-quantiser, and bytes per table row.
pub(crate) const KSUB: usize = 16;

/// Slot of the block whose codeword is the low half of byte `i`; the high half belongs to that slot plus 16.
/// Sums of bytes at even positions are then in 8 consecutive slots, and those at odd positions as well.
pub(crate) const SLOT_OF_BYTE: [usize; KSUB] = [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15];

/// Codes of one list and the query's table.
#[derive(Clone, Copy)]
pub(crate) struct Blocks<'a> {
    /// `[blocks, rows, KSUB]` bytes of two codewords each, see [`SLOT_OF_BYTE`].
    pub codes: &'a [u8],
    /// `[rows, KSUB]`, where `rows` is the number of sub-quantisers, rounded up to even.
    pub table: &'a [u8],
    /// Added to every sum.
    pub bias: u16,
}

impl Blocks<'_> {
    fn each(&self) -> impl Iterator<Item = &[u8]> {
        self.codes.chunks_exact(self.table.len().max(1))
    }
}

/// Calls `hit` for every block with a sum of at most `most`, passing the block's index, the mask of the slots
/// with such sums, and all sums; `hit` returns the next `most`. Sums of entries wrap, the addition of the
/// bias saturates.
#[inline]
pub(crate) fn scan(
    level: Level,
    blocks: Blocks<'_>,
    most: u16,
    hit: impl FnMut(usize, u32, &[u16; BLOCK]) -> u16,
) {
    match level.tier() {
        Tier::Scalar => scan_scalar(blocks, most, hit),
        // SAFETY: a `Level` of this tier exists only where the processor has its instructions.
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 | Tier::Avx512F => unsafe { x86::scan_avx2(blocks, most, hit) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 => unsafe { x86::scan_avx512(blocks, most, hit) },
    }
}

fn scan_scalar(blocks: Blocks<'_>, mut most: u16, mut hit: impl FnMut(usize, u32, &[u16; BLOCK]) -> u16) {
    for (number, block) in blocks.each().enumerate() {
        let mut sums = [0u16; BLOCK];
        for (codes, row) in block.chunks_exact(KSUB).zip(blocks.table.chunks_exact(KSUB)) {
            for (&code, slot) in codes.iter().zip(SLOT_OF_BYTE) {
                let [low, high] =
                    [code & 15, code >> 4].map(|codeword| u16::from(row[usize::from(codeword)]));
                sums[slot] = sums[slot].wrapping_add(low);
                sums[slot + 16] = sums[slot + 16].wrapping_add(high);
            }
        }
        let sums = sums.map(|sum| sum.saturating_add(blocks.bias));
        let mask = sums.iter().enumerate().fold(0, |mask, (i, &sum)| mask | (u32::from(sum <= most) << i));
        if mask != 0 {
            most = hit(number, mask, &sums);
        }
    }
}

/// Prefetches the first bytes of a list that is scanned soon; the hardware prefetcher continues from there.
#[inline]
pub(crate) fn prefetch(codes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in codes.chunks(64).take(PREFETCHED_LINES) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch has no effect but on the caches, and the address is that of a slice.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = codes;
}

#[cfg(target_arch = "x86_64")]
const PREFETCHED_LINES: usize = 16;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{BLOCK, Blocks};

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub fn scan_avx512(
        blocks: Blocks<'_>,
        mut most: u16,
        mut hit: impl FnMut(usize, u32, &[u16; BLOCK]) -> u16,
    ) {
        let bias = _mm512_set1_epi16(blocks.bias.cast_signed());
        for (number, block) in blocks.each().enumerate() {
            let sums = _mm512_adds_epu16(block_sums_avx512(block, blocks.table), bias);
            let mask = _mm512_cmple_epu16_mask(sums, _mm512_set1_epi16(most.cast_signed()));
            if mask != 0 {
                let mut stored = [0; BLOCK];
                // SAFETY: 64 bytes are written to an array of 64 bytes.
                unsafe { _mm512_storeu_si512(stored.as_mut_ptr().cast(), sums) };
                most = hit(number, mask, &stored);
            }
        }
    }

    /// The 32 sums of one block, in order of slots. 16-bit lanes add two neighbouring bytes at once; the odd
    /// bytes are also added separately and subtracted at the end.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn block_sums_avx512(block: &[u8], table: &[u8]) -> __m512i {
        let mut sums = [_mm512_setzero_si512(); 4];
        let (quads, pair) = block.as_chunks::<64>();
        let (table_quads, table_pair) = table.as_chunks::<64>();
        for (codes, rows) in quads.iter().zip(table_quads) {
            // SAFETY: both are arrays of 64 bytes.
            let (codes, rows) = unsafe {
                (_mm512_loadu_si512(codes.as_ptr().cast()), _mm512_loadu_si512(rows.as_ptr().cast()))
            };
            add_avx512(&mut sums, codes, rows);
        }
        if let (Some(codes), Some(rows)) = (pair.first_chunk::<32>(), table_pair.first_chunk::<32>()) {
            // SAFETY: both are arrays of 32 bytes.
            let (codes, rows) = unsafe {
                (_mm256_loadu_si256(codes.as_ptr().cast()), _mm256_loadu_si256(rows.as_ptr().cast()))
            };
            add_avx512(&mut sums, _mm512_zextsi256_si512(codes), _mm512_zextsi256_si512(rows));
        }
        let [low, low_odd, high, high_odd] = sums;
        let low = _mm512_sub_epi16(low, _mm512_slli_epi16::<8>(low_odd));
        let high = _mm512_sub_epi16(high, _mm512_slli_epi16::<8>(high_odd));
        add_lanes_avx512(add_lanes_avx512(low, low_odd), add_lanes_avx512(high, high_odd))
    }

    /// Looks up four sub-quantisers, one per 128-bit lane, and adds to the sums of low halves, their odd
    /// bytes, high halves, and their odd bytes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn add_avx512(sums: &mut [__m512i; 4], codes: __m512i, rows: __m512i) {
        let nibble = _mm512_set1_epi8(15);
        let low = _mm512_shuffle_epi8(rows, _mm512_and_si512(codes, nibble));
        let high = _mm512_shuffle_epi8(rows, _mm512_and_si512(_mm512_srli_epi16::<4>(codes), nibble));
        sums[0] = _mm512_add_epi16(sums[0], low);
        sums[1] = _mm512_add_epi16(sums[1], _mm512_srli_epi16::<8>(low));
        sums[2] = _mm512_add_epi16(sums[2], high);
        sums[3] = _mm512_add_epi16(sums[3], _mm512_srli_epi16::<8>(high));
    }

    /// Lanes `[a0 + a1, a2 + a3, b0 + b1, b2 + b3]`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn add_lanes_avx512(a: __m512i, b: __m512i) -> __m512i {
        _mm512_add_epi16(_mm512_shuffle_i64x2::<0x88>(a, b), _mm512_shuffle_i64x2::<0xdd>(a, b))
    }

    #[target_feature(enable = "avx2")]
    pub fn scan_avx2(
        blocks: Blocks<'_>,
        mut most: u16,
        mut hit: impl FnMut(usize, u32, &[u16; BLOCK]) -> u16,
    ) {
        let bias = _mm256_set1_epi16(blocks.bias.cast_signed());
        for (number, block) in blocks.each().enumerate() {
            let sums = block_sums_avx2(block, blocks.table).map(|sums| _mm256_adds_epu16(sums, bias));
            let mask = at_most_avx2(sums, _mm256_set1_epi16(most.cast_signed()));
            if mask != 0 {
                let mut stored = [0; BLOCK];
                let (halves, _) = stored.as_chunks_mut::<16>();
                for (half, sums) in halves.iter_mut().zip(sums) {
                    // SAFETY: 32 bytes are written to an array of 32 bytes.
                    unsafe { _mm256_storeu_si256(half.as_mut_ptr().cast(), sums) };
                }
                most = hit(number, mask, &stored);
            }
        }
    }

    /// Mask with bit `i` set if the sum of slot `i` is at most `most`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn at_most_avx2(sums: [__m256i; 2], most: __m256i) -> u32 {
        let [first, second] = sums.map(|sums| _mm256_cmpeq_epi16(_mm256_min_epu16(sums, most), sums));
        let bytes = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi16(first, second));
        _mm256_movemask_epi8(bytes).cast_unsigned()
    }

    /// The 32 sums of one block, computed as in [`block_sums_avx512`].
    #[inline]
    #[target_feature(enable = "avx2")]
    fn block_sums_avx2(block: &[u8], table: &[u8]) -> [__m256i; 2] {
        let nibble = _mm256_set1_epi8(15);
        let mut sums = [_mm256_setzero_si256(); 4];
        for (codes, rows) in block.as_chunks::<32>().0.iter().zip(table.as_chunks::<32>().0) {
            // SAFETY: both are arrays of 32 bytes.
            let (codes, rows) = unsafe {
                (_mm256_loadu_si256(codes.as_ptr().cast()), _mm256_loadu_si256(rows.as_ptr().cast()))
            };
            let low = _mm256_shuffle_epi8(rows, _mm256_and_si256(codes, nibble));
            let high = _mm256_shuffle_epi8(rows, _mm256_and_si256(_mm256_srli_epi16::<4>(codes), nibble));
            sums[0] = _mm256_add_epi16(sums[0], low);
            sums[1] = _mm256_add_epi16(sums[1], _mm256_srli_epi16::<8>(low));
            sums[2] = _mm256_add_epi16(sums[2], high);
            sums[3] = _mm256_add_epi16(sums[3], _mm256_srli_epi16::<8>(high));
        }
        let [low, low_odd, high, high_odd] = sums;
        let low = _mm256_sub_epi16(low, _mm256_slli_epi16::<8>(low_odd));
        let high = _mm256_sub_epi16(high, _mm256_slli_epi16::<8>(high_odd));
        [(low, low_odd), (high, high_odd)].map(|(even, odd)| {
            let (first, second) =
                (_mm256_permute2x128_si256::<0x20>(even, odd), _mm256_permute2x128_si256::<0x31>(even, odd));
            _mm256_add_epi16(first, second)
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::quantise::random_streams::seeded;

    fn random(bytes: usize, stream: u64) -> Vec<u8> {
        let mut rng = seeded(5, stream);
        (0..bytes).map(|_| rng.random_range(0..=255u8)).collect()
    }

    /// All calls of `hit`, with a threshold that falls by 7 at each.
    fn hits(level: Level, blocks: Blocks<'_>, most: u16) -> Vec<(usize, u32, [u16; BLOCK])> {
        let (mut found, mut most_now) = (Vec::new(), most);
        scan(level, blocks, most, |block, mask, sums| {
            found.push((block, mask, *sums));
            most_now = most_now.saturating_sub(7);
            most_now
        });
        found
    }

    fn levels() -> impl Iterator<Item = Level> {
        Level::available().into_iter()
    }

    #[test]
    fn all_levels_agree_with_the_scalar_code() {
        for rows in [2, 4, 6, 8, 62, 64, 66, 514] {
            for number in [0, 1, 2, 9] {
                let (codes, table) = (random(number * rows * KSUB, rows as u64), random(rows * KSUB, 1));
                for (bias, most) in
                    [(0, u16::MAX), (300, 130 * rows as u16), (u16::MAX - 9, u16::MAX - 1), (0, 0)]
                {
                    let blocks = Blocks { codes: &codes, table: &table, bias };
                    let expected = hits(Level::SCALAR, blocks, most);
                    levels().for_each(|level| assert_eq!(hits(level, blocks, most), expected, "{level:?}"));
                }
            }
        }
    }

    #[test]
    fn the_scalar_code_sums_each_slot() {
        let (codes, table) = (random(6 * KSUB, 0), random(6 * KSUB, 1));
        let blocks = Blocks { codes: &codes, table: &table, bias: 40 };
        let found = hits(Level::SCALAR, blocks, u16::MAX);
        for (i, byte) in (0..KSUB).map(|byte| (SLOT_OF_BYTE[byte], byte)) {
            let sum = |shift: u8| -> u16 {
                let entry =
                    |row: usize| table[row * KSUB + usize::from(codes[row * KSUB + byte] >> shift & 15)];
                40 + (0..6).map(|row| u16::from(entry(row))).sum::<u16>()
            };
            assert_eq!((found[0].2[i], found[0].2[i + 16]), (sum(0), sum(4)));
        }
    }

    #[test]
    fn hits_are_the_sums_up_to_the_threshold() {
        let (codes, table) = (random(8 * KSUB, 3), random(8 * KSUB, 4));
        let blocks = Blocks { codes: &codes, table: &table, bias: 0 };
        let sums = hits(Level::SCALAR, blocks, u16::MAX)[0].2;
        let most = sums[17];
        let (_, mask, _) = hits(Level::SCALAR, blocks, most)[0];
        (0..BLOCK).for_each(|i| assert_eq!(mask >> i & 1 == 1, sums[i] <= most));
    }

    #[test]
    fn a_table_without_rows_has_no_blocks() {
        levels()
            .for_each(|level| assert!(hits(level, Blocks { codes: &[], table: &[], bias: 1 }, 9).is_empty()));
    }
}

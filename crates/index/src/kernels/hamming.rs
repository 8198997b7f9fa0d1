//! Hamming distances of one query to a block of binary codes.
//!
//! A block stores its codes in groups of eight, transposed: word `w` of the group's eight codes is
//! contiguous, so eight distances accumulate in the eight lanes of one register without a horizontal sum.
//! Small blocks stay in the first-level cache while all queries of a batch scan them.

/// Codes per group, the 64-bit lanes of an AVX-512 register.
pub(crate) const LANES: usize = 8;

use simd::{Level, Tier};

/// One 64-bit word of each code in a group.
#[repr(align(64))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Lanes(pub [u64; LANES]);

/// Consecutive codes, regrouped for the kernels. Codes are padded with zero bytes to whole words and the last
/// group with zero codes; queries are padded the same way, so distances do not change.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// Number of 64-bit words of a code.
    words: usize,
    /// `[groups, words]`.
    lanes: Vec<Lanes>,
}

impl Block {
    /// Creates a block without codes, for codes of `code_size` bytes.
    pub fn new(code_size: usize) -> Self {
        Self { words: words_of(code_size), lanes: Vec::new() }
    }

    /// Replaces the block's codes by `codes`, `[n, code_size]`.
    pub fn fill(&mut self, codes: &[u8], code_size: usize) {
        self.lanes.clear();
        self.lanes.resize(codes.len().div_ceil(LANES * code_size) * self.words, Lanes::default());
        let groups = codes.chunks(LANES * code_size).zip(self.lanes.chunks_exact_mut(self.words));
        for (codes, group) in groups {
            for (lane, code) in codes.chunks_exact(code_size).enumerate() {
                for (lanes, word) in group.iter_mut().zip(words(code)) {
                    lanes.0[lane] = word;
                }
            }
        }
    }

    /// Finds the first group from `start` on with a code nearer than `limit`, and the group's distances.
    ///
    /// `query` is one code as [`words`]. Lanes past the last code have the distance to a zero code.
    pub fn find_nearer(&self, level: Level, query: &[u64], start: usize, limit: u64) -> Option<Nearer> {
        assert_eq!(query.len(), self.words, "words of a query");
        let scan = Scan { lanes: &self.lanes, query, start, limit };
        match level.tier() {
            Tier::Scalar => scalar(&scan),
            // SAFETY: a `Level` of this tier exists only where the processor has its instructions.
            #[cfg(target_arch = "x86_64")]
            Tier::Avx2 | Tier::Avx512F => unsafe { avx2(&scan) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Tier::Avx512 => unsafe { avx512(&scan) },
        }
    }
}

/// A group with a code below the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nearer {
    pub group: usize,
    pub distances: [u64; LANES],
}

/// Arguments of the kernels.
struct Scan<'a> {
    /// `[groups, query.len()]`.
    lanes: &'a [Lanes],
    query: &'a [u64],
    start: usize,
    limit: u64,
}

impl<'a> Scan<'a> {
    /// Groups from `start` on, with their indices.
    fn groups(&self) -> impl Iterator<Item = (usize, &'a [Lanes])> + use<'a> {
        self.lanes.chunks_exact(self.query.len()).enumerate().skip(self.start)
    }
}

/// Number of 64-bit words of a code.
pub(crate) fn words_of(code_size: usize) -> usize {
    code_size.div_ceil(8).max(1)
}

/// Bytes of a code as little-endian words, the last one padded with zeros.
pub(crate) fn words(code: &[u8]) -> impl Iterator<Item = u64> {
    code.chunks(8).map(|bytes| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    })
}

fn scalar(scan: &Scan) -> Option<Nearer> {
    for (group, lanes) in scan.groups() {
        let mut distances = [0; LANES];
        for (lanes, query) in lanes.iter().zip(scan.query) {
            for (distance, word) in distances.iter_mut().zip(lanes.0) {
                *distance += u64::from((word ^ query).count_ones());
            }
        }
        if distances.iter().any(|&distance| distance < scan.limit) {
            return Some(Nearer { group, distances });
        }
    }
    None
}

#[cfg(target_arch = "x86_64")]
use x86::{avx2, avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{LANES, Lanes, Nearer, Scan};

    /// Keeps the query in registers for the usual code sizes, and reloads it for every group otherwise.
    #[target_feature(enable = "avx512f,avx512vpopcntdq")]
    pub fn avx512(scan: &Scan) -> Option<Nearer> {
        match scan.query.len() {
            1 => avx512_words::<1>(scan),
            2 => avx512_words::<2>(scan),
            4 => avx512_words::<4>(scan),
            8 => avx512_words::<8>(scan),
            16 => avx512_words::<16>(scan),
            _ => avx512_any(scan),
        }
    }

    #[target_feature(enable = "avx512f,avx512vpopcntdq")]
    fn avx512_words<const WORDS: usize>(scan: &Scan) -> Option<Nearer> {
        let mut query = [_mm512_setzero_si512(); WORDS];
        for (register, &word) in query.iter_mut().zip(scan.query) {
            *register = _mm512_set1_epi64(word as i64);
        }
        let limit = _mm512_set1_epi64(scan.limit as i64);
        let (groups, _) = scan.lanes.as_chunks::<WORDS>();
        for (group, lanes) in groups.iter().enumerate().skip(scan.start) {
            let mut sum = _mm512_setzero_si512();
            for (lanes, &query) in lanes.iter().zip(&query) {
                sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_si512(load(lanes), query)));
            }
            if _mm512_cmplt_epu64_mask(sum, limit) != 0 {
                return Some(Nearer { group, distances: lanes_of(sum) });
            }
        }
        None
    }

    #[target_feature(enable = "avx512f,avx512vpopcntdq")]
    fn avx512_any(scan: &Scan) -> Option<Nearer> {
        let limit = _mm512_set1_epi64(scan.limit as i64);
        for (group, lanes) in scan.groups() {
            let mut sum = _mm512_setzero_si512();
            for (lanes, &word) in lanes.iter().zip(scan.query) {
                let differing = _mm512_xor_si512(load(lanes), _mm512_set1_epi64(word as i64));
                sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(differing));
            }
            if _mm512_cmplt_epu64_mask(sum, limit) != 0 {
                return Some(Nearer { group, distances: lanes_of(sum) });
            }
        }
        None
    }

    #[target_feature(enable = "avx512f")]
    fn load(lanes: &Lanes) -> __m512i {
        // SAFETY: `Lanes` is 64 bytes, aligned to 64.
        unsafe { _mm512_load_si512(lanes.0.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx512f")]
    fn lanes_of(sum: __m512i) -> [u64; LANES] {
        let mut lanes = Lanes::default();
        // SAFETY: `Lanes` is 64 bytes, aligned to 64.
        unsafe { _mm512_store_si512(lanes.0.as_mut_ptr().cast(), sum) };
        lanes.0
    }

    /// Counts bits per byte; the bytes are summed before they can overflow.
    #[target_feature(enable = "avx2")]
    pub fn avx2(scan: &Scan) -> Option<Nearer> {
        for (group, lanes) in scan.groups() {
            let mut sums = [_mm256_setzero_si256(); 2];
            for (lanes, query) in lanes.chunks(WORDS_PER_SUM).zip(scan.query.chunks(WORDS_PER_SUM)) {
                add_counts(&mut sums, lanes, query);
            }
            let mut distances = [0; LANES];
            for (half, sum) in distances.chunks_exact_mut(4).zip(sums) {
                // SAFETY: `half` is 32 bytes; the store needs no alignment.
                unsafe { _mm256_storeu_si256(half.as_mut_ptr().cast(), sum) };
            }
            if distances.iter().any(|&distance| distance < scan.limit) {
                return Some(Nearer { group, distances });
            }
        }
        None
    }

    /// Words added in bytes: each adds at most 8, and 31 words at most 248.
    const WORDS_PER_SUM: usize = 31;

    /// Adds the numbers of differing bits of up to [`WORDS_PER_SUM`] words to the sums of lanes 0 to 3 and 4
    /// to 7.
    #[target_feature(enable = "avx2")]
    fn add_counts(sums: &mut [__m256i; 2], lanes: &[Lanes], query: &[u64]) {
        let mut bytes = [_mm256_setzero_si256(); 2];
        for (lanes, &word) in lanes.iter().zip(query) {
            let query = _mm256_set1_epi64x(word as i64);
            for (half, bytes) in bytes.iter_mut().enumerate() {
                // SAFETY: half 0 or 1 of `Lanes` is 32 bytes, aligned to 32.
                let word = unsafe { _mm256_load_si256(lanes.0.as_ptr().cast::<__m256i>().add(half)) };
                *bytes = _mm256_add_epi8(*bytes, count_bytes(_mm256_xor_si256(word, query)));
            }
        }
        for (sum, bytes) in sums.iter_mut().zip(bytes) {
            *sum = _mm256_add_epi64(*sum, _mm256_sad_epu8(bytes, _mm256_setzero_si256()));
        }
    }

    /// Number of set bits of every byte, from a table of the sixteen half-bytes.
    #[target_feature(enable = "avx2")]
    fn count_bytes(x: __m256i) -> __m256i {
        let table =
            _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
        let low = _mm256_set1_epi8(0x0f);
        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(x), low);
        let low = _mm256_and_si256(x, low);
        _mm256_add_epi8(_mm256_shuffle_epi8(table, low), _mm256_shuffle_epi8(table, high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantise::random_streams::seeded;
    use rand::RngExt;

    fn bytes(n: usize, seed: u64) -> Vec<u8> {
        let mut rng = seeded(seed, 0);
        (0..n).map(|_| rng.random_range(0..=255)).collect()
    }

    fn levels() -> impl Iterator<Item = Level> {
        Level::available().into_iter()
    }

    fn bitwise(a: &[u8], b: &[u8]) -> u64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| (0..8).filter(|bit| (a >> bit) & 1 != (b >> bit) & 1).count() as u64)
            .sum()
    }

    #[test]
    fn every_level_counts_every_code_size() {
        for (code_size, n) in
            [(1, 1), (3, 8), (8, 9), (12, 17), (16, 5), (32, 24), (64, 33), (128, 7), (300, 11)]
        {
            let codes = bytes(n * code_size, 1);
            let query_code = bytes(code_size, 2);
            let query: Vec<u64> = words(&query_code).collect();
            let mut block = Block::new(code_size);
            block.fill(&codes, code_size);
            let expected: Vec<u64> = codes.chunks(code_size).map(|code| bitwise(code, &query_code)).collect();
            for level in levels() {
                let all: Vec<u64> = (0..n.div_ceil(LANES))
                    .flat_map(|group| {
                        block.find_nearer(level, &query, group, u64::MAX).expect("a group").distances
                    })
                    .take(n)
                    .collect();
                assert_eq!(all, expected, "{level:?}, {code_size} bytes");
            }
        }
    }

    #[test]
    fn the_limit_is_exclusive_and_groups_before_the_start_are_skipped() {
        let (code_size, n) = (8, 64);
        let mut codes = vec![0xff; n * code_size];
        codes[20 * code_size] = 0xfe;
        let mut block = Block::new(code_size);
        block.fill(&codes, code_size);
        for level in levels() {
            assert_eq!(block.find_nearer(level, &[0], 0, 63), None, "{level:?}");
            let found = block.find_nearer(level, &[0], 0, 64).expect("code 20");
            assert_eq!((found.group, found.distances[4], found.distances[3]), (2, 63, 64), "{level:?}");
            assert_eq!(block.find_nearer(level, &[0], 3, 64), None, "{level:?}");
        }
    }

    #[test]
    fn the_largest_codes_do_not_overflow_a_byte() {
        let code_size = 8 * 100;
        let mut block = Block::new(code_size);
        block.fill(&vec![0xff; code_size], code_size);
        for level in levels() {
            let found = block.find_nearer(level, &[0; 100], 0, u64::MAX).expect("one group");
            assert_eq!(found.distances, [6400, 0, 0, 0, 0, 0, 0, 0], "{level:?}");
        }
    }
}

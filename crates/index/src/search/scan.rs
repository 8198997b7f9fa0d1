//! Scan of codes: their sort keys in blocks, and the near ones handed on.

use super::candidates::{Candidate, Gather};
use crate::{
    kernels::{Level, below},
    quantise::codec::Scanner,
};

/// Codes scored at once.
const BLOCK: usize = 256;

/// What [`scan`] writes on the way.
#[derive(Default)]
pub(crate) struct ScanBuffers {
    /// Sort keys of a block.
    keys: Vec<f32>,
    /// Which of them may be near enough.
    hits: Vec<u32>,
}

/// Hands every code `[n, code_size]` that may be near enough to `gather`; `id` names entry `0..n`.
pub(crate) fn scan(
    scanner: &Scanner,
    buffers: &mut ScanBuffers,
    codes: &[u8],
    code_size: usize,
    id: impl Fn(usize) -> i64,
    gather: &mut impl Gather,
) {
    let ScanBuffers { keys, hits } = buffers;
    for (block, codes) in codes.chunks(BLOCK * code_size).enumerate() {
        keys.resize(codes.len() / code_size, 0.0);
        scanner.keys(codes, keys);
        hits.clear();
        below(Level::detected(), keys, gather.threshold(), hits);
        let mut threshold = gather.threshold();
        for &hit in hits.iter() {
            let key = keys[hit as usize];
            if key <= threshold {
                gather.push(Candidate { key, id: id(block * BLOCK + hit as usize) });
                threshold = gather.threshold();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Metric,
        quantise::codec::Codec,
        search::{TopK, Within},
    };

    fn candidate(key: f32, id: i64) -> Candidate {
        Candidate { key, id }
    }

    #[test]
    fn keys_that_are_no_numbers_are_not_near() {
        let codes: Vec<u8> =
            [f32::NAN, 1.0, f32::NAN, 3.0, -1.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let codec = Codec::Flat { d: 1 };
        let mut scanner = Scanner::new(&codec, Metric::L2);
        scanner.aim(&[0.0]);
        let (mut buffers, id) = (ScanBuffers::default(), |entry| entry as i64);
        let mut top = TopK::new(2);
        scan(&scanner, &mut buffers, &codes, 4, id, &mut top);
        assert_eq!(top.into_sorted(), [candidate(1.0, 1), candidate(1.0, 4)]);
        let mut within = Within::new(9.0);
        scan(&scanner, &mut buffers, &codes, 4, id, &mut within);
        assert_eq!(within.into_sorted(), [candidate(1.0, 1), candidate(1.0, 4)], "9 is not below 9");
    }
}

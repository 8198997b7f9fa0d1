//! Scan of codes: computes sort keys in blocks and collects the nearest.

use simd::Level;

use super::candidates::{Candidate, Gather};
use crate::{kernels::below, quantise::codec::Scanner};

/// Codes per block.
const BLOCK: usize = 256;

/// Buffers of [`scan`].
#[derive(Default)]
pub(crate) struct ScanBuffers {
    /// Sort keys of a block.
    keys: Vec<f32>,
    /// Entries of the block with keys up to the threshold.
    hits: Vec<u32>,
}

/// Offers every code of `[n, code_size]` whose key passes the threshold to `gather`; `id` maps an entry in
/// `0..n` to its id.
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
        metric::Metric,
        quantise::codec::Codec,
        search::{TopK, Within},
    };

    fn candidate(key: f32, id: i64) -> Candidate {
        Candidate { key, id }
    }

    #[test]
    fn nan_keys_are_never_hits() {
        let codes: Vec<u8> =
            [f32::NAN, 1.0, f32::NAN, 3.0, -1.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let codec = Codec::Flat { d: 1 };
        let mut scanner = Scanner::new(&codec, Metric::L2);
        scanner.set_query(&[0.0]);
        let (mut buffers, id) = (ScanBuffers::default(), |entry| entry as i64);
        let mut top = TopK::new(2);
        scan(&scanner, &mut buffers, &codes, 4, id, &mut top);
        assert_eq!(top.into_found(), [candidate(1.0, 1), candidate(1.0, 4)]);
        let mut within = Within::new(9.0);
        scan(&scanner, &mut buffers, &codes, 4, id, &mut within);
        assert_eq!(within.into_found(), [candidate(1.0, 1), candidate(1.0, 4)], "9 is not below 9");
    }
}

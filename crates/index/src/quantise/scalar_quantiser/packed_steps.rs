//! Steps of 4, 6 or 8 bits in a code, the first in the lowest bits.

/// Writes the steps to a code of zeros.
pub(super) fn pack(bits: usize, steps: impl Iterator<Item = u8>, code: &mut [u8]) {
    for (i, step) in steps.enumerate() {
        let (byte, shift) = (i * bits / 8, i * bits % 8);
        code[byte] |= step << shift;
        if shift + bits > 8 {
            code[byte + 1] |= step >> (8 - shift);
        }
    }
}

/// Steps of a code, including those of the padding.
pub(super) fn unpack(bits: usize, code: &[u8]) -> impl Iterator<Item = u8> {
    let mask = ((1u16 << bits) - 1) as u8;
    (0..code.len() * 8 / bits).map(move |i| {
        let (byte, shift) = (i * bits / 8, i * bits % 8);
        let low = code[byte] >> shift;
        let high = if shift + bits > 8 { code[byte + 1] << (8 - shift) } else { 0 };
        (low | high) & mask
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_survive_packing_at_every_width_and_length() {
        for (bits, d) in [4, 6, 8].into_iter().flat_map(|bits: usize| (1..20).map(move |d| (bits, d))) {
            let steps: Vec<u8> = (0..d).map(|i| ((i * 37 + 11) % (1 << bits)) as u8).collect();
            let mut code = vec![0; (d * bits).div_ceil(8)];
            pack(bits, steps.iter().copied(), &mut code);
            assert_eq!(unpack(bits, &code).take(d).collect::<Vec<_>>(), steps, "{bits} bits, {d}");
        }
    }
}

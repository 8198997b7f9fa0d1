//! Floats of 16 bits, rounded as faiss 1.15 rounds them: to the nearest, ties away from zero.

/// Writes each component as a little-endian float of 16 bits.
pub(super) fn encode(row: &[f32], code: &mut [u8], short: fn(f32) -> u16) {
    code.as_chunks_mut().0.iter_mut().zip(row).for_each(|(code, x)| *code = short(*x).to_le_bytes());
}

/// Reads a row from little-endian floats of 16 bits.
pub(super) fn decode(code: &[u8], row: &mut [f32], long: impl Fn(u16) -> f32) {
    row.iter_mut().zip(code.as_chunks().0).for_each(|(x, code)| *x = long(u16::from_le_bytes(*code)));
}

/// Bits of float32's infinity.
const INFINITY: u32 = 0xff << 23;

/// `2^112`, the ratio of the smallest normal numbers of binary16 and float32.
const SCALE: f32 = f32::from_bits((127 + 112) << 23);

/// Rounds to binary16; values from 65,520 on become infinite.
pub(super) fn to_fp16(x: f32) -> u16 {
    let sign = (x.to_bits() >> 16) as u16 & 0x8000;
    let magnitude = x.abs().to_bits();
    if magnitude >= INFINITY {
        return sign | if magnitude > INFINITY { 0x7fff } else { 0x7c00 };
    }
    // Scaled by 2^-112, the bits of float32 above the lowest 13 are those of binary16, subnormal ones too.
    let scaled = f32::from_bits(magnitude & !0xfff) * SCALE.recip();
    let rounded = (scaled.to_bits() + 0x1000).min(31 << 23);
    sign | (rounded >> 13) as u16
}

/// Value of a binary16.
pub(super) fn of_fp16(short: u16) -> f32 {
    let (sign, magnitude) = (u32::from(short & 0x8000) << 16, u32::from(short & 0x7fff) << 13);
    let scaled = (f32::from_bits(magnitude) * SCALE).to_bits();
    // Infinities and NaN have the exponent 31.
    let extended = if magnitude >= 31 << 23 { scaled | INFINITY } else { scaled };
    f32::from_bits(sign | extended)
}

/// Rounds to the upper half of a float32.
pub(super) fn to_bf16(x: f32) -> u16 {
    (x.to_bits().wrapping_add(0x8000) >> 16) as u16
}

/// Value of the upper half of a float32.
pub(super) fn of_bf16(short: u16) -> f32 {
    f32::from_bits(u32::from(short) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Value of a binary16 by its definition (IEEE 754, 3.4).
    fn defined(short: u16) -> f64 {
        let (exponent, fraction) = (i32::from(short >> 10 & 31), f64::from(short & 1023));
        let value = match exponent {
            0 => fraction * 2f64.powi(-24),
            31 if fraction == 0.0 => f64::INFINITY,
            31 => f64::NAN,
            _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
        };
        if short >> 15 == 1 { -value } else { value }
    }

    #[test]
    fn every_binary16_has_its_value_and_comes_back() {
        for short in 0..=u16::MAX {
            let value = of_fp16(short);
            assert!(
                f64::from(value) == defined(short) || value.is_nan() && defined(short).is_nan(),
                "{short}"
            );
            assert!(value.is_nan() || to_fp16(value) == short, "{short}");
        }
    }

    #[test]
    fn values_between_two_of_binary16_go_to_the_nearer() {
        for short in (0..0x7bff_u16).step_by(3) {
            let (low, high) = (of_fp16(short), of_fp16(short + 1));
            let middle = (low + high) / 2.0;
            let beside = |bits: u32| f32::from_bits(middle.to_bits().wrapping_add(bits.wrapping_sub(0x1000)));
            assert_eq!([to_fp16(middle), to_fp16(-middle)], [short + 1, (short + 1) | 0x8000], "{short}");
            assert!(beside(0) >= middle || to_fp16(beside(0)) == short, "{short}");
        }
        assert_eq!([65519.0, 65520.0, 1e38, f32::INFINITY].map(to_fp16), [0x7bff, 0x7c00, 0x7c00, 0x7c00]);
    }

    /// As faiss 1.15.1 encodes them.
    #[test]
    fn bf16_rounds_ties_away_from_zero() {
        let bits = [0x3f80_8000, 0x3f81_8000, 0x3f80_7fff, 0xbf80_8000, 0x7f7e_ff65].map(f32::from_bits);
        assert_eq!(bits.map(to_bf16), [0x3f81, 0x3f82, 0x3f80, 0xbf81, 0x7f7f]);
        assert_eq!(of_bf16(0x3f81), 1.0078125);
    }
}

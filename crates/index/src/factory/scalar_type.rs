//! Scalar types: the codecs of single components, faiss's `QuantizerType`.

use std::fmt;

/// Codec of each component of a scalar quantiser.
///
/// The types of 4, 6 and 8 bits divide a range into equal steps. The range is that of the training vectors,
/// one per dimension or, where it is uniform, one for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScalarType {
    /// `SQ8`: 8 bits.
    Bits8,
    /// `SQ4`: 4 bits.
    Bits4,
    /// `SQ8_uniform`: 8 bits of one range; faiss reads and writes it, but has no factory string for it.
    Uniform8,
    /// `SQ4_uniform`: 4 bits of one range; faiss reads and writes it, but has no factory string for it.
    Uniform4,
    /// `SQfp16`: floats of 16 bits with 11 significant ones.
    Fp16,
    /// `SQ8_direct`: the component itself, an integer from 0 to 255.
    Direct8,
    /// `SQ6`: 6 bits.
    Bits6,
    /// `SQbf16`: floats of 16 bits with 8 significant ones and the range of float32.
    Bf16,
    /// `SQ8_direct_signed`: the component itself, an integer from -128 to 127.
    DirectSigned8,
}

impl ScalarType {
    /// All types with their factory strings, in the order of faiss's enumerators.
    const ALL: [(Self, &str); 9] = [
        (Self::Bits8, "SQ8"),
        (Self::Bits4, "SQ4"),
        (Self::Uniform8, "SQ8_uniform"),
        (Self::Uniform4, "SQ4_uniform"),
        (Self::Fp16, "SQfp16"),
        (Self::Direct8, "SQ8_direct"),
        (Self::Bits6, "SQ6"),
        (Self::Bf16, "SQbf16"),
        (Self::DirectSigned8, "SQ8_direct_signed"),
    ];

    /// Type of a factory string.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|&(_, known)| known == name).map(|(kind, _)| kind)
    }

    /// Type of faiss's enumerator `qtype`.
    pub(crate) fn of_qtype(qtype: i32) -> Option<Self> {
        usize::try_from(qtype).ok().and_then(|qtype| Self::ALL.get(qtype)).map(|&(kind, _)| kind)
    }

    /// Enumerator of faiss.
    pub(crate) fn qtype(self) -> i32 {
        self as i32
    }

    /// Bits of one component.
    pub(crate) fn bits(self) -> usize {
        match self {
            Self::Bits4 | Self::Uniform4 => 4,
            Self::Bits6 => 6,
            Self::Bits8 | Self::Uniform8 | Self::Direct8 | Self::DirectSigned8 => 8,
            Self::Fp16 | Self::Bf16 => 16,
        }
    }

    /// Number of trained ranges for vectors of dimension `d`.
    pub(crate) fn ranges(self, d: usize) -> usize {
        match self {
            Self::Bits4 | Self::Bits6 | Self::Bits8 => d,
            Self::Uniform4 | Self::Uniform8 => 1,
            Self::Fp16 | Self::Bf16 | Self::Direct8 | Self::DirectSigned8 => 0,
        }
    }
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL[*self as usize].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_in_the_order_of_their_enumerators() {
        for (qtype, (kind, name)) in ScalarType::ALL.into_iter().enumerate() {
            assert_eq!((kind.qtype(), kind.to_string()), (qtype as i32, name.to_owned()));
            assert_eq!(
                (ScalarType::of_qtype(qtype as i32), ScalarType::of_name(name)),
                (Some(kind), Some(kind))
            );
        }
        assert_eq!([-1, 9, i32::MIN, i32::MAX].map(ScalarType::of_qtype), [None; 4]);
    }
}

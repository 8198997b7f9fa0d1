//! Precision of the factors of a convolution.

use std::fmt;

use burn::tensor::{Device, FloatDType};
use device_math::exact_products::rounds;
use simd::Bf16;

/// Type that the factors of a convolution are rounded to before they are multiplied. Sums are in float32, except in
/// GPU kernels without matrix units, which sum in the type of the factors.
///
/// Reduced precision is meant for the matrix units of GPUs. The CPU multiplies bf16 natively where it has
/// AVX512-BF16. It emulates the other types, slower than float32, so that their effect can be measured on any
/// machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Float32 on every device.
    #[default]
    Single,
    /// TF32, 11 bits of mantissa, on NVIDIA GPUs through CUDA. Tensors between convolutions keep 24 bits. Gradients
    /// on the CPU round the weights only.
    Tf32,
    /// bf16, 8 bits of mantissa, also for tensors between convolutions. CPUs with AVX512-BF16 round factors only, and
    /// not those of Winograd's filtering, which would amplify the error.
    Bf16,
    /// f16, 11 bits of mantissa and magnitudes from 6e-8 to 65504, also for tensors between convolutions. The range
    /// is too small for gradients.
    F16,
}

impl Precision {
    /// Type of tensors between convolutions.
    pub(crate) fn storage(self) -> FloatDType {
        match self {
            Self::Single | Self::Tf32 => FloatDType::F32,
            Self::Bf16 => FloatDType::BF16,
            Self::F16 => FloatDType::F16,
        }
    }

    /// Returns whether this processor multiplies in the precision; it emulates the others.
    pub fn is_native(self) -> bool {
        match self {
            Self::Single => true,
            Self::Bf16 => Bf16::detected().is_some(),
            Self::Tf32 | Self::F16 => false,
        }
    }

    /// Returns whether a device other than the CPU multiplies in the precision.
    pub(crate) fn is_supported_by(self, device: &Device) -> bool {
        match self {
            Self::Single => true,
            Self::Tf32 => rounds(device),
            Self::Bf16 | Self::F16 => device.supports_dtype(self.storage()),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "single precision",
            Self::Tf32 => "TF32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        })
    }
}

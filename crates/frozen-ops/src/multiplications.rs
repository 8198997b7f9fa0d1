//! Cost of a convolution.

/// Number of multiplications in the matrix products of a convolution; those of transforms are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Multiplications {
    /// Multiplications of [`Conv::forward`](crate::Conv::forward).
    pub forward: usize,
    /// Multiplications of [`Conv::input_gradient`](crate::Conv::input_gradient).
    pub gradient: usize,
}

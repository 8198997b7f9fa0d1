//! Constants of differentiated computations.

use burn::tensor::Tensor;

/// Returns `constant`, lifted onto autodiff if `input` is on it. No gradient is tracked for it.
///
/// Binary operations need both operands on the same side of the autodiff boundary.
pub fn lifted<const D: usize, const E: usize>(constant: &Tensor<D>, input: &Tensor<E>) -> Tensor<D> {
    let constant = constant.clone();
    if input.is_autodiff() { constant.autodiff() } else { constant }
}

//! Constants of differentiable computations.

use burn::tensor::Tensor;

/// Returns `constant` as an untracked tensor of the same kind as `input`, with or without autodiff: an operation takes
/// only tensors of one kind.
pub fn beside<const D: usize, const E: usize>(constant: &Tensor<D>, input: &Tensor<E>) -> Tensor<D> {
    let constant = constant.clone();
    if input.is_autodiff() { constant.autodiff() } else { constant }
}

//! Weights that take part in a differentiated computation without being differentiated.

use burn::tensor::Tensor;

/// `constant` on the same side of the autodiff boundary as `input`, untracked: what a differentiable operation
/// needs of its constants.
pub fn beside<const D: usize, const E: usize>(constant: &Tensor<D>, input: &Tensor<E>) -> Tensor<D> {
    let constant = constant.clone();
    if input.is_autodiff() { constant.autodiff() } else { constant }
}

//! Values of tensors on the CPU, in chunks for the threads.

use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;

/// Number of values in a thread's chunk. The chunks of all tensors of a pass fit its second-level cache.
pub(crate) const CHUNK: usize = 1 << 14;

/// Values of a contiguous tensor.
pub(crate) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().unwrap_or_default()
}

/// Tensor with these values in row-major order.
pub(crate) fn tensor(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::F32)
}

/// The tensor itself if its values are in order, otherwise an ordered copy.
pub(crate) fn ordered(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

/// Sum of the parts in their order, which makes it independent of the number of threads.
pub(crate) fn sum_in_order(parts: impl IndexedParallelIterator<Item = f64>) -> f32 {
    parts.collect::<Vec<_>>().into_iter().sum::<f64>() as f32
}

//! Resampling on burn's backends.

use std::sync::Arc;

use burn::{
    backend::{
        Backend, Flex, TensorMetadata,
        autodiff::{
            Autodiff,
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        tensor::FloatTensor,
    },
    tensor::{DType, Shape},
};
use burn_flex::{FlexTensor, Layout};
use simd::Level;

use crate::{BandedMatrix, buffer_pool::PooledBuffer};

/// Matrices that images are multiplied by on either side.
#[derive(Debug, Clone)]
pub struct Separable {
    /// `[h', h]`.
    pub rows: Arc<BandedMatrix>,
    /// `[w', w]`.
    pub columns: Arc<BandedMatrix>,
}

/// Resampling of planes, and its transpose.
#[backend_extension(Flex, Autodiff)]
pub trait ResampleBackend: Backend {
    /// Returns `rows X columns^T` of every plane: `[n, c, h, w]` -> `[n, c, h', w']`.
    fn resample_planes(images: FloatTensor<Self>, matrices: Separable) -> FloatTensor<Self>;

    /// Returns `rows^T X columns` of every plane, the gradient of the images: `[n, c, h', w']` -> `[n, c, h, w]`.
    fn resample_planes_gradient(gradient: FloatTensor<Self>, matrices: Separable) -> FloatTensor<Self>;
}

impl ResampleBackend for Flex {
    fn resample_planes(images: FlexTensor, Separable { rows, columns }: Separable) -> FlexTensor {
        let (images, level) = (images.to_contiguous(), Level::detected());
        let shape = images.shape();
        let (planes, w) = (shape[0] * shape[1], shape[3]);
        let mut narrow = PooledBuffer::new(planes * rows.rows() * w);
        rows.times_rows(level, images.as_slice().unwrap_or_default(), w, narrow.values());
        let mut out = PooledBuffer::new(planes * rows.rows() * columns.rows());
        columns.times_columns(level, narrow.values(), out.values());
        tensor(out, [shape[0], shape[1], rows.rows(), columns.rows()])
    }

    fn resample_planes_gradient(gradient: FlexTensor, Separable { rows, columns }: Separable) -> FlexTensor {
        let (gradient, level) = (gradient.to_contiguous(), Level::detected());
        let shape = gradient.shape();
        let (planes, h) = (shape[0] * shape[1], shape[2]);
        let mut wide = PooledBuffer::new(planes * h * columns.columns());
        let values = gradient.as_slice().unwrap_or_default();
        columns.transposed().times_columns(level, values, wide.values());
        let mut out = PooledBuffer::new(planes * rows.columns() * columns.columns());
        rows.transposed().times_rows(level, wide.values(), columns.columns(), out.values());
        tensor(out, [shape[0], shape[1], rows.columns(), columns.columns()])
    }
}

/// Wraps pooled values in a tensor.
fn tensor(values: PooledBuffer, shape: [usize; 4]) -> FlexTensor {
    FlexTensor::new(values.into_bytes(), Layout::contiguous(Shape::from(shape)), DType::F32)
}

/// Gradient of [`ResampleBackend::resample_planes`].
#[derive(Debug)]
struct ResampleBackward;

impl<B: ResampleBackend> Backward<B, 1> for ResampleBackward {
    type State = Separable;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([images], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        if let Some(images) = images {
            grads.register::<B>(images.id, B::resample_planes_gradient(gradient, ops.state));
        }
    }
}

impl<B: ResampleBackend, C: CheckpointStrategy> ResampleBackend for Autodiff<B, C> {
    fn resample_planes(images: FloatTensor<Self>, matrices: Separable) -> FloatTensor<Self> {
        let node = images.node();
        let out = B::resample_planes(images.into_primitive(), matrices.clone());
        match ResampleBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(matrices, out),
            OpsKind::UnTracked(prepared) => prepared.finish(out),
        }
    }

    fn resample_planes_gradient(
        gradient: FloatTensor<Self>,
        Separable { rows, columns }: Separable,
    ) -> FloatTensor<Self> {
        let transposed = |matrix: &BandedMatrix| Arc::new(matrix.transposed());
        let matrices = Separable { rows: transposed(&rows), columns: transposed(&columns) };
        Self::resample_planes(gradient, matrices)
    }
}

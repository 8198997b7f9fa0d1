//! Products of images with a banded matrix on either side, `R X C^T`: resizing.

use std::sync::Arc;

use burn::backend::autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{DType, Device, Shape, Tensor, TensorData};
use burn_flex::{FlexTensor, Layout};

use crate::Bands;
use crate::raw::{Level, Pooled};

/// Both matrices, with what their gradient needs.
#[derive(Debug, Clone)]
pub struct Both {
    rows: Arc<Bands>,
    columns: Arc<Bands>,
}

/// `rows X columns^T` of every plane of images `[n, c, h, w]`. Gradients flow to the images where they are tracked.
///
/// # Shapes
///
/// `[n, c, h, w]`, `[h', h]`, `[w', w]` -> `[n, c, h', w']`
///
/// # Panics
///
/// Other shapes.
pub fn resample(images: Tensor<4>, rows: &Arc<Bands>, columns: &Arc<Bands>) -> Tensor<4> {
    let [_, _, h, w] = images.dims();
    assert_eq!([h, w], [rows.from(), columns.from()], "height and width of the images");
    if images.device().inner() == Device::flex() {
        let both = Both { rows: rows.clone(), columns: columns.clone() };
        return Tensor::from_dispatch(Dispatch::resample_planes(images.into_dispatch(), both));
    }
    let matrix = |bands: &Bands| {
        let data = TensorData::new(bands.dense(), [1, 1, bands.to(), bands.from()]);
        let matrix = Tensor::<4>::from_data(data, &images.device().inner());
        if images.is_autodiff() { matrix.autodiff() } else { matrix }
    };
    let (rows, columns) = (matrix(rows), matrix(columns).swap_dims(2, 3));
    // The longer side first leaves the smaller intermediate image.
    if h >= w { rows.matmul(images).matmul(columns) } else { rows.matmul(images.matmul(columns)) }
}

/// `rows^T X columns` of every plane of images `[n, c, h', w']`: the transpose of [`resample`], as its gradient is.
///
/// # Shapes
///
/// `[n, c, h', w']`, `[h', h]`, `[w', w]` -> `[n, c, h, w]`
///
/// # Panics
///
/// Other shapes.
pub fn resample_transposed(images: Tensor<4>, rows: &Arc<Bands>, columns: &Arc<Bands>) -> Tensor<4> {
    let [_, _, h, w] = images.dims();
    assert_eq!([h, w], [rows.to(), columns.to()], "height and width of the images");
    if images.device().inner() == Device::flex() {
        let both = Both { rows: rows.clone(), columns: columns.clone() };
        return Tensor::from_dispatch(Dispatch::resample_planes_gradient(images.into_dispatch(), both));
    }
    let [rows, columns] = [rows, columns].map(|bands| Arc::new(bands.transposed()));
    resample(images, &rows, &columns)
}

/// The operation and its transpose.
#[backend_extension(Flex, Autodiff)]
pub trait ResampleBackend: Backend {
    /// `[n, c, h, w]` -> `[n, c, h', w']`.
    fn resample_planes(images: FloatTensor<Self>, both: Both) -> FloatTensor<Self>;

    /// The gradient of the images, `[n, c, h, w]`, from `[n, c, h', w']`.
    fn resample_planes_gradient(gradient: FloatTensor<Self>, both: Both) -> FloatTensor<Self>;
}

impl ResampleBackend for Flex {
    fn resample_planes(images: FlexTensor, Both { rows, columns }: Both) -> FlexTensor {
        let (images, level) = (images.to_contiguous(), Level::detected());
        let shape = images.shape();
        let (planes, w) = (shape[0] * shape[1], shape[3]);
        let mut narrow = Pooled::new(planes * rows.to() * w);
        rows.times_rows(level, images.as_slice().unwrap_or_default(), w, narrow.values());
        let mut out = Pooled::new(planes * rows.to() * columns.to());
        columns.times_columns(level, narrow.values(), out.values());
        tensor(out, [shape[0], shape[1], rows.to(), columns.to()])
    }

    fn resample_planes_gradient(gradient: FlexTensor, Both { rows, columns }: Both) -> FlexTensor {
        let (gradient, level) = (gradient.to_contiguous(), Level::detected());
        let shape = gradient.shape();
        let (planes, h) = (shape[0] * shape[1], shape[2]);
        let mut wide = Pooled::new(planes * h * columns.from());
        let values = gradient.as_slice().unwrap_or_default();
        columns.transposed().times_columns(level, values, wide.values());
        let mut out = Pooled::new(planes * rows.from() * columns.from());
        rows.transposed().times_rows(level, wide.values(), columns.from(), out.values());
        tensor(out, [shape[0], shape[1], rows.from(), columns.from()])
    }
}

fn tensor(values: Pooled, shape: [usize; 4]) -> FlexTensor {
    FlexTensor::new(values.into_bytes(), Layout::contiguous(Shape::from(shape)), DType::F32)
}

#[derive(Debug)]
struct ResampleBackward;

impl<B: ResampleBackend> Backward<B, 1> for ResampleBackward {
    type State = Both;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([images], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        if let Some(images) = images {
            grads.register::<B>(images.id, B::resample_planes_gradient(gradient, ops.state));
        }
    }
}

impl<B: ResampleBackend, C: CheckpointStrategy> ResampleBackend for Autodiff<B, C> {
    fn resample_planes(images: FloatTensor<Self>, both: Both) -> FloatTensor<Self> {
        let node = images.node();
        let out = B::resample_planes(images.into_primitive(), both.clone());
        match ResampleBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(both, out),
            OpsKind::UnTracked(prepared) => prepared.finish(out),
        }
    }

    fn resample_planes_gradient(
        gradient: FloatTensor<Self>,
        Both { rows, columns }: Both,
    ) -> FloatTensor<Self> {
        let transposed = |bands: &Bands| Arc::new(bands.transposed());
        Self::resample_planes(gradient, Both { rows: transposed(&rows), columns: transposed(&columns) })
    }
}

//! Products of images with a banded matrix on either side, `R X C^T`: resizing.

use std::sync::Arc;

use burn::backend::autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{DType, Device, Shape, Tensor};
use burn_flex::{FlexTensor, Layout};
use unrounded::matmul;

use crate::Bands;
use crate::raw::{Level, Pooled};
use crate::transfer::upload;

/// Both matrices, with what their gradient needs.
#[derive(Debug, Clone)]
pub struct Both {
    rows: Arc<Bands>,
    columns: Arc<Bands>,
}

/// `rows X columns^T` of every plane of images, made once for images of a size on a device.
#[derive(Debug, Clone)]
pub struct Resample {
    both: Both,
    device: Device,
    /// `[1, 1, h', h]` and `[1, 1, w', w]`, there; the CPU multiplies by the bands.
    dense: Option<[Tensor<4>; 2]>,
}

impl Resample {
    /// From `rows` `[h', h]` and `columns` `[w', w]`, which are sent to the device.
    pub fn new(rows: Bands, columns: Bands, device: &Device) -> Self {
        let dense = |bands: &Bands| upload(bands.dense(), [1, 1, bands.to(), bands.from()], device);
        let dense = (*device != Device::flex()).then(|| [dense(&rows), dense(&columns)]);
        Self { both: Both { rows: rows.into(), columns: columns.into() }, device: device.clone(), dense }
    }

    /// The device that it was made for.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Height and width of images, before and after.
    pub fn sizes(&self) -> [[usize; 2]; 2] {
        let Both { rows, columns } = &self.both;
        [[rows.from(), columns.from()], [rows.to(), columns.to()]]
    }

    /// The images resampled. Gradients flow to them where they are tracked.
    ///
    /// # Shapes
    ///
    /// `[n, c, h, w]` -> `[n, c, h', w']`
    ///
    /// # Panics
    ///
    /// Another height or width, another device.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let [_, _, h, w] = images.dims();
        assert_eq!([h, w], self.sizes()[0], "height and width of the images");
        let Some([rows, columns]) = &self.dense else {
            return Tensor::from_dispatch(Dispatch::resample_planes(
                images.into_dispatch(),
                self.both.clone(),
            ));
        };
        between(rows.clone(), images, columns.clone().swap_dims(2, 3))
    }

    /// `rows^T X columns` of every plane: the transpose of [`Self::forward`], as its gradient is.
    ///
    /// # Shapes
    ///
    /// `[n, c, h', w']` -> `[n, c, h, w]`
    ///
    /// # Panics
    ///
    /// Another height or width, another device.
    pub fn transposed(&self, gradient: Tensor<4>) -> Tensor<4> {
        let [_, _, h, w] = gradient.dims();
        assert_eq!([h, w], self.sizes()[1], "height and width of the images");
        let Some([rows, columns]) = &self.dense else {
            let gradient = gradient.into_dispatch();
            return Tensor::from_dispatch(Dispatch::resample_planes_gradient(gradient, self.both.clone()));
        };
        between(rows.clone().swap_dims(2, 3), gradient, columns.clone())
    }
}

/// `left X right`, by operations of every device.
fn between(left: Tensor<4>, images: Tensor<4>, right: Tensor<4>) -> Tensor<4> {
    let [left, right] =
        [left, right].map(|matrix| if images.is_autodiff() { matrix.autodiff() } else { matrix });
    let ([_, _, to, from], [_, _, narrow, wide]) = (left.dims(), right.dims());
    // The side that shrinks most first, or grows least, leaves the smaller intermediate images.
    let left_first = to * narrow <= from * wide;
    match left_first {
        true => matmul(matmul(left, images), right),
        false => matmul(left, matmul(images, right)),
    }
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

//! Weighted sums of pixels as one operation of the CPU's backend, forward and transposed.

use std::sync::Arc;

use burn::backend::autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::{
    AutodiffBackend, Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor,
};
use burn::tensor::{Bytes, DType, Tensor};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;

use crate::planes::CHUNK;

/// What each pixel of a plane is the sum of.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    /// Summands of each pixel.
    pub count: usize,
    /// `[h * w, count]`: which pixels.
    pub sources: Vec<i32>,
    /// `[h * w, count]`.
    pub weights: Vec<f32>,
}

/// The sums for every plane of an image on the CPU; gradients flow to the image where they are tracked.
///
/// # Shapes
/// `[1, 3, h, w]` -> `[1, 3, h, w]`
pub(super) fn gather(image: Tensor<4>, sums: &Arc<Sums>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::gather_pixels(image.into_dispatch(), sums.clone()))
}

/// The operation and its transpose.
#[backend_extension(Flex, Autodiff)]
pub trait GatherBackend: Backend {
    /// See [`gather`].
    fn gather_pixels(image: FloatTensor<Self>, sums: Arc<Sums>) -> FloatTensor<Self>;

    /// Every pixel's summands get their weight of it: `[1, 3, h, w]` -> `[1, 3, h, w]`.
    fn scatter_pixels(gradient: FloatTensor<Self>, sums: Arc<Sums>) -> FloatTensor<Self>;
}

impl GatherBackend for Flex {
    fn gather_pixels(image: FlexTensor, sums: Arc<Sums>) -> FlexTensor {
        let run = CHUNK / sums.count.max(1);
        per_plane(image, |from, to| {
            let sources =
                sums.sources.par_chunks(run * sums.count).zip(sums.weights.par_chunks(run * sums.count));
            to.par_chunks_mut(run).zip(sources).for_each(|(to, (sources, weights))| {
                let sums = sources.chunks_exact(sums.count).zip(weights.chunks_exact(sums.count));
                for (value, (sources, weights)) in to.iter_mut().zip(sums) {
                    *value =
                        sources.iter().zip(weights).map(|(&at, weight)| weight * from[at as usize]).sum();
                }
            });
        })
    }

    fn scatter_pixels(gradient: FlexTensor, sums: Arc<Sums>) -> FlexTensor {
        per_plane(gradient, |from, to| {
            let sums = sums.sources.chunks_exact(sums.count).zip(sums.weights.chunks_exact(sums.count));
            for (value, (sources, weights)) in from.iter().zip(sums) {
                sources.iter().zip(weights).for_each(|(&at, weight)| to[at as usize] += weight * value);
            }
        })
    }
}

/// Fills planes of zeros from those of an image.
fn per_plane(image: FlexTensor, fill: impl Fn(&[f32], &mut [f32]) + Sync) -> FlexTensor {
    let (image, shape) = (image.to_contiguous(), image.shape());
    let plane = shape[2] * shape[3];
    let from: &[f32] = image.as_slice().unwrap_or_default();
    let mut filled = vec![0.0; from.len()];
    filled
        .par_chunks_exact_mut(plane)
        .zip(from.par_chunks_exact(plane))
        .for_each(|(to, from)| fill(from, to));
    FlexTensor::new(Bytes::from_elems(filled), Layout::contiguous(shape), DType::F32)
}

#[derive(Debug)]
struct GatherBackward;

impl<B: GatherBackend> Backward<B, 1> for GatherBackward {
    type State = Arc<Sums>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([image], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        if let Some(image) = image {
            grads.register::<B>(image.id, B::scatter_pixels(gradient, ops.state));
        }
    }
}

impl<B: GatherBackend, C: CheckpointStrategy> GatherBackend for Autodiff<B, C> {
    fn gather_pixels(image: FloatTensor<Self>, sums: Arc<Sums>) -> FloatTensor<Self> {
        let node = image.node();
        let out = B::gather_pixels(image.into_primitive(), sums.clone());
        match GatherBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(sums, out),
            OpsKind::UnTracked(prepared) => prepared.finish(out),
        }
    }

    /// First order only: nothing differentiates a gradient here.
    fn scatter_pixels(gradient: FloatTensor<Self>, sums: Arc<Sums>) -> FloatTensor<Self> {
        Self::from_inner(B::scatter_pixels(gradient.into_primitive(), sums))
    }
}

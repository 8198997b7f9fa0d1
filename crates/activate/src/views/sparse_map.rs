//! Sparse linear map of the pixels of a plane, as one differentiable operation of the CPU's backend.

use std::sync::Arc;

use burn::{
    backend::{
        AutodiffBackend, Backend, Dispatch, Flex, TensorMetadata,
        autodiff::{
            Autodiff,
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        tensor::FloatTensor,
    },
    tensor::Tensor,
};
use burn_flex::FlexTensor;
use rayon::prelude::*;

use crate::planes::{CHUNK, tensor, values};

/// Sparse linear map of a plane: each pixel of the result is a weighted sum of `count` pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseMap {
    /// Number of summands of each pixel.
    pub count: usize,
    /// Place of each summand in the plane, `[h * w, count]`.
    pub sources: Vec<i32>,
    /// Weight of each summand, `[h * w, count]`.
    pub weights: Vec<f32>,
}

/// Maps every plane of an image on the CPU; differentiable with respect to the image.
///
/// # Shapes
/// `[1, 3, h, w]` -> `[1, 3, h, w]`
pub(super) fn apply(map: &Arc<SparseMap>, image: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::map_pixels(image.into_dispatch(), map.clone()))
}

/// Backend operations of this module.
#[backend_extension(Flex, Autodiff)]
pub trait SparseMapBackend: Backend {
    /// Maps every plane of an image, `[1, 3, h, w]` -> `[1, 3, h, w]`.
    fn map_pixels(image: FloatTensor<Self>, map: Arc<SparseMap>) -> FloatTensor<Self>;

    /// Applies the transpose of the map to every plane of a gradient, `[1, 3, h, w]` -> `[1, 3, h, w]`.
    fn map_pixels_transposed(gradient: FloatTensor<Self>, map: Arc<SparseMap>) -> FloatTensor<Self>;
}

impl SparseMapBackend for Flex {
    fn map_pixels(image: FlexTensor, map: Arc<SparseMap>) -> FlexTensor {
        let run = CHUNK / map.count.max(1);
        per_plane(image, |from, to| {
            let sources =
                map.sources.par_chunks(run * map.count).zip(map.weights.par_chunks(run * map.count));
            to.par_chunks_mut(run).zip(sources).for_each(|(to, (sources, weights))| {
                let sums = sources.chunks_exact(map.count).zip(weights.chunks_exact(map.count));
                for (value, (sources, weights)) in to.iter_mut().zip(sums) {
                    *value =
                        sources.iter().zip(weights).map(|(&at, weight)| weight * from[at as usize]).sum();
                }
            });
        })
    }

    fn map_pixels_transposed(gradient: FlexTensor, map: Arc<SparseMap>) -> FlexTensor {
        per_plane(gradient, |from, to| {
            let sums = map.sources.chunks_exact(map.count).zip(map.weights.chunks_exact(map.count));
            for (value, (sources, weights)) in from.iter().zip(sums) {
                sources.iter().zip(weights).for_each(|(&at, weight)| to[at as usize] += weight * value);
            }
        })
    }
}

/// Fills each plane of a result, initially 0, from the same plane of an image.
fn per_plane(image: FlexTensor, fill: impl Fn(&[f32], &mut [f32]) + Sync) -> FlexTensor {
    let (image, shape) = (image.to_contiguous(), image.shape());
    let plane = shape[2] * shape[3];
    let from = values(&image);
    let mut filled = vec![0.0; from.len()];
    filled
        .par_chunks_exact_mut(plane)
        .zip(from.par_chunks_exact(plane))
        .for_each(|(to, from)| fill(from, to));
    tensor(filled, shape)
}

/// Backward pass of the map.
#[derive(Debug)]
struct SparseMapBackward;

impl<B: SparseMapBackend> Backward<B, 1> for SparseMapBackward {
    type State = Arc<SparseMap>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([image], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        if let Some(image) = image {
            grads.register::<B>(image.id, B::map_pixels_transposed(gradient, ops.state));
        }
    }
}

impl<B: SparseMapBackend, C: CheckpointStrategy> SparseMapBackend for Autodiff<B, C> {
    fn map_pixels(image: FloatTensor<Self>, map: Arc<SparseMap>) -> FloatTensor<Self> {
        let node = image.node();
        let out = B::map_pixels(image.into_primitive(), map.clone());
        match SparseMapBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(map, out),
            OpsKind::UnTracked(prepared) => prepared.finish(out),
        }
    }

    /// Gradients of first order only: nothing differentiates a gradient here.
    fn map_pixels_transposed(gradient: FloatTensor<Self>, map: Arc<SparseMap>) -> FloatTensor<Self> {
        Self::from_inner(B::map_pixels_transposed(gradient.into_primitive(), map))
    }
}

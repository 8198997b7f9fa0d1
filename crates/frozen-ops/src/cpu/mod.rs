//! The operations on the CPU, on weights that are transformed and packed once.

mod conv;
mod indirection;
mod max_pool;
mod panels;
mod product;
mod relu_mask;
mod residual;
mod winograd;

pub(crate) use conv::{CpuConv, Input, OutputGradient};
pub(crate) use max_pool::MaxPool;
pub(crate) use relu_mask::{ReluMask, apply_mask};
pub(crate) use residual::{BlockMasks, CpuBlock, CpuBlocks, FeatureMaps};

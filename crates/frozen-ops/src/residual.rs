//! Residual blocks of convolutions whose weights never change.

use std::sync::Arc;

use burn::{backend::Dispatch, tensor::Tensor};

use crate::{
    Conv, Result,
    cpu::{CpuBlock, CpuBlocks},
    error::check,
    ops::FrozenBackend,
};

/// Residual block `y = relu(conv_n(.. relu(conv_1(x))) + shortcut(x))`.
#[derive(Debug, Clone)]
pub struct Block {
    /// Two convolutions or more.
    pub convs: Vec<Conv>,
    /// Convolution of the shortcut, or the identity.
    pub shortcut: Option<Conv>,
}

/// Residual blocks, one after the other: most of a ResNet.
///
/// On the CPU they are one operation, computed in place and image by image. It saves one bit for each result of a
/// convolution for the gradient, and no results.
#[derive(Debug, Clone)]
pub struct Residual {
    blocks: Vec<Block>,
    /// Blocks of the CPU's kernels, if they compute all convolutions.
    cpu: Option<Arc<CpuBlocks>>,
}

impl Residual {
    /// Chains blocks.
    ///
    /// # Errors
    /// If there are no blocks; if a block has fewer than two convolutions; if the channels of neighbours differ; if a
    /// shortcut has another stride or other channels than the convolutions beside it.
    pub fn new(blocks: Vec<Block>) -> Result<Self> {
        check("blocks", !blocks.is_empty(), "at least 1", 0)?;
        let mut from = None;
        for block in &blocks {
            from = Some(check_block(block, from)?);
        }
        let cpu = blocks.iter().map(cpu_block).collect::<Option<_>>();
        Ok(Self { blocks, cpu: cpu.map(|blocks| Arc::new(CpuBlocks(blocks))) })
    }

    /// Computes all blocks. Gradients flow to `x` if it is tracked.
    ///
    /// # Shapes
    /// `[n, h, w, from]` -> `[n, h', w', to]`, as of the convolutions
    ///
    /// # Panics
    /// On other channels, on images smaller than a window, and if the outputs of a block and of its shortcut differ
    /// in size.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.cpu {
            Some(blocks) => {
                Tensor::from_dispatch(Dispatch::residual_blocks(x.into_dispatch(), blocks.clone(), None))
            }
            None => self.blocks.iter().fold(x, |x, block| block.forward(x)),
        }
    }

    /// Number of output channels.
    pub fn out(&self) -> usize {
        self.blocks.last().and_then(|block| block.convs.last()).map_or(0, Conv::out)
    }
}

impl Block {
    /// Computes the block by separate operations.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.shortcut {
            Some(conv) => conv.forward(x.clone(), None, false),
            None => x.clone(),
        };
        let last = self.convs.len() - 1;
        let y = self.convs[..last].iter().fold(x, |x, conv| conv.forward(x, None, true));
        self.convs[last].forward(y, Some(shortcut), true)
    }
}

/// Checks a block after one of `from` channels. Returns the number of its output channels.
fn check_block(block: &Block, from: Option<usize>) -> Result<usize> {
    check("convolutions of a block", block.convs.len() > 1, "at least 2", block.convs.len())?;
    let (first, mut stride) = (block.convs[0].from(), 1);
    check("channels into a block", from.is_none_or(|from| from == first), from.unwrap_or(first), first)?;
    let mut from = first;
    for conv in &block.convs {
        check("channels into a convolution", conv.from() == from, from, conv.from())?;
        stride *= conv.window().stride;
        from = conv.out();
    }
    let shortcut = block.shortcut.as_ref();
    let shortcut = shortcut.map_or([first, first, 1], |conv| [conv.from(), conv.out(), conv.window().stride]);
    let expected = [first, from, stride];
    check(
        "channels and stride of a shortcut",
        shortcut == expected,
        format!("{expected:?}"),
        format!("{shortcut:?}"),
    )?;
    Ok(from)
}

/// Block of the CPU's kernels, or `None` if burn computes a convolution of it.
fn cpu_block(block: &Block) -> Option<CpuBlock> {
    let convs = block.convs.iter().map(Conv::on_cpu).collect::<Option<_>>()?;
    let shortcut = match &block.shortcut {
        Some(conv) => Some(conv.on_cpu()?),
        None => None,
    };
    Some(CpuBlock { convs, shortcut })
}

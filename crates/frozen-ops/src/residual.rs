use std::sync::Arc;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::chain::{HostBlock, HostChain};
use crate::conv::check;
use crate::op::FrozenBackend;
use crate::{Conv, Result};

/// `y = relu(conv_n(.. relu(conv_1(x))) + shortcut(x))`: a residual block.
#[derive(Debug, Clone)]
pub struct Block {
    /// The convolutions, at least two.
    pub convs: Vec<Conv>,
    /// The identity if not given.
    pub shortcut: Option<Conv>,
}

/// Residual blocks, one behind the other: most of a ResNet.
///
/// On the CPU they are one operation. Blocks are computed in place, image by image; their gradient keeps one bit for
/// each result of a convolution, and no results.
#[derive(Debug, Clone)]
pub struct Residual {
    blocks: Vec<Block>,
    host: Option<Arc<HostChain>>,
}

impl Residual {
    /// A chain of blocks.
    ///
    /// # Errors
    ///
    /// No blocks; fewer than two convolutions in a block; channels of neighbours that differ; a shortcut of another
    /// stride or other channels than the convolutions beside it.
    pub fn new(blocks: Vec<Block>) -> Result<Self> {
        check("blocks", !blocks.is_empty(), "at least 1", 0)?;
        let mut from = None;
        for block in &blocks {
            from = Some(check_block(block, from)?);
        }
        let host = blocks.iter().map(host_block).collect::<Option<_>>();
        Ok(Self { blocks, host: host.map(|blocks| Arc::new(HostChain(blocks))) })
    }

    /// Images through all blocks. Gradients flow to `x` where it is tracked.
    ///
    /// # Shapes
    ///
    /// `[n, h, w, from]` -> `[n, h', w', to]`, as of the convolutions
    ///
    /// # Panics
    ///
    /// Other channels; images smaller than a window, or of which a block and its shortcut make different sizes.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.host {
            Some(chain) => {
                Tensor::from_dispatch(Dispatch::frozen_chain(x.into_dispatch(), chain.clone(), None))
            }
            None => self.blocks.iter().fold(x, |x, block| block.forward(x)),
        }
    }

    /// Channels of the output.
    pub fn out(&self) -> usize {
        self.blocks.last().and_then(|block| block.convs.last()).map_or(0, Conv::out)
    }
}

impl Block {
    /// By separate operations.
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

/// The channels that come out of a block behind one of `from` channels.
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

/// `None` on other devices than the CPU.
fn host_block(block: &Block) -> Option<HostBlock> {
    let convs = block.convs.iter().map(Conv::on_host).collect::<Option<_>>()?;
    let shortcut = match &block.shortcut {
        Some(conv) => Some(conv.on_host()?),
        None => None,
    };
    Some(HostBlock { convs, shortcut })
}

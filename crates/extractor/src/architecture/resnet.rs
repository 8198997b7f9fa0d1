//! ResNet and ResNeXt of bottleneck blocks (He et al., CVPR 2016; Xie et al., CVPR 2017).

use burn::tensor::{Device, FloatDType, Tensor};
use frozen_ops::{Block, Residual, max_pool};

use super::{
    batch_norm::Folding,
    conv::{Fused, Padding, Window},
    placement::Placement,
};
use crate::checkpoint::{Checkpoint, CheckpointError, Result};

/// Tensor names that identify torchvision's and Classy Vision's checkpoints.
pub const ANCHORS: [&str; 2] = ["layer1.0.conv1.weight", "blocks.0.block0-0.convolutional_block.0.weight"];

/// Epsilon of PyTorch's batch norms.
const EPSILON: f64 = 1e-5;
const STAGES: usize = 4;
const CONVS: [&str; 3] = ["conv1", "conv2", "conv3"];

/// Renames torchvision's or Classy Vision's tensors to `conv1`, `layer{1..4}.{block}.{conv1,conv2,conv3,downsample}`
/// and, if there is a projection, `fc`, and folds batch norms.
///
/// # Errors
/// If a tensor is missing or misshapen.
pub fn convert(source: &mut Checkpoint, prefix: &str) -> Result<Checkpoint> {
    if source.contains(&format!("{prefix}{}", ANCHORS[1])) {
        return convert_classy(source, prefix);
    }
    let mut folding = Folding::new(source, EPSILON);
    folding.layer("conv1", &format!("{prefix}conv1"), &format!("{prefix}bn1"))?;
    for (theirs, ours) in
        blocks(&folding, |stage, block| format!("{prefix}layer{}.{block}", stage + 1), CONVS[0])
    {
        for number in 1..=3 {
            let conv = format!("{theirs}.conv{number}");
            folding.layer(&format!("{ours}.conv{number}"), &conv, &format!("{theirs}.bn{number}"))?;
        }
        downsample(&mut folding, &theirs, &ours)?;
    }
    let projection = format!("{prefix}fc");
    if folding.has(&projection) {
        folding.plain("fc", &projection)?;
    }
    Ok(folding.finish())
}

/// Converts SSCD's models, which were trained with Classy Vision. The trunk has no head; the projection is
/// `embeddings.1`.
fn convert_classy(source: &mut Checkpoint, prefix: &str) -> Result<Checkpoint> {
    let suffix = "embeddings.1.weight";
    let projection = source.names().find(|name| *name == suffix || name.ends_with(&format!(".{suffix}")));
    let projection = projection.and_then(|name| name.strip_suffix(".weight")).map(str::to_owned);
    let projection = projection.ok_or_else(|| CheckpointError::Missing(suffix.to_owned()))?;
    let mut folding = Folding::new(source, EPSILON);
    let stem = |i: usize| format!("{prefix}initial_block._module.{i}");
    folding.layer("conv1", &stem(0), &stem(1))?;
    let block = |stage: usize, block: usize| format!("{prefix}blocks.{stage}.block{stage}-{block}");
    for (theirs, ours) in blocks(&folding, block, "convolutional_block.0") {
        // Three times a convolution, its norm and a ReLU; the last ReLU follows the residual sum.
        for (i, conv) in CONVS.into_iter().enumerate() {
            let at = |i: usize| format!("{theirs}.convolutional_block.{i}");
            folding.layer(&format!("{ours}.{conv}"), &at(3 * i), &at(3 * i + 1))?;
        }
        downsample(&mut folding, &theirs, &ours)?;
    }
    folding.plain("fc", &projection)?;
    Ok(folding.finish())
}

/// The checkpoint's names and this crate's names of all blocks that have a layer `first`.
fn blocks(
    folding: &Folding<'_>,
    name: impl Fn(usize, usize) -> String,
    first: &str,
) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    for stage in 0..STAGES {
        let there = |block: &usize| folding.has(&format!("{}.{first}", name(stage, *block)));
        let names = (0..).take_while(there).map(|b| (name(stage, b), format!("layer{}.{b}", stage + 1)));
        blocks.extend(names);
    }
    blocks
}

fn downsample(folding: &mut Folding<'_>, theirs: &str, ours: &str) -> Result<()> {
    let [conv, norm] = [0, 1].map(|i| format!("{theirs}.downsample.{i}"));
    if folding.has(&conv) { folding.layer(&format!("{ours}.downsample"), &conv, &norm) } else { Ok(()) }
}

fn window(size: usize, stride: usize) -> Window {
    Window { size, stride, padding: Padding::Half }
}

/// Convolutions of 1x1, 3x3 and 1x1 with a shortcut around them. The 3x3 one has the stride ('v1.5') and, in ResNeXt,
/// groups.
#[derive(Debug, Clone)]
struct Bottleneck {
    conv1: Fused,
    conv2: Fused,
    conv3: Fused,
    downsample: Option<Fused>,
}

impl Bottleneck {
    fn load(c: &Checkpoint, name: &str, from: usize, stride: usize, placement: &Placement) -> Result<Self> {
        let conv =
            |part: &str, from, window| Fused::load(c, &format!("{name}.{part}"), from, window, placement);
        let conv1 = conv("conv1", from, window(1, 1))?;
        let conv2 = conv("conv2", conv1.out(), window(3, stride))?;
        let conv3 = conv("conv3", conv2.out(), window(1, 1))?;
        let projects = c.contains(&format!("{name}.downsample.weight"));
        let downsample = projects.then(|| conv("downsample", from, window(1, stride))).transpose()?;
        let shortcut = downsample.as_ref().map_or((from, 1), |conv| (conv.out(), stride));
        if shortcut != (conv3.out(), stride) {
            let reason = format!("the shortcut of `{name}` does not fit its convolutions");
            return Err(CheckpointError::Network(reason));
        }
        Ok(Self { conv1, conv2, conv3, downsample })
    }

    /// The convolutions of `frozen-ops`; `None` if one has groups.
    fn frozen(&self) -> Option<Block> {
        let convs = [&self.conv1, &self.conv2, &self.conv3].into_iter().map(Fused::frozen);
        let shortcut = match &self.downsample {
            Some(conv) => Some(conv.frozen()?),
            None => None,
        };
        Some(Block { convs: convs.collect::<Option<_>>()?, shortcut })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.downsample {
            Some(conv) => conv.forward(x.clone(), None, false),
            None => x.clone(),
        };
        let y = self.conv1.forward(x, None, true);
        let y = self.conv2.forward(y, None, true);
        self.conv3.forward(y, Some(shortcut), true)
    }
}

/// The frozen convolutional trunk of a ResNet or ResNeXt, with batch norms folded in.
#[derive(Debug, Clone)]
pub struct ResNet {
    stem: Fused,
    blocks: Blocks,
    /// Number of channels of the feature maps.
    channels: usize,
}

/// The blocks of all stages.
#[derive(Debug, Clone)]
enum Blocks {
    /// Fused, in `frozen-ops`.
    Chain(Residual),
    /// One after the other, because some of their convolutions have groups.
    Each(Vec<Bottleneck>),
}

impl Blocks {
    fn new(blocks: Vec<Bottleneck>) -> Result<Self> {
        match blocks.iter().map(Bottleneck::frozen).collect() {
            Some(frozen) => Residual::new(frozen)
                .map(Self::Chain)
                .map_err(|e| CheckpointError::Network(format!("residual blocks: {e}"))),
            None => Ok(Self::Each(blocks)),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Chain(chain) => chain.forward(x),
            Self::Each(blocks) => blocks.iter().fold(x, |x, block| block.forward(x)),
        }
    }
}

impl ResNet {
    /// Builds the trunk from a checkpoint that [`convert`] returned.
    ///
    /// # Errors
    /// If a tensor is missing or misshapen.
    pub fn load(checkpoint: &Checkpoint, placement: &Placement) -> Result<Self> {
        let stem = Fused::load(checkpoint, "conv1", 3, window(7, 2), placement)?;
        let mut blocks = Vec::new();
        let mut from = stem.out();
        for stage in 0..STAGES {
            let there = |name: &String| checkpoint.contains(&format!("{name}.conv1.weight"));
            let further = (1..).map(|block| format!("layer{}.{block}", stage + 1)).take_while(there);
            // Every stage has a first block.
            for (block, name) in [format!("layer{}.0", stage + 1)].into_iter().chain(further).enumerate() {
                let stride = if block == 0 && stage > 0 { 2 } else { 1 };
                let block = Bottleneck::load(checkpoint, &name, from, stride, placement)?;
                from = block.conv3.out();
                blocks.push(block);
            }
        }
        Ok(Self { stem, blocks: Blocks::new(blocks)?, channels: from })
    }

    /// Feature maps of normalised images.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` -> `[n, c, ceil(h / 32), ceil(w / 32)]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.stem.forward(x.permute([0, 2, 3, 1]), None, true);
        let x = max_pool(x, frozen_ops::Window { size: 3, stride: 2, padding: 1 });
        self.blocks.forward(x).cast(FloatDType::F32).permute([0, 3, 1, 2])
    }

    /// Number of channels of the feature maps: 2048 in the published models.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        self.stem.device()
    }
}

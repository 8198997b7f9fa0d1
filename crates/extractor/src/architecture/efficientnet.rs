//! EfficientNetV2 (Tan and Le, ICML 2021) as timm's `tf_efficientnetv2_*` computes it, with TensorFlow's padding and
//! without the last 1x1 convolution.

use burn::tensor::{
    Device, Tensor,
    activation::{sigmoid, silu},
};

use super::{
    batch_norm::Folding,
    conv::{Conv, Padding, Window},
};
use crate::checkpoint::{Checkpoint, CheckpointError, Result};

/// Tensor name that identifies timm's checkpoints.
pub const ANCHORS: [&str; 1] = ["conv_stem.weight"];

/// Epsilon of the batch norms of models converted from TensorFlow.
const EPSILON: f64 = 1e-3;
/// Stride of each stage's first block, in the V2-S (six stages), V2-M and V2-L.
const STRIDES: [usize; 7] = [1, 2, 2, 2, 1, 2, 1];

/// timm's name of a layer in a block, of the batch norm after it, and the layer's name in this crate. Each kind of
/// block has some of them.
const LAYERS: [(&str, &str, &str); 4] = [
    ("conv", "bn1", "conv"),
    ("conv_exp", "bn1", "expand"),
    ("conv_pw", "bn1", "expand"),
    ("conv_dw", "bn2", "depthwise"),
];

/// Renames timm's tensors to `stem`, `blocks.{stage}.{block}.{conv,expand,depthwise,reduce,gate,project}` and `fc`, and
/// folds batch norms. ISC-dt1 stores `fc` and its norm `bn` outside the trunk.
///
/// # Errors
/// If a tensor is missing or misshapen.
pub fn convert(source: &mut Checkpoint, prefix: &str) -> Result<Checkpoint> {
    let mut folding = Folding::new(source, EPSILON);
    folding.layer("stem", &format!("{prefix}conv_stem"), &format!("{prefix}bn1"))?;
    for stage in 0..STRIDES.len() {
        for block in 0.. {
            let (theirs, ours) =
                (format!("{prefix}blocks.{stage}.{block}"), format!("blocks.{stage}.{block}"));
            if !convert_block(&mut folding, &theirs, &ours)? {
                break;
            }
        }
    }
    let converted = folding.finish();
    let root = prefix.strip_suffix("backbone.").unwrap_or(prefix);
    convert_projection(source, root, converted)
}

/// Converts one block; returns false if the checkpoint does not have it.
fn convert_block(folding: &mut Folding<'_>, theirs: &str, ours: &str) -> Result<bool> {
    let is_depthwise = folding.has(&format!("{theirs}.conv_dw"));
    let mut found = false;
    for (layer, norm, name) in LAYERS {
        if folding.has(&format!("{theirs}.{layer}")) {
            folding.layer(
                &format!("{ours}.{name}"),
                &format!("{theirs}.{layer}"),
                &format!("{theirs}.{norm}"),
            )?;
            found = true;
        }
    }
    for (layer, name) in [("se.conv_reduce", "reduce"), ("se.conv_expand", "gate")] {
        if folding.has(&format!("{theirs}.{layer}")) {
            folding.plain(&format!("{ours}.{name}"), &format!("{theirs}.{layer}"))?;
        }
    }
    if folding.has(&format!("{theirs}.conv_pwl")) {
        let norm = if is_depthwise { "bn3" } else { "bn2" };
        let layer = format!("{theirs}.conv_pwl");
        folding.layer(&format!("{ours}.project"), &layer, &format!("{theirs}.{norm}"))?;
    }
    Ok(found)
}

/// Converts the linear layer without bias and the batch norm after it, whose epsilon is PyTorch's default.
fn convert_projection(source: &mut Checkpoint, root: &str, trunk: Checkpoint) -> Result<Checkpoint> {
    let mut folding = Folding::continuing(source, trunk, 1e-5);
    folding.layer("fc", &format!("{root}fc"), &format!("{root}bn"))?;
    Ok(folding.finish())
}

/// One block: a plain convolution, a fused or a depthwise inverted bottleneck.
#[derive(Debug, Clone)]
struct Block {
    /// Convolutions with a SiLU after each, in order.
    active: Vec<Conv>,
    gate: Option<Gate>,
    /// The last convolution, without activation; `None` in a plain block.
    project: Option<Conv>,
    has_shortcut: bool,
}

impl Block {
    /// Loads a block; `None` if the checkpoint does not have it.
    fn load(c: &Checkpoint, name: &str, from: usize, stride: usize, device: &Device) -> Result<Option<Self>> {
        let has = |part: &str| c.contains(&format!("{name}.{part}.weight"));
        let conv = |part: &str, from, size, stride| {
            let window = Window { size, stride, padding: Padding::Same };
            Conv::load(c, &format!("{name}.{part}"), from, window, device)
        };
        let active = match (has("conv"), has("expand"), has("depthwise")) {
            (true, ..) => vec![conv("conv", from, 3, stride)?],
            (_, true, false) => vec![conv("expand", from, 3, stride)?],
            (_, true, true) => {
                let expand = conv("expand", from, 1, 1)?;
                let depthwise = conv("depthwise", expand.out(), 3, stride)?;
                vec![expand, depthwise]
            }
            (false, false, _) => return Ok(None),
        };
        let width = active.last().map_or(from, Conv::out);
        let gate = has("reduce").then(|| Gate::load(c, name, width, device)).transpose()?;
        let project = has("project").then(|| conv("project", width, 1, 1)).transpose()?;
        let has_shortcut = stride == 1 && project.as_ref().map_or(width, Conv::out) == from;
        Ok(Some(Self { active, gate, project, has_shortcut }))
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.active.iter().fold(x.clone(), |y, conv| silu(conv.forward(y)));
        let y = self.gate.iter().fold(y, |y, gate| gate.forward(y));
        let y = self.project.iter().fold(y, |y, conv| conv.forward(y));
        if self.has_shortcut { y + x } else { y }
    }

    fn out(&self) -> usize {
        self.project.iter().chain(self.active.last()).next().map_or(0, Conv::out)
    }
}

/// Squeeze and excitation (Hu et al., CVPR 2018): scales each channel by a gate computed from the means of all.
#[derive(Debug, Clone)]
struct Gate {
    reduce: Conv,
    expand: Conv,
}

impl Gate {
    fn load(c: &Checkpoint, name: &str, width: usize, device: &Device) -> Result<Self> {
        let window = Window { size: 1, stride: 1, padding: Padding::None };
        let reduce = Conv::load(c, &format!("{name}.reduce"), width, window, device)?;
        let expand = Conv::load(c, &format!("{name}.gate"), reduce.out(), window, device)?;
        if expand.out() != width {
            let reason = format!("`{name}.gate` has {} channels, expected {width}", expand.out());
            return Err(CheckpointError::Network(reason));
        }
        Ok(Self { reduce, expand })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let means = x.clone().mean_dim(2).mean_dim(3);
        x * sigmoid(self.expand.forward(silu(self.reduce.forward(means))))
    }
}

/// The frozen trunk, with batch norms folded in.
#[derive(Debug, Clone)]
pub struct EfficientNet {
    stem: Conv,
    blocks: Vec<Block>,
}

impl EfficientNet {
    /// Builds the trunk from a checkpoint that [`convert`] returned.
    ///
    /// # Errors
    /// If a tensor is missing or misshapen.
    pub fn load(checkpoint: &Checkpoint, device: &Device) -> Result<Self> {
        let window = Window { size: 3, stride: 2, padding: Padding::Same };
        let stem = Conv::load(checkpoint, "stem", 3, window, device)?;
        let mut blocks: Vec<Block> = Vec::new();
        let mut from = stem.out();
        for (stage, &stride) in STRIDES.iter().enumerate() {
            for number in 0.. {
                let name = format!("blocks.{stage}.{number}");
                let stride = if number == 0 { stride } else { 1 };
                let Some(block) = Block::load(checkpoint, &name, from, stride, device)? else { break };
                from = block.out();
                blocks.push(block);
            }
        }
        Ok(Self { stem, blocks })
    }

    /// Feature maps of normalised images.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` -> `[n, c, ceil(h / 32), ceil(w / 32)]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = silu(self.stem.forward(x));
        self.blocks.iter().fold(x, |x, block| block.forward(x))
    }

    /// Number of channels of the feature maps: 512 in ISC-dt1.
    pub fn channels(&self) -> usize {
        self.blocks.last().map_or(self.stem.out(), Block::out)
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        self.stem.device()
    }
}

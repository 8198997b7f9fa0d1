use burn::tensor::{Device, Tensor};
use frozen_ops::{Conv, Window, max_pool};

use crate::weights::{Checkpoint, CheckpointError};

/// Bottlenecks in each of the four stages.
const STAGES: [usize; 4] = [3, 4, 6, 3];
/// Width of the first stage's 1x1 and 3x3 convolutions; it doubles from stage to stage.
const WIDTH: usize = 64;
/// Output channels of a bottleneck, in multiples of its width.
const EXPANSION: usize = 4;

type Loaded<T> = Result<T, CheckpointError>;

/// The convolution `name`, its batch norm folded in: weight `[out, in, k, k]`, bias `[out]`, padding `k / 2`.
fn load_conv(
    checkpoint: &Checkpoint,
    name: &str,
    shape: [usize; 4],
    stride: usize,
    device: &Device,
) -> Loaded<Conv> {
    let weight = checkpoint.tensor(&format!("{name}.weight"), shape, device)?;
    let bias = checkpoint.tensor(&format!("{name}.bias"), [shape[0]], device)?;
    let window = Window { size: shape[2], stride, padding: shape[2] / 2 };
    Conv::new(weight, bias, window).map_err(|error| CheckpointError::Convolution(name.to_owned(), error))
}

/// 1x1, 3x3, 1x1 convolutions around a shortcut; the stride is on the 3x3 ('v1.5').
#[derive(Debug, Clone)]
struct Bottleneck {
    conv1: Conv,
    conv2: Conv,
    conv3: Conv,
    downsample: Option<Conv>,
}

impl Bottleneck {
    fn load(
        c: &Checkpoint,
        name: &str,
        from: usize,
        width: usize,
        stride: usize,
        device: &Device,
    ) -> Loaded<Self> {
        let out = EXPANSION * width;
        let conv = |part: &str, shape, stride| load_conv(c, &format!("{name}.{part}"), shape, stride, device);
        let projects = stride != 1 || from != out;
        Ok(Self {
            conv1: conv("conv1", [width, from, 1, 1], 1)?,
            conv2: conv("conv2", [width, width, 3, 3], stride)?,
            conv3: conv("conv3", [out, width, 1, 1], 1)?,
            downsample: projects.then(|| conv("downsample", [out, from, 1, 1], stride)).transpose()?,
        })
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

/// The convolutional trunk of ResNet-50, frozen, batch norm folded.
#[derive(Debug, Clone)]
pub struct ResNet50 {
    stem: Conv,
    blocks: Vec<Bottleneck>,
}

impl ResNet50 {
    /// Channels of the output.
    pub const CHANNELS: usize = (WIDTH * EXPANSION) << (STAGES.len() - 1);

    /// Builds the trunk from `conv1`, `layer{1..4}.{block}.{conv1,conv2,conv3,downsample}` of a checkpoint.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape.
    pub fn load(checkpoint: &Checkpoint, device: &Device) -> Result<Self, CheckpointError> {
        let stem = load_conv(checkpoint, "conv1", [WIDTH, 3, 7, 7], 2, device)?;
        let mut blocks = Vec::new();
        let mut from = WIDTH;
        for (stage, &count) in STAGES.iter().enumerate() {
            let width = WIDTH << stage;
            for block in 0..count {
                let stride = if block == 0 && stage > 0 { 2 } else { 1 };
                let name = format!("layer{}.{block}", stage + 1);
                blocks.push(Bottleneck::load(checkpoint, &name, from, width, stride, device)?);
                from = EXPANSION * width;
            }
        }
        Ok(Self { stem, blocks })
    }

    /// Feature maps of normalised images.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` -> `[n, ceil(h / 32), ceil(w / 32), 2048]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.stem.forward(x.permute([0, 2, 3, 1]), None, true);
        let x = max_pool(x, Window { size: 3, stride: 2, padding: 1 });
        self.blocks.iter().fold(x, |x, block| block.forward(x))
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        self.stem.device()
    }
}

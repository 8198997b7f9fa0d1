use burn::tensor::{
    Device, Tensor,
    activation::relu,
    module::{conv2d, max_pool2d},
    ops::{ConvOptions, MaxPoolOptions},
};

use crate::{
    constant::beside,
    weights::{Checkpoint, CheckpointError},
};

/// Bottlenecks in each of the four stages.
const STAGES: [usize; 4] = [3, 4, 6, 3];
/// Width of the first stage's 1x1 and 3x3 convolutions; it doubles from stage to stage.
const WIDTH: usize = 64;
/// Output channels of a bottleneck, in multiples of its width.
const EXPANSION: usize = 4;

/// A convolution with its batch norm folded in: weight `[out, in, k, k]`, bias `[out]`, padding `k / 2`.
#[derive(Debug, Clone)]
struct Conv {
    weight: Tensor<4>,
    bias: Tensor<1>,
    stride: usize,
}

impl Conv {
    fn load(
        checkpoint: &Checkpoint,
        name: &str,
        shape: [usize; 4],
        stride: usize,
        device: &Device,
    ) -> Loaded<Self> {
        Ok(Self {
            weight: checkpoint.tensor(&format!("{name}.weight"), shape, device)?,
            bias: checkpoint.tensor(&format!("{name}.bias"), [shape[0]], device)?,
            stride,
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, k, _] = self.weight.dims();
        let (weight, bias) = (beside(&self.weight, &x), beside(&self.bias, &x));
        let options = ConvOptions::new([self.stride; 2], [k / 2; 2], [1, 1], 1);
        conv2d(x, weight, Some(bias), options)
    }
}

type Loaded<T> = Result<T, CheckpointError>;

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
        let conv =
            |part: &str, shape, stride| Conv::load(c, &format!("{name}.{part}"), shape, stride, device);
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
            Some(conv) => conv.forward(x.clone()),
            None => x.clone(),
        };
        let y = relu(self.conv1.forward(x));
        let y = relu(self.conv2.forward(y));
        relu(self.conv3.forward(y) + shortcut)
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
        let stem = Conv::load(checkpoint, "conv1", [WIDTH, 3, 7, 7], 2, device)?;
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
    /// `[n, 3, h, w]` -> `[n, 2048, ceil(h / 32), ceil(w / 32)]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = relu(self.stem.forward(x));
        let x = max_pool2d(x, MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]));
        self.blocks.iter().fold(x, |x, block| block.forward(x))
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        self.stem.bias.device()
    }
}

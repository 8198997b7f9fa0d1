//! Vision transformer (Dosovitskiy et al., ICLR 2021) as DINO (Caron et al., ICCV 2021) uses it: the class token after
//! the last norm is the descriptor, and position embeddings are interpolated for other image sizes.

use burn::tensor::{
    Device, Tensor, TensorData,
    activation::{gelu, softmax},
    ops::ConvOptions,
};
use device_math::{
    constants::lifted,
    exact_products::{Filter, matmul},
};

use super::batch_norm::Folding;
use crate::checkpoint::{Checkpoint, CheckpointError, Result};

/// Tensor name that identifies timm's and DINO's checkpoints.
pub const ANCHORS: [&str; 1] = ["patch_embed.proj.weight"];

/// Epsilon of the layer norms.
const EPSILON: f64 = 1e-6;
/// Channels of an attention head in all published models.
const HEAD: usize = 64;
/// Offset that DINO adds to the number of patches before it computes the scale of interpolation.
const NUDGE: f64 = 0.1;

/// Renames timm's and DINO's tensors to `class`, `positions`, `patches`,
/// `blocks.{block}.{norm1,qkv,attention,norm2,widen,narrow}` and `norm`.
///
/// # Errors
/// If a tensor is missing.
pub fn convert(source: &mut Checkpoint, prefix: &str) -> Result<Checkpoint> {
    let there = |block: &usize| source.contains(&format!("{prefix}blocks.{block}.norm1.weight"));
    let depth = (0..).take_while(there).count();
    let mut folding = Folding::new(source, EPSILON);
    folding.tensor("class", &format!("{prefix}cls_token"))?;
    folding.tensor("positions", &format!("{prefix}pos_embed"))?;
    folding.plain("patches", &format!("{prefix}patch_embed.proj"))?;
    let names = [
        ("norm1", "norm1"),
        ("qkv", "attn.qkv"),
        ("attention", "attn.proj"),
        ("norm2", "norm2"),
        ("widen", "mlp.fc1"),
        ("narrow", "mlp.fc2"),
    ];
    for block in 0..depth {
        for (ours, theirs) in names {
            folding.plain(&format!("blocks.{block}.{ours}"), &format!("{prefix}blocks.{block}.{theirs}"))?;
        }
    }
    folding.plain("norm", &format!("{prefix}norm"))?;
    Ok(folding.finish())
}

/// Number of attention heads of the published models: one for every 64 channels.
///
/// # Errors
/// If the number of channels is not a multiple of 64.
pub fn usual_heads(converted: &Checkpoint) -> Result<usize> {
    let [channels] = converted.shape("norm.weight")?;
    if channels == 0 || channels % HEAD != 0 {
        return Err(CheckpointError::Network(format!(
            "{channels} channels are not a multiple of {HEAD}: give the number of attention heads"
        )));
    }
    Ok(channels / HEAD)
}

/// A linear layer: weight `[in, out]`, bias `[1, out]`.
#[derive(Debug, Clone)]
struct Linear {
    weight: Tensor<2>,
    bias: Tensor<2>,
}

impl Linear {
    fn load(c: &Checkpoint, name: &str, [from, to]: [usize; 2], device: &Device) -> Result<Self> {
        let weight: Tensor<2> = c.tensor(&format!("{name}.weight"), [to, from], device)?;
        let bias: Tensor<1> = c.tensor(&format!("{name}.bias"), [to], device)?;
        Ok(Self { weight: weight.transpose(), bias: bias.unsqueeze() })
    }

    /// # Shapes
    /// `[n, t, in]` -> `[n, t, out]`
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [n, tokens, from] = x.dims();
        let (weight, bias) = (lifted(&self.weight, &x), lifted(&self.bias, &x));
        let y = matmul(x.reshape([n * tokens, from]), weight) + bias;
        let [_, to] = y.dims();
        y.reshape([n, tokens, to])
    }
}

/// A layer norm over channels: weight and bias `[1, 1, d]`.
#[derive(Debug, Clone)]
struct LayerNorm {
    weight: Tensor<3>,
    bias: Tensor<3>,
}

impl LayerNorm {
    fn load(c: &Checkpoint, name: &str, channels: usize, device: &Device) -> Result<Self> {
        let part = |part: &str| -> Result<Tensor<3>> {
            Ok(c.tensor::<1>(&format!("{name}.{part}"), [channels], device)?.unsqueeze())
        };
        Ok(Self { weight: part("weight")?, bias: part("bias")? })
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let centred = x.clone() - x.mean_dim(2);
        let deviation = (centred.clone().powi_scalar(2).mean_dim(2) + EPSILON).sqrt();
        let (weight, bias) = (lifted(&self.weight, &centred), lifted(&self.bias, &centred));
        centred / deviation * weight + bias
    }
}

/// Attention and perceptron, each after a layer norm and with a shortcut around both.
#[derive(Debug, Clone)]
struct Block {
    norm1: LayerNorm,
    qkv: Linear,
    attention: Linear,
    norm2: LayerNorm,
    widen: Linear,
    narrow: Linear,
    heads: usize,
}

impl Block {
    fn load(c: &Checkpoint, name: &str, channels: usize, heads: usize, device: &Device) -> Result<Self> {
        let linear = |part: &str, shape| Linear::load(c, &format!("{name}.{part}"), shape, device);
        let norm = |part: &str| LayerNorm::load(c, &format!("{name}.{part}"), channels, device);
        let [width, _] = c.shape::<2>(&format!("{name}.widen.weight"))?;
        Ok(Self {
            norm1: norm("norm1")?,
            qkv: linear("qkv", [channels, 3 * channels])?,
            attention: linear("attention", [channels, channels])?,
            norm2: norm("norm2")?,
            widen: linear("widen", [channels, width])?,
            narrow: linear("narrow", [width, channels])?,
            heads,
        })
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.attend(self.norm1.forward(x));
        let y = gelu(self.widen.forward(self.norm2.forward(x.clone())));
        x + self.narrow.forward(y)
    }

    /// # Shapes
    /// `[n, t, d]` -> `[n, t, d]`
    fn attend(&self, x: Tensor<3>) -> Tensor<3> {
        let [n, tokens, channels] = x.dims();
        let head = channels / self.heads;
        let qkv = self.qkv.forward(x);
        let part = |i: usize| -> Tensor<4> {
            let part = qkv.clone().narrow(2, i * channels, channels);
            part.reshape([n, tokens, self.heads, head]).swap_dims(1, 2)
        };
        let scores = matmul(part(0), part(1).swap_dims(2, 3)) * (head as f64).powf(-0.5);
        let mixed = matmul(softmax(scores, 3), part(2));
        self.attention.forward(mixed.swap_dims(1, 2).reshape([n, tokens, channels]))
    }
}

/// The frozen transformer.
#[derive(Debug, Clone)]
pub struct Vit {
    /// Weight `[d, 3, p, p]` and bias `[d]` of the patch embedding.
    patches: (Filter, Tensor<1>),
    /// Class token plus its position embedding, `[1, 1, d]`.
    class: Tensor<3>,
    /// Position embeddings of the training size, `[side, side * d]`.
    positions: Tensor<2>,
    blocks: Vec<Block>,
    norm: LayerNorm,
}

impl Vit {
    /// Builds the transformer from a checkpoint that [`convert`] returned.
    ///
    /// # Errors
    /// If a tensor is missing or misshapen, or the number of heads is missing or does not divide the channels.
    pub fn load(c: &Checkpoint, heads: Option<usize>, device: &Device) -> Result<Self> {
        let [channels, colours, patch, width] = c.shape("patches.weight")?;
        let refused = |reason: String| Err(CheckpointError::Network(reason));
        if colours != 3 || patch != width || patch == 0 {
            let shape = [channels, colours, patch, width];
            return refused(format!("tensor `patches.weight` has shape {shape:?}, expected [d, 3, p, p]"));
        }
        let heads = match heads {
            Some(heads) if heads > 0 && channels > 0 && channels % heads == 0 => heads,
            other => return refused(format!("{channels} channels over {other:?} heads")),
        };
        let (class, positions) = positions(c, channels, device)?;
        let there = |block: &usize| c.contains(&format!("blocks.{block}.norm1.weight"));
        let load = |block| Block::load(c, &format!("blocks.{block}"), channels, heads, device);
        Ok(Self {
            patches: (
                Filter::new(c.tensor("patches.weight", [channels, 3, patch, patch], device)?),
                c.tensor("patches.bias", [channels], device)?,
            ),
            class,
            positions,
            blocks: (0..).take_while(there).map(load).collect::<Result<_>>()?,
            norm: LayerNorm::load(c, "norm", channels, device)?,
        })
    }

    /// The class token after the last norm. Rows and columns at the lower and right border that do not fill a patch are
    /// ignored.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` -> `[n, d]`
    ///
    /// # Panics
    /// If the image is smaller than a patch.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let n = x.dims()[0];
        let patches = self.embed(x);
        let [_, channels, h, w] = patches.dims();
        let tokens: Tensor<3> = patches.flatten::<3>(2, 3).swap_dims(1, 2);
        let tokens = tokens.clone() + lifted(&self.positions_for([h, w]), &tokens);
        let class = lifted(&self.class, &tokens).expand([n, 1, channels]);
        let x = Tensor::cat(vec![class, tokens], 1);
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        self.norm.forward(x.narrow(1, 0, 1)).squeeze_dim(1)
    }

    /// The embeddings of all patches.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` -> `[n, d, h / p, w / p]`
    fn embed(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, patch, _] = self.patches.0.dims();
        self.patches.0.conv2d(x, &self.patches.1, ConvOptions::new([patch; 2], [0; 2], [1; 2], 1))
    }

    /// Position embeddings of `h` x `w` patches, `[1, h * w, d]`. At the training size they are the trained ones; at
    /// other sizes they are interpolated bicubically, as DINO does.
    fn positions_for(&self, [h, w]: [usize; 2]) -> Tensor<3> {
        let channels = self.channels();
        let device = self.positions.device();
        let [side, _] = self.positions.dims();
        let grid = match [h, w] == [side, side] {
            true => self.positions.clone().reshape([side * side, channels]),
            false => {
                let rows = matmul(bicubic(side, h, &device), self.positions.clone());
                let columns_first = rows.reshape([h, side, channels]).swap_dims(0, 1);
                let columns = matmul(bicubic(side, w, &device), columns_first.reshape([side, h * channels]));
                columns.reshape([w, h, channels]).swap_dims(0, 1).reshape([h * w, channels])
            }
        };
        grid.unsqueeze()
    }

    /// Length of the class token: 384 in ViT-S.
    pub fn channels(&self) -> usize {
        self.patches.1.dims()[0]
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        self.patches.1.device()
    }
}

/// The class token `[1, 1, d]` plus its position embedding, and the position embeddings of the patches
/// `[side, side * d]`.
fn positions(c: &Checkpoint, channels: usize, device: &Device) -> Result<(Tensor<3>, Tensor<2>)> {
    let [_, tokens, _] = c.shape::<3>("positions")?;
    let side = tokens.saturating_sub(1).isqrt();
    if side == 0 || side * side + 1 != tokens {
        let reason = format!("{tokens} positions, expected 1 more than a square number");
        return Err(CheckpointError::Network(reason));
    }
    let all: Tensor<3> = c.tensor("positions", [1, tokens, channels], device)?;
    let class: Tensor<3> = c.tensor("class", [1, 1, channels], device)?;
    let patches = all.clone().narrow(1, 1, side * side).reshape([side, side * channels]);
    Ok((class + all.narrow(1, 0, 1), patches))
}

/// Weights `[to, from]` of PyTorch's bicubic interpolation (Keys, a = -0.75, borders repeated) at DINO's scale,
/// `(to + 0.1) / from`.
fn bicubic(from: usize, to: usize, device: &Device) -> Tensor<2> {
    let scale = from as f64 / (to as f64 + NUDGE);
    let mut weights = vec![0_f32; to * from];
    for (i, row) in weights.chunks_exact_mut(from).enumerate() {
        let centre = (i as f64 + 0.5) * scale - 0.5;
        let first = centre.floor() as isize - 1;
        for tap in first..first + 4 {
            row[tap.clamp(0, from as isize - 1) as usize] += keys(centre - tap as f64) as f32;
        }
    }
    Tensor::from_data(TensorData::new(weights, [to, from]), device)
}

/// Keys' cubic convolution kernel (1981) with a = -0.75.
fn keys(x: f64) -> f64 {
    const A: f64 = -0.75;
    let x = x.abs();
    if x <= 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        A * (((x - 5.0) * x + 8.0) * x - 4.0)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolated_positions_are_means_of_the_trained_ones() {
        let device = Device::flex();
        for (from, to) in [(14, 18), (14, 7), (3, 40), (1, 5)] {
            let sums = bicubic(from, to, &device).sum_dim(1).into_data().try_to_vec::<f32>().unwrap();
            assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5), "{from} -> {to}");
        }
    }

    #[test]
    fn the_kernel_interpolates() {
        assert_eq!([keys(0.0), keys(1.0), keys(-2.0)], [1.0, 0.0, 0.0]);
        assert!((keys(0.5) - 0.59375).abs() < 1e-12);
    }
}

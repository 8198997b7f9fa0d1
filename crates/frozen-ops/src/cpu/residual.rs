//! Residual blocks on the CPU, image by image: the next layer finds the output of the last one in the cache.

use std::sync::Arc;

use simd::Level;

use super::{
    conv::{CpuConv, Input, OutputGradient},
    relu_mask::{ReluMask, apply_mask},
};
use crate::{
    buffer_pool::PooledBuffer,
    threads::{SharedSlice, Team},
    window::Plane,
};

/// Residual block `y = relu(conv_n(.. relu(conv_1(x))) + shortcut(x))`.
#[derive(Debug, Clone)]
pub(crate) struct CpuBlock {
    /// Two convolutions or more.
    pub convs: Vec<Arc<CpuConv>>,
    /// Convolution of the shortcut, or the identity.
    pub shortcut: Option<Arc<CpuConv>>,
}

/// Residual blocks, one after the other.
#[derive(Debug)]
pub(crate) struct CpuBlocks(pub Vec<CpuBlock>);

/// Masks of one image: of the results of every convolution, in order.
pub(crate) type BlockMasks = Vec<ReluMask>;

/// Images or their gradients, `[n, h, w, c]`.
pub(crate) struct FeatureMaps<'a> {
    pub plane: Plane,
    pub values: &'a [f32],
}

/// One image between two layers, `[h, w, channels]`.
struct FeatureMap {
    plane: Plane,
    channels: usize,
    buffer: PooledBuffer,
}

impl FeatureMap {
    /// Returns an image of arbitrary values.
    fn new(plane: Plane, channels: usize) -> Self {
        Self { plane, channels, buffer: PooledBuffer::new(plane.pixels() * channels) }
    }

    fn copied(plane: Plane, values: &[f32]) -> Self {
        let mut map = Self::new(plane, values.len() / plane.pixels());
        map.buffer.values().copy_from_slice(values);
        map
    }
}

impl CpuBlocks {
    /// Number of input channels.
    pub fn from(&self) -> usize {
        self.0[0].convs[0].from
    }

    /// Number of output channels.
    pub fn to(&self) -> usize {
        self.0[self.0.len() - 1].to()
    }

    /// Size of the output, or `None` for images smaller than a window.
    pub fn output(&self, input: Plane) -> Option<Plane> {
        let convs = self.0.iter().flat_map(|block| &block.convs);
        convs.into_iter().try_fold(input, |plane, conv| conv.window.output(plane))
    }

    /// Computes all blocks into `out`. Returns the masks that the gradient needs if `save_masks` is set, and empty
    /// ones otherwise.
    pub fn forward(
        &self,
        level: Level,
        images: &FeatureMaps<'_>,
        out: &mut [f32],
        save_masks: bool,
    ) -> Vec<BlockMasks> {
        let (plane, n) = (Plane { n: 1, ..images.plane }, images.plane.n);
        let (size, result) = (images.values.len() / n.max(1), out.len() / n.max(1));
        let out = SharedSlice::new(out);
        for_each_image(level, n, |team, image| {
            let mut map = FeatureMap::copied(plane, &images.values[image * size..][..size]);
            let mut masks = Vec::new();
            for block in &self.0 {
                map = block.forward(team, map, save_masks.then_some(&mut masks));
            }
            // SAFETY: every image has its own part.
            unsafe { out.part(image * result, result) }.copy_from_slice(map.buffer.values());
            masks
        })
    }

    /// Computes the gradient of images of size `input` from that of the output, into `out`.
    pub fn input_gradient(
        &self,
        level: Level,
        gradient: &FeatureMaps<'_>,
        masks: &[BlockMasks],
        input: Plane,
        out: &mut [f32],
    ) {
        let (plane, n) = (Plane { n: 1, ..gradient.plane }, gradient.plane.n);
        let (size, result) = (gradient.values.len() / n.max(1), out.len() / n.max(1));
        let planes = self.planes(Plane { n: 1, ..input });
        let out = SharedSlice::new(out);
        for_each_image(level, n, |team, image| {
            let mut masks = masks[image].iter().rev();
            let mut map = FeatureMap::copied(plane, &gradient.values[image * size..][..size]);
            if let Some(mask) = masks.next() {
                apply_mask(team, mask, map.channels, map.buffer.values());
            }
            for (block, &input) in self.0.iter().zip(&planes).rev() {
                let inner: Vec<&ReluMask> = masks.by_ref().take(block.convs.len() - 1).collect();
                map = block.input_gradient(team, map, input, inner, masks.next());
            }
            // SAFETY: every image has its own part.
            unsafe { out.part(image * result, result) }.copy_from_slice(map.buffer.values());
        });
    }

    /// Sizes of the inputs of all blocks.
    fn planes(&self, input: Plane) -> Vec<Plane> {
        let output = |plane, block: &CpuBlock| block.planes(plane)[block.convs.len()];
        let planes =
            self.0.iter().scan(input, |plane, block| Some(std::mem::replace(plane, output(*plane, block))));
        planes.collect()
    }
}

impl CpuBlock {
    fn to(&self) -> usize {
        self.convs[self.convs.len() - 1].to
    }

    /// Sizes of the inputs of all convolutions, and of the output of the last one.
    fn planes(&self, input: Plane) -> Vec<Plane> {
        let mut planes = vec![input];
        for conv in &self.convs {
            planes.push(output_of(conv, planes[planes.len() - 1]));
        }
        planes
    }

    /// Computes the block, in the buffer of `x` if there is no shortcut.
    fn forward(&self, team: Team<'_>, mut x: FeatureMap, mut masks: Option<&mut BlockMasks>) -> FeatureMap {
        let last = self.convs.len() - 1;
        let mut z: Option<FeatureMap> = None;
        for conv in &self.convs[..last] {
            let next = forward(conv, team, z.as_mut().unwrap_or(&mut x), None, true, masks.as_deref_mut());
            z = Some(next);
        }
        let sum = match &self.shortcut {
            Some(conv) => forward(conv, team, &mut x, None, false, None),
            None => x,
        };
        match &mut z {
            Some(z) => forward(&self.convs[last], team, z, Some(sum), true, masks),
            None => sum,
        }
    }

    /// Computes the gradient of the input from that of the output, masked by the output. `inner` are the masks of all
    /// convolutions but the last, in reverse order; `mask` is that of the input.
    fn input_gradient(
        &self,
        team: Team<'_>,
        mut gradient: FeatureMap,
        input: Plane,
        inner: Vec<&ReluMask>,
        mask: Option<&ReluMask>,
    ) -> FeatureMap {
        let planes = self.planes(input);
        let mut z: Option<FeatureMap> = None;
        for (i, conv) in self.convs.iter().enumerate().skip(1).rev() {
            let mask = inner.get(self.convs.len() - 1 - i).copied();
            let next = backward(conv, team, z.as_mut().unwrap_or(&mut gradient), planes[i], None, mask);
            z = Some(next);
        }
        let sum = match &self.shortcut {
            Some(conv) => backward(conv, team, &mut gradient, input, None, None),
            None => gradient,
        };
        match &mut z {
            Some(z) => backward(&self.convs[0], team, z, input, Some(sum), mask),
            None => sum,
        }
    }
}

/// Computes `relu(conv(x) + sum)` in the buffer of the sum, and saves its mask.
fn forward(
    conv: &CpuConv,
    team: Team<'_>,
    x: &mut FeatureMap,
    sum: Option<FeatureMap>,
    relu: bool,
    masks: Option<&mut BlockMasks>,
) -> FeatureMap {
    let output = output_of(conv, x.plane);
    let accumulate = sum.is_some();
    let mut out = sum.unwrap_or_else(|| FeatureMap::new(output, conv.to));
    assert_eq!((out.plane, out.channels), (output, conv.to), "sizes of a block and of its shortcut");
    let mut mask = masks.is_some().then(|| ReluMask::new(output.pixels(), conv.to));
    let mask_out = mask.as_mut().map(ReluMask::share);
    let input = Input { team, plane: x.plane, values: x.buffer.values(), accumulate, relu, mask_out };
    conv.forward(input, output, out.buffer.values());
    if let (Some(masks), Some(mask)) = (masks, mask) {
        masks.push(mask);
    }
    out
}

/// Adds the gradient of the convolution's input, of size `plane`, to the sum in its buffer.
fn backward(
    conv: &CpuConv,
    team: Team<'_>,
    gradient: &mut FeatureMap,
    plane: Plane,
    sum: Option<FeatureMap>,
    mask: Option<&ReluMask>,
) -> FeatureMap {
    let accumulate = sum.is_some();
    let mut out = sum.unwrap_or_else(|| FeatureMap::new(plane, conv.from));
    let given = OutputGradient { team, plane, values: gradient.buffer.values(), accumulate, mask };
    conv.input_gradient(given, gradient.plane, out.buffer.values());
    out
}

/// Size of the output of a convolution.
///
/// # Panics
/// If the images are smaller than the window; [`CpuBlocks::output`] checks it.
fn output_of(conv: &CpuConv, plane: Plane) -> Plane {
    conv.window.output(plane).unwrap_or_else(|| panic!("{plane:?} is smaller than {:?}", conv.window))
}

/// Calls `work` with every image: by single threads while there is an image for each, the remaining images by all
/// threads together.
fn for_each_image<R: Send + Default>(
    level: Level,
    n: usize,
    work: impl Fn(Team<'_>, usize) -> R + Sync,
) -> Vec<R> {
    let mut results: Vec<R> = (0..n).map(|_| R::default()).collect();
    let shared = SharedSlice::new(&mut results);
    // SAFETY: every task has its own place.
    let store = |image: usize, result: R| unsafe { shared.part(image, 1)[0] = result };
    Team::parallel(level, |all| {
        let single = n - n % all.threads;
        all.for_each(single, |image| store(image, work(Team::single(level), image)));
        (single..n).for_each(|image| store(image, work(all, image)));
    });
    results
}

//! Residual blocks on the CPU, image by image: what one layer writes, the next finds in the cache.

use std::sync::Arc;

use crate::geometry::Plane;
use crate::host::{HostConv, Input, OutputGradient, keep};
use crate::raw::{Level, Pooled, Shared};
use crate::signs::Signs;
use crate::team::Team;

/// `y = relu(conv_n(.. relu(conv_1(x))) + shortcut(x))`.
#[derive(Debug, Clone)]
pub(crate) struct HostBlock {
    /// At least two.
    pub convs: Vec<Arc<HostConv>>,
    /// The identity if not given.
    pub shortcut: Option<Arc<HostConv>>,
}

/// Blocks, one behind the other.
#[derive(Debug)]
pub(crate) struct HostChain(pub Vec<HostBlock>);

/// Which results of every convolution of an image were above 0, in their order.
pub(crate) type ImageSigns = Vec<Signs>;

/// Images or their gradients: `[n, h, w, c]`.
pub(crate) struct Maps<'a> {
    pub plane: Plane,
    pub values: &'a [f32],
}

/// One of them, on its way.
struct Map {
    plane: Plane,
    channels: usize,
    buffer: Pooled,
}

impl Map {
    fn new(plane: Plane, channels: usize) -> Self {
        Self { plane, channels, buffer: Pooled::new(plane.pixels() * channels) }
    }

    fn copied(plane: Plane, values: &[f32]) -> Self {
        let mut map = Self::new(plane, values.len() / plane.pixels());
        map.buffer.values().copy_from_slice(values);
        map
    }
}

impl HostChain {
    /// The channels of its input.
    pub fn from(&self) -> usize {
        self.0[0].convs[0].from
    }

    /// The channels of its output.
    pub fn to(&self) -> usize {
        self.0[self.0.len() - 1].to()
    }

    /// What comes out of images of a size; `None` where they are smaller than a window.
    pub fn output(&self, input: Plane) -> Option<Plane> {
        let convs = self.0.iter().flat_map(|block| &block.convs);
        convs.into_iter().try_fold(input, |plane, conv| conv.window.of(plane))
    }

    /// Images through all blocks into `out`, and what their gradients need if they are asked for.
    pub fn forward(&self, level: Level, images: &Maps<'_>, out: &mut [f32], keeps: bool) -> Vec<ImageSigns> {
        let (plane, n) = (Plane { n: 1, ..images.plane }, images.plane.n);
        let (size, result) = (images.values.len() / n.max(1), out.len() / n.max(1));
        let out = Shared::new(out);
        for_each_image(level, n, |team, image| {
            let mut map = Map::copied(plane, &images.values[image * size..][..size]);
            let mut signs = Vec::new();
            for block in &self.0 {
                map = block.forward(team, map, keeps.then_some(&mut signs));
            }
            // SAFETY: every image has its own.
            unsafe { out.part(image * result, result) }.copy_from_slice(map.buffer.values());
            signs
        })
    }

    /// The gradient of images from that of the output, into `out`.
    pub fn input_gradient(
        &self,
        level: Level,
        gradient: &Maps<'_>,
        signs: &[ImageSigns],
        input: Plane,
        out: &mut [f32],
    ) {
        let (plane, n) = (Plane { n: 1, ..gradient.plane }, gradient.plane.n);
        let (size, result) = (gradient.values.len() / n.max(1), out.len() / n.max(1));
        let planes = self.planes(Plane { n: 1, ..input });
        let out = Shared::new(out);
        for_each_image(level, n, |team, image| {
            let mut signs = signs[image].iter().rev();
            let mut map = Map::copied(plane, &gradient.values[image * size..][..size]);
            if let Some(kept) = signs.next() {
                keep(team, kept, map.channels, map.buffer.values());
            }
            for (block, &input) in self.0.iter().zip(&planes).rev() {
                let inner: Vec<&Signs> = signs.by_ref().take(block.convs.len() - 1).collect();
                map = block.input_gradient(team, map, input, inner, signs.next());
            }
            // SAFETY: every image has its own.
            unsafe { out.part(image * result, result) }.copy_from_slice(map.buffer.values());
        });
    }

    /// What goes into each block.
    fn planes(&self, input: Plane) -> Vec<Plane> {
        let output = |plane, block: &HostBlock| block.planes(plane)[block.convs.len()];
        let planes =
            self.0.iter().scan(input, |plane, block| Some(std::mem::replace(plane, output(*plane, block))));
        planes.collect()
    }
}

impl HostBlock {
    fn to(&self) -> usize {
        self.convs[self.convs.len() - 1].to
    }

    /// What goes into each convolution, and what comes out of the last.
    fn planes(&self, input: Plane) -> Vec<Plane> {
        let mut planes = vec![input];
        for conv in &self.convs {
            planes.push(output_of(conv, planes[planes.len() - 1]));
        }
        planes
    }

    /// The output, in the place of the input where there is no shortcut.
    fn forward(&self, team: Team<'_>, mut x: Map, mut signs: Option<&mut ImageSigns>) -> Map {
        let last = self.convs.len() - 1;
        let mut z: Option<Map> = None;
        for conv in &self.convs[..last] {
            let next = pass(conv, team, z.as_mut().unwrap_or(&mut x), None, true, signs.as_deref_mut());
            z = Some(next);
        }
        let sum = match &self.shortcut {
            Some(conv) => pass(conv, team, &mut x, None, false, None),
            None => x,
        };
        match &mut z {
            Some(z) => pass(&self.convs[last], team, z, Some(sum), true, signs),
            None => sum,
        }
    }

    /// The gradient of the input from the output's, which counts where the output was above 0; `signs` are those of the
    /// convolutions but for the last, from behind, `kept` those of what goes in.
    fn input_gradient(
        &self,
        team: Team<'_>,
        mut gradient: Map,
        input: Plane,
        signs: Vec<&Signs>,
        kept: Option<&Signs>,
    ) -> Map {
        let planes = self.planes(input);
        let mut z: Option<Map> = None;
        for (i, conv) in self.convs.iter().enumerate().skip(1).rev() {
            let kept = signs.get(self.convs.len() - 1 - i).copied();
            let next = back(conv, team, z.as_mut().unwrap_or(&mut gradient), planes[i], None, kept);
            z = Some(next);
        }
        let sum = match &self.shortcut {
            Some(conv) => back(conv, team, &mut gradient, input, None, None),
            None => gradient,
        };
        match &mut z {
            Some(z) => back(&self.convs[0], team, z, input, Some(sum), kept),
            None => sum,
        }
    }
}

/// `relu(conv(x) + sum)`, in the place of the sum.
fn pass(
    conv: &HostConv,
    team: Team<'_>,
    x: &mut Map,
    sum: Option<Map>,
    relu: bool,
    signs: Option<&mut ImageSigns>,
) -> Map {
    let output = output_of(conv, x.plane);
    let onto = sum.is_some();
    let mut out = sum.unwrap_or_else(|| Map::new(output, conv.to));
    assert_eq!((out.plane, out.channels), (output, conv.to), "sizes of a block and of its shortcut");
    let mut found = signs.is_some().then(|| Signs::new(output.pixels(), conv.to));
    let shared = found.as_mut().map(Signs::share);
    let input = Input { team, plane: x.plane, values: x.buffer.values(), onto, relu, signs: shared };
    conv.forward(input, output, out.buffer.values());
    if let (Some(signs), Some(found)) = (signs, found) {
        signs.push(found);
    }
    out
}

/// The gradient of a convolution's input, `plane`, added to the sum and in its place.
fn back(
    conv: &HostConv,
    team: Team<'_>,
    gradient: &mut Map,
    plane: Plane,
    sum: Option<Map>,
    kept: Option<&Signs>,
) -> Map {
    let onto = sum.is_some();
    let mut out = sum.unwrap_or_else(|| Map::new(plane, conv.from));
    let given = OutputGradient { team, plane, values: gradient.buffer.values(), onto, kept };
    conv.input_gradient(given, gradient.plane, out.buffer.values());
    out
}

/// # Panics
///
/// Images smaller than the window, which [`HostChain::output`] tells.
fn output_of(conv: &HostConv, plane: Plane) -> Plane {
    conv.window.of(plane).unwrap_or_else(|| panic!("{plane:?} is smaller than {:?}", conv.window))
}

/// Calls `work` for every image, each by one thread as long as there is one for every thread, the rest by all together.
fn for_each_image<R: Send + Default>(
    level: Level,
    n: usize,
    work: impl Fn(Team<'_>, usize) -> R + Sync,
) -> Vec<R> {
    let mut results: Vec<R> = (0..n).map(|_| R::default()).collect();
    let shared = Shared::new(&mut results);
    // SAFETY: every task has its own place.
    let store = |image: usize, result: R| unsafe { shared.part(image, 1)[0] = result };
    Team::together(level, |all| {
        let alone = n - n % all.threads;
        all.for_each(alone, |image| store(image, work(Team::alone(level), image)));
        (alone..n).for_each(|image| store(image, work(all, image)));
    });
    results
}

//! The operations of this crate, on the CPU's backend and under autodiff.

use std::sync::{Arc, OnceLock};

use burn::backend::autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::{Backend, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{DType, Shape};
use burn_flex::{FlexTensor, Layout};

use crate::chain::{HostChain, ImageSigns, Maps};
use crate::geometry::{Plane, Window};
use crate::host::{HostConv, Input, OutputGradient, keep};
use crate::pool::MaxPool;
use crate::raw::{Level, Pooled};
use crate::signs::Signs;
use crate::team::Team;

/// A convolution, and whether only positive results are kept.
#[derive(Debug, Clone)]
pub struct Frozen {
    pub conv: Arc<HostConv>,
    pub relu: bool,
}

/// What a gradient needs of the pass forward, left there by the backend that computed it.
#[derive(Debug, Clone)]
pub struct Kept<T>(Arc<OnceLock<T>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Kept<T> {
    fn keep(&self, found: T) {
        self.0.get_or_init(|| found);
    }

    /// # Panics
    ///
    /// Without a pass forward: what is differentiated was computed before, and then it was kept.
    fn found(&self) -> &T {
        self.0.get().unwrap_or_else(|| panic!("a gradient without a pass forward"))
    }
}

/// Convolutions and max-pooling whose gradients reach images alone: `[n, h, w, c]`.
#[backend_extension(Flex, Autodiff)]
pub trait FrozenBackend: Backend {
    /// `relu(conv(x) + bias)`.
    fn frozen_conv(x: FloatTensor<Self>, frozen: Frozen, kept: Option<Kept<Signs>>) -> FloatTensor<Self>;

    /// `relu(conv(x) + bias + residual)`.
    fn frozen_conv_onto(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        frozen: Frozen,
        kept: Option<Kept<Signs>>,
    ) -> FloatTensor<Self>;

    /// The gradient of `x`, `[n, h, w, from]`, from that of `conv(x)`.
    fn frozen_conv_gradient(
        gradient: FloatTensor<Self>,
        conv: Arc<HostConv>,
        side: [usize; 2],
    ) -> FloatTensor<Self>;

    /// The gradient where the output was above 0, and 0 elsewhere.
    fn where_positive(gradient: FloatTensor<Self>, kept: Kept<Signs>) -> FloatTensor<Self>;

    /// Residual blocks.
    fn frozen_chain(
        x: FloatTensor<Self>,
        chain: Arc<HostChain>,
        kept: Option<Kept<Vec<ImageSigns>>>,
    ) -> FloatTensor<Self>;

    /// The gradient of `x` from that of what [`Self::frozen_chain`] returned.
    fn frozen_chain_gradient(
        gradient: FloatTensor<Self>,
        chain: Arc<HostChain>,
        kept: Kept<Vec<ImageSigns>>,
        side: [usize; 2],
    ) -> FloatTensor<Self>;

    /// The largest value of every window.
    fn window_max(x: FloatTensor<Self>, window: Window, kept: Kept<Vec<u8>>) -> FloatTensor<Self>;

    /// The gradient of `x`, to the first of the largest values of every window.
    fn window_max_gradient(
        gradient: FloatTensor<Self>,
        window: Window,
        kept: Kept<Vec<u8>>,
        side: [usize; 2],
    ) -> FloatTensor<Self>;
}

impl FrozenBackend for Flex {
    fn frozen_conv(x: FlexTensor, frozen: Frozen, kept: Option<Kept<Signs>>) -> FlexTensor {
        forward(x, None, &frozen, kept)
    }

    fn frozen_conv_onto(
        x: FlexTensor,
        residual: FlexTensor,
        frozen: Frozen,
        kept: Option<Kept<Signs>>,
    ) -> FlexTensor {
        forward(x, Some(residual), &frozen, kept)
    }

    fn frozen_conv_gradient(gradient: FlexTensor, conv: Arc<HostConv>, [h, w]: [usize; 2]) -> FlexTensor {
        let gradient = Image::new(gradient);
        assert_eq!(gradient.channels, conv.to, "channels of the gradient");
        let (plane, output) = (Plane { h, w, ..gradient.plane }, gradient.plane);
        assert_eq!(conv.window.of(plane), Some(output), "images, height and width of the gradient");
        let values = gradient.values();
        image(plane, conv.from, |x| {
            Team::together(Level::detected(), |team| {
                let gradient = OutputGradient { team, plane, values, onto: false, kept: None };
                conv.input_gradient(gradient, output, x);
            });
        })
    }

    fn where_positive(gradient: FlexTensor, kept: Kept<Signs>) -> FlexTensor {
        let mut gradient = Image::new(gradient);
        let (plane, channels) = (gradient.plane, gradient.channels);
        let clear = |values: &mut [f32]| {
            Team::together(Level::detected(), |team| keep(team, kept.found(), channels, values));
        };
        match gradient.tensor.try_storage_mut() {
            Some(values) if values.len() == plane.pixels() * channels => {
                clear(values);
                gradient.tensor
            }
            _ => image(plane, channels, |out| {
                out.copy_from_slice(gradient.values());
                clear(out);
            }),
        }
    }

    fn frozen_chain(x: FlexTensor, chain: Arc<HostChain>, kept: Option<Kept<Vec<ImageSigns>>>) -> FlexTensor {
        let x = Image::new(x);
        assert_eq!(x.channels, chain.from(), "channels of the image");
        let output = chain.output(x.plane);
        let output = output.unwrap_or_else(|| panic!("{:?} is smaller than a window", x.plane));
        let images = Maps { plane: x.plane, values: x.values() };
        image(output, chain.to(), |out| {
            let signs = chain.forward(Level::detected(), &images, out, kept.is_some());
            kept.into_iter().zip([signs]).for_each(|(kept, signs)| kept.keep(signs));
        })
    }

    fn frozen_chain_gradient(
        gradient: FlexTensor,
        chain: Arc<HostChain>,
        kept: Kept<Vec<ImageSigns>>,
        [h, w]: [usize; 2],
    ) -> FlexTensor {
        let gradient = Image::new(gradient);
        let plane = Plane { h, w, ..gradient.plane };
        let given = Maps { plane: gradient.plane, values: gradient.values() };
        image(plane, chain.from(), |x| {
            chain.input_gradient(Level::detected(), &given, kept.found(), plane, x);
        })
    }

    fn window_max(x: FlexTensor, window: Window, kept: Kept<Vec<u8>>) -> FlexTensor {
        let x = Image::new(x);
        let (input, output, channels) = (x.plane, output_of(window, x.plane), x.channels);
        let mut places = vec![0; output.pixels() * channels];
        let largest = image(output, channels, |out| {
            let pool = MaxPool { window, input, output, channels };
            Team::together(Level::detected(), |team| pool.forward(team, x.values(), out, &mut places));
        });
        kept.keep(places);
        largest
    }

    fn window_max_gradient(
        gradient: FlexTensor,
        window: Window,
        kept: Kept<Vec<u8>>,
        [h, w]: [usize; 2],
    ) -> FlexTensor {
        let gradient = Image::new(gradient);
        let (output, channels) = (gradient.plane, gradient.channels);
        let input = Plane { h, w, ..output };
        image(input, channels, |out| {
            let pool = MaxPool { window, input, output, channels };
            let values = gradient.values();
            Team::together(Level::detected(), |team| pool.gradient(team, kept.found(), values, out));
        })
    }
}

fn forward(
    x: FlexTensor,
    residual: Option<FlexTensor>,
    Frozen { conv, relu }: &Frozen,
    kept: Option<Kept<Signs>>,
) -> FlexTensor {
    let (x, residual) = (Image::new(x), residual.map(Image::new));
    assert_eq!(x.channels, conv.from, "channels of the image");
    let output = output_of(conv.window, x.plane);
    if let Some(residual) = &residual {
        let found = (residual.plane, residual.channels);
        assert_eq!(found, (output, conv.to), "images, height, width and channels of the residual");
    }
    let mut signs = kept.as_ref().filter(|_| *relu).map(|_| Signs::new(output.pixels(), conv.to));
    let out = image(output, conv.to, |out| {
        residual.iter().for_each(|residual| out.copy_from_slice(residual.values()));
        let (onto, signs) = (residual.is_some(), signs.as_mut().map(Signs::share));
        Team::together(Level::detected(), |team| {
            let input = Input { team, plane: x.plane, values: x.values(), onto, relu: *relu, signs };
            conv.forward(input, output, out);
        });
    });
    if let (Some(kept), Some(signs)) = (kept, signs) {
        kept.keep(signs);
    }
    out
}

/// Images `[n, h, w, c]`, row-major.
struct Image {
    plane: Plane,
    channels: usize,
    tensor: FlexTensor,
}

impl Image {
    fn new(tensor: FlexTensor) -> Self {
        let tensor = tensor.to_contiguous();
        let shape = tensor.shape();
        assert_eq!((shape.num_dims(), tensor.dtype()), (4, DType::F32), "dimensions and type of images");
        Self { plane: Plane { n: shape[0], h: shape[1], w: shape[2] }, channels: shape[3], tensor }
    }

    fn values(&self) -> &[f32] {
        self.tensor.as_slice().unwrap_or_default()
    }
}

/// Images whose values `fill` writes, all of them.
fn image(plane: Plane, channels: usize, fill: impl FnOnce(&mut [f32])) -> FlexTensor {
    let mut buffer = Pooled::new(plane.pixels() * channels);
    fill(buffer.values());
    let shape = Shape::from([plane.n, plane.h, plane.w, channels]);
    FlexTensor::new(buffer.into_bytes(), Layout::contiguous(shape), DType::F32)
}

fn output_of(window: Window, input: Plane) -> Plane {
    let fits = window.of(input);
    fits.unwrap_or_else(|| panic!("{input:?} is smaller than {window:?}"))
}

#[derive(Debug)]
struct ConvBackward;

impl<B: FrozenBackend> Backward<B, 1> for ConvBackward {
    type State = (Frozen, Kept<Signs>, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([x], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        let (frozen, kept, side) = ops.state;
        if let Some(x) = x {
            let gradient = if frozen.relu { B::where_positive(gradient, kept) } else { gradient };
            grads.register::<B>(x.id, B::frozen_conv_gradient(gradient, frozen.conv, side));
        }
    }
}

#[derive(Debug)]
struct ConvOntoBackward;

impl<B: FrozenBackend> Backward<B, 2> for ConvOntoBackward {
    type State = (Frozen, Kept<Signs>, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([x, residual], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        let (frozen, kept, side) = ops.state;
        let gradient = if frozen.relu { B::where_positive(gradient, kept) } else { gradient };
        if let Some(residual) = residual {
            grads.register::<B>(residual.id, gradient.clone());
        }
        if let Some(x) = x {
            grads.register::<B>(x.id, B::frozen_conv_gradient(gradient, frozen.conv, side));
        }
    }
}

#[derive(Debug)]
struct ChainBackward;

impl<B: FrozenBackend> Backward<B, 1> for ChainBackward {
    type State = (Arc<HostChain>, Kept<Vec<ImageSigns>>, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([x], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        let (chain, kept, side) = ops.state;
        if let Some(x) = x {
            grads.register::<B>(x.id, B::frozen_chain_gradient(gradient, chain, kept, side));
        }
    }
}

#[derive(Debug)]
struct MaxBackward;

impl<B: FrozenBackend> Backward<B, 1> for MaxBackward {
    type State = (Window, Kept<Vec<u8>>, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([x], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        let (window, kept, side) = ops.state;
        if let Some(x) = x {
            grads.register::<B>(x.id, B::window_max_gradient(gradient, window, kept, side));
        }
    }
}

impl<B: FrozenBackend, C: CheckpointStrategy> FrozenBackend for Autodiff<B, C> {
    fn frozen_conv(x: FloatTensor<Self>, frozen: Frozen, _kept: Option<Kept<Signs>>) -> FloatTensor<Self> {
        let (node, side) = (x.node(), side_of(x.shape()));
        match ConvBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let kept = Kept::default();
                let output = B::frozen_conv(x.into_primitive(), frozen.clone(), Some(kept.clone()));
                prepared.finish((frozen, kept, side), output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::frozen_conv(x.into_primitive(), frozen, None)),
        }
    }

    fn frozen_conv_onto(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        frozen: Frozen,
        _kept: Option<Kept<Signs>>,
    ) -> FloatTensor<Self> {
        let (nodes, side) = ([x.node(), residual.node()], side_of(x.shape()));
        let (x, residual) = (x.into_primitive(), residual.into_primitive());
        match ConvOntoBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let kept = Kept::default();
                let output = B::frozen_conv_onto(x, residual, frozen.clone(), Some(kept.clone()));
                prepared.finish((frozen, kept, side), output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::frozen_conv_onto(x, residual, frozen, None)),
        }
    }

    fn frozen_conv_gradient(
        _gradient: FloatTensor<Self>,
        _conv: Arc<HostConv>,
        _side: [usize; 2],
    ) -> FloatTensor<Self> {
        no_second_order()
    }

    fn where_positive(_gradient: FloatTensor<Self>, _kept: Kept<Signs>) -> FloatTensor<Self> {
        no_second_order()
    }

    fn frozen_chain(
        x: FloatTensor<Self>,
        chain: Arc<HostChain>,
        _kept: Option<Kept<Vec<ImageSigns>>>,
    ) -> FloatTensor<Self> {
        let (node, side) = (x.node(), side_of(x.shape()));
        match ChainBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let kept = Kept::default();
                let output = B::frozen_chain(x.into_primitive(), chain.clone(), Some(kept.clone()));
                prepared.finish((chain, kept, side), output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::frozen_chain(x.into_primitive(), chain, None)),
        }
    }

    fn frozen_chain_gradient(
        _gradient: FloatTensor<Self>,
        _chain: Arc<HostChain>,
        _kept: Kept<Vec<ImageSigns>>,
        _side: [usize; 2],
    ) -> FloatTensor<Self> {
        no_second_order()
    }

    fn window_max(x: FloatTensor<Self>, window: Window, kept: Kept<Vec<u8>>) -> FloatTensor<Self> {
        let (node, side) = (x.node(), side_of(x.shape()));
        let largest = B::window_max(x.into_primitive(), window, kept.clone());
        match MaxBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((window, kept, side), largest),
            OpsKind::UnTracked(prepared) => prepared.finish(largest),
        }
    }

    fn window_max_gradient(
        _gradient: FloatTensor<Self>,
        _window: Window,
        _kept: Kept<Vec<u8>>,
        _side: [usize; 2],
    ) -> FloatTensor<Self> {
        no_second_order()
    }
}

/// # Panics
///
/// Always: burn's autodiff is of first order, so that nothing calls this.
fn no_second_order() -> ! {
    panic!("gradients of gradients are not computed")
}

fn side_of(shape: Shape) -> [usize; 2] {
    [shape[1], shape[2]]
}

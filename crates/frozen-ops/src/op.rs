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

use crate::geometry::{Plane, Window};
use crate::host::{HostConv, Input, OutputGradient, keep_counted};
use crate::pool::MaxPool;
use crate::raw::{Level, Pooled};
use crate::signs::Signs;

/// A convolution, and whether only positive results are kept.
#[derive(Debug, Clone)]
pub struct Frozen {
    pub conv: Arc<HostConv>,
    pub relu: bool,
}

/// What a gradient needs of the pass forward, left there by the backend that computed it.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    signs: Arc<OnceLock<Signs>>,
    places: Arc<OnceLock<Vec<u8>>>,
}

/// Convolutions and max-pooling whose gradients reach images alone: `[n, h, w, c]`.
#[backend_extension(Flex, Autodiff)]
pub trait FrozenBackend: Backend {
    /// `relu(conv(x) + bias)`.
    fn frozen_conv(x: FloatTensor<Self>, frozen: Frozen, kept: Option<Kept>) -> FloatTensor<Self>;

    /// `relu(conv(x) + bias + residual)`.
    fn frozen_conv_onto(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        frozen: Frozen,
        kept: Option<Kept>,
    ) -> FloatTensor<Self>;

    /// The gradient of `x`, `[n, h, w, from]`, from that of what [`Self::frozen_conv`] returned.
    fn frozen_conv_gradient(
        gradient: FloatTensor<Self>,
        frozen: Frozen,
        kept: Kept,
        side: [usize; 2],
    ) -> FloatTensor<Self>;

    /// The gradient where the output was above 0, and 0 elsewhere.
    fn where_positive(gradient: FloatTensor<Self>, kept: Kept) -> FloatTensor<Self>;

    /// The largest value of every window.
    fn window_max(x: FloatTensor<Self>, window: Window, kept: Kept) -> FloatTensor<Self>;

    /// The gradient of `x`, to the first of the largest values of every window.
    fn window_max_gradient(
        gradient: FloatTensor<Self>,
        window: Window,
        kept: Kept,
        side: [usize; 2],
    ) -> FloatTensor<Self>;
}

impl FrozenBackend for Flex {
    fn frozen_conv(x: FlexTensor, frozen: Frozen, kept: Option<Kept>) -> FlexTensor {
        forward(x, None, &frozen, kept)
    }

    fn frozen_conv_onto(
        x: FlexTensor,
        residual: FlexTensor,
        frozen: Frozen,
        kept: Option<Kept>,
    ) -> FlexTensor {
        forward(x, Some(residual), &frozen, kept)
    }

    fn frozen_conv_gradient(
        gradient: FlexTensor,
        Frozen { conv, relu }: Frozen,
        kept: Kept,
        [h, w]: [usize; 2],
    ) -> FlexTensor {
        let gradient = Image::new(gradient);
        assert_eq!(gradient.channels, conv.to, "channels of the gradient");
        let (plane, output) = (Plane { h, w, ..gradient.plane }, gradient.plane);
        let counted = relu.then(|| kept.signs());
        let gradient = OutputGradient { level: Level::detected(), plane, values: gradient.values(), counted };
        image(plane, conv.from, |x| conv.input_gradient(gradient, output, x))
    }

    fn where_positive(gradient: FlexTensor, kept: Kept) -> FlexTensor {
        let mut gradient = Image::new(gradient);
        let (plane, channels) = (gradient.plane, gradient.channels);
        match gradient.tensor.try_storage_mut() {
            Some(values) if values.len() == plane.pixels() * channels => {
                keep_counted(Level::detected(), kept.signs(), channels, values);
                gradient.tensor
            }
            _ => image(plane, channels, |out| {
                out.copy_from_slice(gradient.values());
                keep_counted(Level::detected(), kept.signs(), channels, out);
            }),
        }
    }

    fn window_max(x: FlexTensor, window: Window, kept: Kept) -> FlexTensor {
        let x = Image::new(x);
        let (input, output, channels) = (x.plane, output_of(window, x.plane), x.channels);
        let mut places = vec![0; output.pixels() * channels];
        let largest = image(output, channels, |out| {
            let pool = MaxPool { window, input, output, channels };
            pool.forward(Level::detected(), x.values(), out, &mut places);
        });
        kept.places.get_or_init(|| places);
        largest
    }

    fn window_max_gradient(
        gradient: FlexTensor,
        window: Window,
        kept: Kept,
        [h, w]: [usize; 2],
    ) -> FlexTensor {
        let gradient = Image::new(gradient);
        let (output, channels) = (gradient.plane, gradient.channels);
        let input = Plane { h, w, ..output };
        let places = kept.places.get().unwrap_or_else(|| nothing_kept());
        image(input, channels, |out| {
            let pool = MaxPool { window, input, output, channels };
            pool.gradient(Level::detected(), places, gradient.values(), out);
        })
    }
}

impl Kept {
    fn signs(&self) -> &Signs {
        self.signs.get().unwrap_or_else(|| nothing_kept())
    }
}

/// # Panics
///
/// Always: what is differentiated was computed before, and then it was kept.
fn nothing_kept() -> ! {
    panic!("a gradient without a pass forward")
}

fn forward(
    x: FlexTensor,
    residual: Option<FlexTensor>,
    Frozen { conv, relu }: &Frozen,
    kept: Option<Kept>,
) -> FlexTensor {
    let (x, residual) = (Image::new(x), residual.map(Image::new));
    assert_eq!(x.channels, conv.from, "channels of the image");
    let output = output_of(conv.window, x.plane);
    if let Some(residual) = &residual {
        let found = (residual.plane, residual.channels);
        assert_eq!(found, (output, conv.to), "images, height, width and channels of the residual");
    }
    let mut signs = kept.as_ref().filter(|_| *relu).map(|_| Signs::new(output.pixels(), conv.to));
    let (level, residual) = (Level::detected(), residual.as_ref().map(Image::values));
    let out = image(output, conv.to, |out| {
        let signs = signs.as_mut().map(Signs::share);
        let input = Input { level, plane: x.plane, values: x.values(), residual, relu: *relu, signs };
        conv.forward(input, output, out);
    });
    if let (Some(kept), Some(signs)) = (kept, signs) {
        kept.signs.get_or_init(|| signs);
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
    type State = (Frozen, Kept, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([x], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        let (frozen, kept, side) = ops.state;
        if let Some(x) = x {
            grads.register::<B>(x.id, B::frozen_conv_gradient(gradient, frozen, kept, side));
        }
    }
}

#[derive(Debug)]
struct ConvOntoBackward;

impl<B: FrozenBackend> Backward<B, 2> for ConvOntoBackward {
    type State = (Frozen, Kept, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([x, residual], mut gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        let (mut frozen, kept, side) = ops.state;
        if frozen.relu {
            gradient = B::where_positive(gradient, kept.clone());
            frozen.relu = false;
        }
        if let Some(residual) = residual {
            grads.register::<B>(residual.id, gradient.clone());
        }
        if let Some(x) = x {
            grads.register::<B>(x.id, B::frozen_conv_gradient(gradient, frozen, kept, side));
        }
    }
}

#[derive(Debug)]
struct MaxBackward;

impl<B: FrozenBackend> Backward<B, 1> for MaxBackward {
    type State = (Window, Kept, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([x], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        let (window, kept, side) = ops.state;
        if let Some(x) = x {
            grads.register::<B>(x.id, B::window_max_gradient(gradient, window, kept, side));
        }
    }
}

impl<B: FrozenBackend, C: CheckpointStrategy> FrozenBackend for Autodiff<B, C> {
    fn frozen_conv(x: FloatTensor<Self>, frozen: Frozen, _kept: Option<Kept>) -> FloatTensor<Self> {
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
        _kept: Option<Kept>,
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
        _frozen: Frozen,
        _kept: Kept,
        _side: [usize; 2],
    ) -> FloatTensor<Self> {
        no_second_order()
    }

    fn where_positive(_gradient: FloatTensor<Self>, _kept: Kept) -> FloatTensor<Self> {
        no_second_order()
    }

    fn window_max(x: FloatTensor<Self>, window: Window, kept: Kept) -> FloatTensor<Self> {
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
        _kept: Kept,
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

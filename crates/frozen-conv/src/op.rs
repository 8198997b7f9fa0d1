//! The operations of this crate, on the CPU's backend and under autodiff.

use std::sync::Arc;

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
use crate::host::{HostConv, Input, OutputGradient, masked};
use crate::pool;
use crate::raw::{Level, Pooled};

/// A convolution, and whether only positive results are kept.
#[derive(Debug, Clone)]
pub struct Frozen {
    pub conv: Arc<HostConv>,
    pub relu: bool,
}

/// Convolutions and max-pooling whose gradients reach images alone: `[n, h, w, c]`.
#[backend_extension(Flex, Autodiff)]
pub trait FrozenBackend: Backend {
    /// `relu(conv(x) + bias)`.
    fn frozen_conv(x: FloatTensor<Self>, frozen: Frozen) -> FloatTensor<Self>;

    /// `relu(conv(x) + bias + residual)`.
    fn frozen_conv_onto(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        frozen: Frozen,
    ) -> FloatTensor<Self>;

    /// The gradient of `x`, `[n, h, w, from]`, from that of what [`Self::frozen_conv`] returned, and this itself.
    fn frozen_conv_gradient(
        gradient: FloatTensor<Self>,
        output: FloatTensor<Self>,
        frozen: Frozen,
        side: [usize; 2],
    ) -> FloatTensor<Self>;

    /// The gradient where the output is above 0, and 0 elsewhere.
    fn where_positive(gradient: FloatTensor<Self>, output: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The largest value of every window.
    fn window_max(x: FloatTensor<Self>, window: Window) -> FloatTensor<Self>;

    /// The gradient of `x`, to the first of the largest values of every window.
    fn window_max_gradient(
        x: FloatTensor<Self>,
        largest: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;
}

impl FrozenBackend for Flex {
    fn frozen_conv(x: FlexTensor, frozen: Frozen) -> FlexTensor {
        forward(x, None, &frozen)
    }

    fn frozen_conv_onto(x: FlexTensor, residual: FlexTensor, frozen: Frozen) -> FlexTensor {
        forward(x, Some(residual), &frozen)
    }

    fn frozen_conv_gradient(
        gradient: FlexTensor,
        output: FlexTensor,
        Frozen { conv, relu }: Frozen,
        [h, w]: [usize; 2],
    ) -> FlexTensor {
        let (gradient, output) = (Image::new(gradient), Image::new(output));
        assert_eq!(output.channels, conv.to, "channels of the gradient");
        let plane = Plane { h, w, ..output.plane };
        let (level, values) = (Level::detected(), gradient.values());
        let gradient = OutputGradient { level, plane, values, mask: relu.then(|| output.values()) };
        image(plane, conv.from, |x| conv.input_gradient(gradient, output.plane, x))
    }

    fn where_positive(gradient: FlexTensor, output: FlexTensor) -> FlexTensor {
        let (gradient, output) = (Image::new(gradient), Image::new(output));
        image(output.plane, output.channels, |out| masked(gradient.values(), output.values(), out))
    }

    fn window_max(x: FlexTensor, window: Window) -> FlexTensor {
        let x = Image::new(x);
        let planes = [x.plane, output_of(window, x.plane)];
        image(planes[1], x.channels, |out| {
            pool::max_pool(Level::detected(), window, planes, x.values(), x.channels, out);
        })
    }

    fn window_max_gradient(
        x: FlexTensor,
        largest: FlexTensor,
        gradient: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        let [x, largest, gradient] = [x, largest, gradient].map(Image::new);
        let values = [x.values(), largest.values(), gradient.values()];
        image(x.plane, x.channels, |out| {
            pool::max_pool_gradient(window, [x.plane, largest.plane], values, x.channels, out);
        })
    }
}

fn forward(x: FlexTensor, residual: Option<FlexTensor>, Frozen { conv, relu }: &Frozen) -> FlexTensor {
    let (x, residual) = (Image::new(x), residual.map(Image::new));
    assert_eq!(x.channels, conv.from, "channels of the image");
    let output = output_of(conv.window, x.plane);
    if let Some(residual) = &residual {
        let found = (residual.plane, residual.channels);
        assert_eq!(found, (output, conv.to), "images, height, width and channels of the residual");
    }
    let (level, residual) = (Level::detected(), residual.as_ref().map(Image::values));
    let input = Input { level, plane: x.plane, values: x.values(), residual, relu: *relu };
    image(output, conv.to, |out| conv.forward(input, output, out))
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

/// What the gradient of a convolution needs.
#[derive(Debug, Clone)]
struct Kept<P> {
    output: P,
    frozen: Frozen,
    side: [usize; 2],
}

#[derive(Debug)]
struct ConvBackward;

impl<B: FrozenBackend> Backward<B, 1> for ConvBackward {
    type State = Kept<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([x], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        let Kept { output, frozen, side } = ops.state;
        if let Some(x) = x {
            grads.register::<B>(x.id, B::frozen_conv_gradient(gradient, output, frozen, side));
        }
    }
}

#[derive(Debug)]
struct ConvOntoBackward;

impl<B: FrozenBackend> Backward<B, 2> for ConvOntoBackward {
    type State = Kept<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([x, residual], mut gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        let Kept { output, mut frozen, side } = ops.state;
        if frozen.relu {
            gradient = B::where_positive(gradient, output.clone());
            frozen.relu = false;
        }
        if let Some(residual) = residual {
            grads.register::<B>(residual.id, gradient.clone());
        }
        if let Some(x) = x {
            grads.register::<B>(x.id, B::frozen_conv_gradient(gradient, output, frozen, side));
        }
    }
}

#[derive(Debug)]
struct MaxBackward;

impl<B: FrozenBackend> Backward<B, 1> for MaxBackward {
    type State = (FloatTensor<B>, FloatTensor<B>, Window);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let ([parent], gradient) = (ops.parents, grads.consume::<B>(&ops.node));
        let (x, largest, window) = ops.state;
        if let Some(parent) = parent {
            grads.register::<B>(parent.id, B::window_max_gradient(x, largest, gradient, window));
        }
    }
}

impl<B: FrozenBackend, C: CheckpointStrategy> FrozenBackend for Autodiff<B, C> {
    fn frozen_conv(x: FloatTensor<Self>, frozen: Frozen) -> FloatTensor<Self> {
        let (node, side) = (x.node(), side_of(x.shape()));
        let output = B::frozen_conv(x.into_primitive(), frozen.clone());
        match ConvBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                prepared.finish(Kept { output: output.clone(), frozen, side }, output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn frozen_conv_onto(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        frozen: Frozen,
    ) -> FloatTensor<Self> {
        let (nodes, side) = ([x.node(), residual.node()], side_of(x.shape()));
        let output = B::frozen_conv_onto(x.into_primitive(), residual.into_primitive(), frozen.clone());
        match ConvOntoBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                prepared.finish(Kept { output: output.clone(), frozen, side }, output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn frozen_conv_gradient(
        _gradient: FloatTensor<Self>,
        _output: FloatTensor<Self>,
        _frozen: Frozen,
        _side: [usize; 2],
    ) -> FloatTensor<Self> {
        no_second_order()
    }

    fn where_positive(_gradient: FloatTensor<Self>, _output: FloatTensor<Self>) -> FloatTensor<Self> {
        no_second_order()
    }

    fn window_max(x: FloatTensor<Self>, window: Window) -> FloatTensor<Self> {
        let (node, x) = (x.node(), x.into_primitive());
        let largest = B::window_max(x.clone(), window);
        match MaxBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((x, largest.clone(), window), largest),
            OpsKind::UnTracked(prepared) => prepared.finish(largest),
        }
    }

    fn window_max_gradient(
        _x: FloatTensor<Self>,
        _largest: FloatTensor<Self>,
        _gradient: FloatTensor<Self>,
        _window: Window,
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

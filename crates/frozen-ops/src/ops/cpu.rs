//! The operations on the backend of the CPU.

use std::sync::Arc;

use burn::{
    backend::{Flex, TensorMetadata},
    tensor::{DType, Shape},
};
use burn_flex::{FlexTensor, Layout};
use simd::Level;

use super::{FrozenBackend, FusedConv, Saved};
use crate::{
    buffer_pool::PooledBuffer,
    cpu::{
        BlockMasks, CpuBlocks, CpuConv, FeatureMaps, Input, MaxPool, OutputGradient, ReluMask, apply_mask,
    },
    threads::Team,
    window::{Plane, Window},
};

impl FrozenBackend for Flex {
    fn fused_conv(x: FlexTensor, conv: FusedConv, mask: Option<Saved<ReluMask>>) -> FlexTensor {
        forward(x, None, &conv, mask)
    }

    fn fused_conv_add(
        x: FlexTensor,
        residual: FlexTensor,
        conv: FusedConv,
        mask: Option<Saved<ReluMask>>,
    ) -> FlexTensor {
        forward(x, Some(residual), &conv, mask)
    }

    fn fused_conv_gradient(gradient: FlexTensor, conv: Arc<CpuConv>, [h, w]: [usize; 2]) -> FlexTensor {
        let gradient = Image::new(gradient);
        assert_eq!(gradient.channels, conv.to, "channels of the gradient");
        let (plane, output) = (Plane { h, w, ..gradient.plane }, gradient.plane);
        assert_eq!(conv.window.output(plane), Some(output), "images, height and width of the gradient");
        let values = gradient.values();
        image(plane, conv.from, |x| {
            Team::parallel(Level::detected(), |team| {
                let gradient = OutputGradient { team, plane, values, accumulate: false, mask: None };
                conv.input_gradient(gradient, output, x);
            });
        })
    }

    fn relu_gradient(gradient: FlexTensor, mask: Saved<ReluMask>) -> FlexTensor {
        let mut gradient = Image::new(gradient);
        let (plane, channels) = (gradient.plane, gradient.channels);
        let clear = |values: &mut [f32]| {
            Team::parallel(Level::detected(), |team| apply_mask(team, mask.get(), channels, values));
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

    fn residual_blocks(
        x: FlexTensor,
        blocks: Arc<CpuBlocks>,
        masks: Option<Saved<Vec<BlockMasks>>>,
    ) -> FlexTensor {
        let x = Image::new(x);
        assert_eq!(x.channels, blocks.from(), "channels of the image");
        let output = blocks.output(x.plane);
        let output = output.unwrap_or_else(|| panic!("{:?} is smaller than a window", x.plane));
        let images = FeatureMaps { plane: x.plane, values: x.values() };
        image(output, blocks.to(), |out| {
            let found = blocks.forward(Level::detected(), &images, out, masks.is_some());
            if let Some(masks) = masks {
                masks.save(found);
            }
        })
    }

    fn residual_blocks_gradient(
        gradient: FlexTensor,
        blocks: Arc<CpuBlocks>,
        masks: Saved<Vec<BlockMasks>>,
        [h, w]: [usize; 2],
    ) -> FlexTensor {
        let gradient = Image::new(gradient);
        let plane = Plane { h, w, ..gradient.plane };
        let given = FeatureMaps { plane: gradient.plane, values: gradient.values() };
        image(plane, blocks.from(), |x| {
            blocks.input_gradient(Level::detected(), &given, masks.get(), plane, x);
        })
    }

    fn window_max(x: FlexTensor, window: Window, places: Saved<Vec<u8>>) -> FlexTensor {
        let x = Image::new(x);
        let (input, output, channels) = (x.plane, output_of(window, x.plane), x.channels);
        let mut found = vec![0; output.pixels() * channels];
        let largest = image(output, channels, |out| {
            let pool = MaxPool { window, input, output, channels };
            Team::parallel(Level::detected(), |team| pool.forward(team, x.values(), out, &mut found));
        });
        places.save(found);
        largest
    }

    fn window_max_gradient(
        gradient: FlexTensor,
        window: Window,
        places: Saved<Vec<u8>>,
        [h, w]: [usize; 2],
    ) -> FlexTensor {
        let gradient = Image::new(gradient);
        let (output, channels) = (gradient.plane, gradient.channels);
        let input = Plane { h, w, ..output };
        image(input, channels, |out| {
            let pool = MaxPool { window, input, output, channels };
            let values = gradient.values();
            Team::parallel(Level::detected(), |team| pool.gradient(team, places.get(), values, out));
        })
    }
}

/// Computes `relu(conv(x) + bias + residual)`, and saves the mask of a ReLU.
fn forward(
    x: FlexTensor,
    residual: Option<FlexTensor>,
    FusedConv { conv, relu }: &FusedConv,
    saved: Option<Saved<ReluMask>>,
) -> FlexTensor {
    let (x, residual) = (Image::new(x), residual.map(Image::new));
    assert_eq!(x.channels, conv.from, "channels of the image");
    let output = output_of(conv.window, x.plane);
    if let Some(residual) = &residual {
        let found = (residual.plane, residual.channels);
        assert_eq!(found, (output, conv.to), "images, height, width and channels of the residual");
    }
    let mut mask = saved.as_ref().filter(|_| *relu).map(|_| ReluMask::new(output.pixels(), conv.to));
    let out = image(output, conv.to, |out| {
        residual.iter().for_each(|residual| out.copy_from_slice(residual.values()));
        let (accumulate, mask_out) = (residual.is_some(), mask.as_mut().map(ReluMask::share));
        Team::parallel(Level::detected(), |team| {
            let (plane, values) = (x.plane, x.values());
            conv.forward(Input { team, plane, values, accumulate, relu: *relu, mask_out }, output, out);
        });
    });
    if let (Some(saved), Some(mask)) = (saved, mask) {
        saved.save(mask);
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

/// Returns images whose values `fill` writes; the buffer that it is given holds arbitrary ones.
fn image(plane: Plane, channels: usize, fill: impl FnOnce(&mut [f32])) -> FlexTensor {
    let mut buffer = PooledBuffer::new(plane.pixels() * channels);
    fill(buffer.values());
    let shape = Shape::from([plane.n, plane.h, plane.w, channels]);
    FlexTensor::new(buffer.into_bytes(), Layout::contiguous(shape), DType::F32)
}

/// Size of the output of a convolution.
///
/// # Panics
/// If the images are smaller than the window.
fn output_of(window: Window, input: Plane) -> Plane {
    let output = window.output(input);
    output.unwrap_or_else(|| panic!("{input:?} is smaller than {window:?}"))
}

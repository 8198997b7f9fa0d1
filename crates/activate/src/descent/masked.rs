//! The paper's perturbation, by Adam.
//!
//! The perturbation is as large as the image, the network's input is not: the graph that is differentiated begins at
//! the changed pixels, and the few operations before it are differentiated by hand, in bands. So a step holds the
//! original, its map, the perturbation, Adam's two means, the changed pixels and their gradient: 76 bytes a pixel,
//! however large the image.

use std::ops::Range;

use burn::tensor::{Device, Tensor};
use extractor::{IMAGENET_STD, transfer::upload};

use crate::{
    Masked,
    adam::{Adam, Optimised},
    host::{self, Changed, Channels, Move, Scene},
    perturbation::Perturbation,
};

/// Pixels of a band: temporary values take some 100 bytes for each.
const BAND: usize = 1 << 21;

/// What is optimised for an image. All tensors are `[1, 3, h, w]`.
pub(crate) struct MaskedDescent {
    perturbation: Perturbation,
    settings: Masked,
    delta: Optimised,
    /// What the gradient of the image's term is per unit of change, `[1, 3, 1, 1]`.
    weights: Tensor<4>,
    /// What the perturbation makes of the image now, and the mean squared change of each channel, `[1, 3]`.
    changed: Changed,
    /// Whether the passes of the CPU serve.
    on_host: bool,
    /// Pixels of a band, elsewhere.
    band: usize,
}

impl MaskedDescent {
    /// From `start`, or from noise of a seed.
    pub(crate) fn new(original: Tensor<4>, settings: Masked, start: Option<Tensor<4>>, seed: u64) -> Self {
        let perturbation = Perturbation::new(original, settings.strength);
        let start = start.unwrap_or_else(|| perturbation.start(seed));
        let on_host = start.device() == Device::flex();
        Self::with_passes(perturbation, settings, start, on_host, BAND)
    }

    fn with_passes(
        perturbation: Perturbation,
        settings: Masked,
        start: Tensor<4>,
        on_host: bool,
        band: usize,
    ) -> Self {
        let changed = if on_host {
            let channels = channels(&perturbation, 0.0);
            mean(host::changed(scene(&perturbation), &start, channels))
        } else {
            changed(&perturbation, &start, band)
        };
        let channels = channels(&perturbation, settings.lambda_i);
        let weights = upload(channels.weight.to_vec(), [1, 3, 1, 1], &start.device());
        Self { perturbation, settings, delta: Optimised::new(start), weights, changed, on_host, band }
    }

    /// The changed image, not yet clamped, and the mean squared change of each channel.
    ///
    /// # Shapes
    /// -> `[1, 3, h, w]`, `[1, 3]`
    pub(crate) fn changed(&self) -> Changed {
        self.changed.clone()
    }

    /// One step of Adam. `gradient` is that of the weighted descriptor's term to the changed pixels; the image's term adds
    /// `lambda_i` times the gradient of the mean squared change in normalised space.
    pub(crate) fn step(self, gradient: Tensor<4>, iteration: usize) -> Self {
        let Self { perturbation, settings, delta, weights, changed: last, on_host, band } = self;
        drop(last);
        let adam = Adam { learning_rate: settings.learning_rate, step: iteration as i32 + 1 };
        let (delta, changed) = if on_host {
            let channels = channels(&perturbation, settings.lambda_i);
            let (delta, changed) = host::step(scene(&perturbation), delta, gradient, Move { channels, adam });
            (delta, mean(changed))
        } else {
            let delta =
                step_in_bands(&perturbation, delta, Slope { gradient, weights: &weights }, adam, band);
            let changed = changed(&perturbation, &delta.x, band);
            (delta, changed)
        };
        Self { perturbation, settings, delta, weights, changed, on_host, band }
    }

    /// The changed image, not yet clamped.
    pub(crate) fn finish(self) -> Tensor<4> {
        self.changed.0
    }
}

fn scene(perturbation: &Perturbation) -> Scene<'_> {
    Scene { original: perturbation.original(), map: perturbation.map() }
}

/// `lambda_i` weighs the mean squared change in normalised space.
fn channels(perturbation: &Perturbation, lambda_i: f64) -> Channels {
    let [_, _, height, width] = perturbation.map().dims();
    let weight = |std: f32| 2.0 * lambda_i as f32 / (3 * height * width) as f32 / (std * std);
    Channels { amplitude: perturbation.amplitudes(), weight: IMAGENET_STD.map(weight) }
}

/// Sums over the pixels as means.
fn mean((pixels, sums): Changed) -> Changed {
    let [_, _, height, width] = pixels.dims();
    (pixels, sums / (height * width) as f64)
}

/// What `delta` makes of the image, on any device.
fn changed(perturbation: &Perturbation, delta: &Tensor<4>, band: usize) -> Changed {
    let change = perturbation.change(delta.clone());
    let squared = mean_squares(&change, band);
    (perturbation.apply(change), squared)
}

/// What is gone down.
struct Slope<'a> {
    /// Of the weighted descriptor's term to the changed pixels.
    gradient: Tensor<4>,
    /// Of the image's term, per unit of change.
    weights: &'a Tensor<4>,
}

/// A step of Adam on any device.
fn step_in_bands(
    perturbation: &Perturbation,
    mut delta: Optimised,
    Slope { gradient, weights }: Slope<'_>,
    adam: Adam,
    pixels: usize,
) -> Optimised {
    let [_, _, height, width] = gradient.dims();
    for rows in bands(height, width, pixels) {
        let part = Optimised {
            x: delta.x.clone().slice(band(&rows, width)),
            first: delta.first.clone().slice(band(&rows, width)),
            second: delta.second.clone().slice(band(&rows, width)),
        };
        let amplitude = perturbation.amplitude(rows.clone());
        let slope = part.x.clone().tanh();
        let change = slope.clone() * amplitude.clone();
        let to_change = gradient.clone().slice(band(&rows, width)) + change * weights.clone();
        let to_delta = to_change * amplitude * (slope.clone() * slope).neg().add_scalar(1.0);
        let part = adam.update(part, to_delta);
        put(&mut delta.x, part.x, &rows);
        put(&mut delta.first, part.first, &rows);
        put(&mut delta.second, part.second, &rows);
    }
    delta
}

/// Rows of some `band` pixels each.
fn bands(height: usize, width: usize, band: usize) -> impl Iterator<Item = Range<usize>> {
    let rows = (band / width).max(1);
    (0..height).step_by(rows).map(move |first| first..height.min(first + rows))
}

fn band(rows: &Range<usize>, width: usize) -> [Range<usize>; 4] {
    [0..1, 0..3, rows.clone(), 0..width]
}

/// Replaces rows. The tensor is taken out meanwhile, so that it is changed where it is if nobody else has it.
fn put(tensor: &mut Tensor<4>, part: Tensor<4>, rows: &Range<usize>) {
    let [_, _, height, width] = tensor.dims();
    if rows.len() == height {
        *tensor = part;
        return;
    }
    let whole = std::mem::replace(tensor, Tensor::empty([1, 1, 1, 1], &part.device()));
    *tensor = whole.slice_assign(band(rows, width), part);
}

/// Means over the pixels of each channel, `[1, 3]`.
fn mean_squares(change: &Tensor<4>, pixels: usize) -> Tensor<2> {
    let [_, _, height, width] = change.dims();
    let squares = |rows: Range<usize>| {
        let part = change.clone().slice(band(&rows, width));
        let part = part.reshape([3, rows.len() * width]);
        (part.clone() * part).sum_dim(1)
    };
    let sums = Tensor::cat(bands(height, width, pixels).map(squares).collect(), 1).sum_dim(1);
    sums.transpose() / (height * width) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn bands_cover_every_row_once() {
        for (height, width) in [(1, 1), (10, BAND), (7, 3 * BAND), (5000, 1000), (BAND, 1)] {
            let rows: Vec<usize> = bands(height, width, BAND).flatten().collect();
            assert_eq!(rows, (0..height).collect::<Vec<_>>());
        }
    }

    /// A descent after two steps along made-up gradients, and what it says of its change before the second.
    fn descended(on_host: bool, band: usize) -> (Vec<f32>, Vec<f32>) {
        let device = Device::flex();
        let values = |salt: usize| {
            let values = (0..3 * 11 * 7).map(|i| ((i * 7919 + salt * 331) % 251) as f32 / 251.0).collect();
            Tensor::from_data(TensorData::new::<f32, _>(values, [1, 3, 11, 7]), &device)
        };
        let start = values(1) * 0.1;
        let (perturbation, settings) = (Perturbation::new(values(0), 3.0), Masked::default());
        let descent = MaskedDescent::with_passes(perturbation, settings, start, on_host, band);
        let descent = descent.step(values(2) - 0.5, 0);
        let (_, squared) = descent.changed();
        let descent = descent.step(values(3) - 0.5, 1);
        let read = |data: TensorData| data.try_to_vec::<f32>().unwrap();
        (read(descent.finish().into_data()), read(squared.into_data()))
    }

    #[test]
    fn bands_change_nothing() {
        let (whole, squared) = descended(false, BAND);
        for band in [1, 14, 30] {
            let (banded, sums) = descended(false, band);
            assert_eq!(whole, banded, "bands of {band}");
            // Only the order of sums differs.
            assert!(sums.iter().zip(&squared).all(|(a, b)| (a - b).abs() < 1e-6 * b));
        }
    }

    #[test]
    fn the_passes_of_the_cpu_are_those_of_every_device() {
        let ((pixels, squared), (found, sums)) = (descended(false, BAND), descended(true, BAND));
        assert!(found.iter().zip(&pixels).all(|(a, b)| (a - b).abs() < 1e-6), "pixels");
        assert!(sums.iter().zip(&squared).all(|(a, b)| (a - b).abs() < 1e-5 * b), "squared changes");
    }
}

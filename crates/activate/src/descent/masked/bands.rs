//! Adam's step and the changed image in bands of rows, on every device.

use std::ops::Range;

use burn::tensor::Tensor;

use super::{
    super::changed_image::ChangedImage,
    adam::{Adam, AdamState},
    perturbation::Perturbation,
};

/// Pixels of a band. Temporary values take about 100 bytes for each.
pub(super) const BAND: usize = 1 << 21;

/// Image that `delta` makes of the original, its squares being summed in bands of `band` pixels.
pub(super) fn changed_image(perturbation: &Perturbation, delta: &Tensor<4>, band: usize) -> ChangedImage {
    let change = perturbation.change(delta.clone());
    let sums = sums_of_squares(&change, band);
    ChangedImage::from_sums(perturbation.apply(change), sums)
}

/// Gradients of the two terms of the objective.
pub(super) struct Gradients<'a> {
    /// Gradient of the weighted descriptor term with respect to the changed pixels, `[1, 3, h, w]`.
    pub descriptor: Tensor<4>,
    /// Gradient of the weighted image term per unit of change, `[1, 3, 1, 1]`.
    pub image_weight: &'a Tensor<4>,
}

/// State after a step of Adam in bands of `band` pixels.
pub(super) fn step(
    perturbation: &Perturbation,
    mut state: AdamState,
    Gradients { descriptor, image_weight }: Gradients<'_>,
    adam: Adam,
    band: usize,
) -> AdamState {
    let [_, _, height, width] = descriptor.dims();
    for rows in bands(height, width, band) {
        let part = AdamState {
            x: state.x.clone().slice(region(&rows, width)),
            first: state.first.clone().slice(region(&rows, width)),
            second: state.second.clone().slice(region(&rows, width)),
        };
        let amplitude = perturbation.amplitude(rows.clone());
        let slope = part.x.clone().tanh();
        let change = slope.clone() * amplitude.clone();
        let to_change = descriptor.clone().slice(region(&rows, width)) + change * image_weight.clone();
        let to_delta = to_change * amplitude * (slope.clone() * slope).neg().add_scalar(1.0);
        let part = adam.update(part, to_delta);
        put(&mut state.x, part.x, &rows);
        put(&mut state.first, part.first, &rows);
        put(&mut state.second, part.second, &rows);
    }
    state
}

/// Ranges of rows that cover an image, each with about `band` pixels but at least one row.
fn bands(height: usize, width: usize, band: usize) -> impl Iterator<Item = Range<usize>> {
    let rows = (band / width).max(1);
    (0..height).step_by(rows).map(move |first| first..height.min(first + rows))
}

/// Region of some rows in a tensor `[1, 3, h, width]`.
fn region(rows: &Range<usize>, width: usize) -> [Range<usize>; 4] {
    [0..1, 0..3, rows.clone(), 0..width]
}

/// Replaces rows of a tensor. It is moved out meanwhile, so that an unshared tensor is changed in place.
fn put(tensor: &mut Tensor<4>, part: Tensor<4>, rows: &Range<usize>) {
    let [_, _, height, width] = tensor.dims();
    if rows.len() == height {
        *tensor = part;
        return;
    }
    let whole = std::mem::replace(tensor, Tensor::empty([1, 1, 1, 1], &part.device()));
    *tensor = whole.slice_assign(region(rows, width), part);
}

/// Sums of the squares of each channel, `[1, 3, h, w]` -> `[1, 3]`.
fn sums_of_squares(change: &Tensor<4>, band: usize) -> Tensor<2> {
    let [_, _, height, width] = change.dims();
    let squares = |rows: Range<usize>| {
        let part = change.clone().slice(region(&rows, width));
        let part = part.reshape([3, rows.len() * width]);
        (part.clone() * part).sum_dim(1)
    };
    let sums = Tensor::cat(bands(height, width, band).map(squares).collect(), 1).sum_dim(1);
    sums.transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_cover_every_row_once() {
        for (height, width) in [(1, 1), (10, BAND), (7, 3 * BAND), (5000, 1000), (BAND, 1)] {
            let rows: Vec<usize> = bands(height, width, BAND).flatten().collect();
            assert_eq!(rows, (0..height).collect::<Vec<_>>());
        }
    }
}

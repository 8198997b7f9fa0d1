//! Geometric edits as weighted sums of pixels, which gradients go through.

use burn::tensor::{Int, Tensor, TensorData};
use extractor::beside;

use super::canvas::Affine;

/// Points on each side of a pixel that are averaged where the image shrinks, at most.
const MAX_POINTS: usize = 3;

/// Every pixel of the result as a weighted sum of pixels of the image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Warp {
    /// Height and width, before and after.
    size: [usize; 2],
    /// Summands of each pixel.
    taps: usize,
    /// `[h * w, taps]`: which pixels.
    sources: Vec<i32>,
    /// `[h * w, taps]`, zeros outside of the image.
    weights: Vec<f32>,
}

impl Warp {
    /// Bilinear interpolation, with so many points a pixel that a shrunk image is averaged.
    pub fn new(map: Affine, size: [usize; 2]) -> Self {
        let points = points(map, size);
        let taps = 4 * points * points;
        let [height, width] = size;
        let (mut sources, mut weights) = (vec![0; height * width * taps], vec![0.0; height * width * taps]);
        let pixels = sources.chunks_exact_mut(taps).zip(weights.chunks_exact_mut(taps));
        for (place, (sources, weights)) in pixels.enumerate() {
            let corner = [(place % width) as f32, (place / width) as f32];
            let quads = sources.as_chunks_mut::<4>().0.iter_mut().zip(weights.as_chunks_mut::<4>().0);
            for (point, (sources, weights)) in quads.enumerate() {
                let inside = [point % points, point / points].map(|i| (i as f32 + 0.5) / points as f32);
                let [u, v] =
                    [(corner[0] + inside[0]) / width as f32, (corner[1] + inside[1]) / height as f32];
                bilinear(map.at([u, v]), size, sources, weights);
            }
            weights.iter_mut().for_each(|weight| *weight /= (points * points) as f32);
        }
        Self { size, taps, sources, weights }
    }

    /// `[h * w]`: the share of each pixel that comes from the image.
    pub fn coverage(&self) -> impl Iterator<Item = f32> {
        self.weights.chunks_exact(self.taps).map(|weights| weights.iter().sum())
    }

    /// # Shapes
    /// `[1, 3, h, w]` -> `[1, 3, h, w]`, zeros outside of the image
    pub fn apply(&self, image: Tensor<4>) -> Tensor<4> {
        let [height, width] = self.size;
        let device = image.device().inner();
        let sources = TensorData::new(self.sources.clone(), [self.sources.len()]);
        let sources = Tensor::<1, Int>::from_data(sources, &device);
        let sources = if image.is_autodiff() { sources.autodiff() } else { sources };
        let weights = TensorData::new(self.weights.clone(), [1, height * width, self.taps]);
        let weights = beside(&Tensor::<3>::from_data(weights, &device), &image);
        let pixels: Tensor<2> = image.reshape([3, height * width]);
        let summands = pixels.select(1, sources).reshape([3, height * width, self.taps]);
        (summands * weights).sum_dim(2).reshape([1, 3, height, width])
    }
}

/// Points on each side of a pixel: as many as it covers pixels of the image, about.
fn points(map: Affine, [height, width]: [usize; 2]) -> usize {
    // Both sides of the result have as many pixels as those of the image.
    let aspect = height as f32 / width as f32;
    let [across, down] = map.slopes();
    let steps = [across[0].hypot(across[1] * aspect), down[1].hypot(down[0] / aspect)];
    (steps[0].max(steps[1]).round() as usize).clamp(1, MAX_POINTS)
}

/// The four pixels around a point and their weights, none outside of the image.
fn bilinear([x, y]: [f32; 2], [height, width]: [usize; 2], sources: &mut [i32; 4], weights: &mut [f32; 4]) {
    if !(0.0..1.0).contains(&x) || !(0.0..1.0).contains(&y) {
        return;
    }
    let ([left, right], share_x) = neighbours(x, width);
    let ([above, below], share_y) = neighbours(y, height);
    let place = |row: usize, column: usize| (row * width + column) as i32;
    *sources = [place(above, left), place(above, right), place(below, left), place(below, right)];
    let [upper, lower] = [1.0 - share_y, share_y];
    *weights = [upper * (1.0 - share_x), upper * share_x, lower * (1.0 - share_x), lower * share_x];
}

/// The pixels on either side of a point of [0, 1), those at the border for themselves, and the share of the second.
fn neighbours(at: f32, length: usize) -> ([usize; 2], f32) {
    let position = at * length as f32 - 0.5;
    let first = position.floor();
    let pixel = |i: f32| (i.max(0.0) as usize).min(length - 1);
    ([pixel(first), pixel(first + 1.0)], position - first)
}

#[cfg(test)]
mod tests {
    use super::{super::canvas::Canvas, *};
    use burn::tensor::Device;

    fn image(values: &[f32], height: usize, width: usize) -> Tensor<4> {
        let values = [values, values, values].concat();
        Tensor::from_data(TensorData::new(values, [1, 3, height, width]), &Device::flex())
    }

    fn warped(canvas: Canvas, image: Tensor<4>) -> Vec<f32> {
        let [_, _, height, width] = image.dims();
        let warped = Warp::new(canvas.map, [height, width]).apply(image);
        let data = warped.into_data().try_to_vec::<f32>().unwrap();
        data[..height * width].to_vec()
    }

    #[test]
    fn a_quarter_turn_moves_every_pixel() {
        let found = warped(Canvas::new(2, 2).rotated(90.0), image(&[1.0, 2.0, 3.0, 4.0], 2, 2));
        assert!(found.iter().zip([3.0, 1.0, 4.0, 2.0]).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?}");
    }

    #[test]
    fn a_shrunk_image_is_averaged_and_the_rest_empty() {
        let checks: Vec<f32> = (0..64).map(|i| ((i + i / 8) % 2) as f32).collect();
        let found = warped(Canvas::new(8, 8).inset([0.0, 0.0], [0.5, 0.5]), image(&checks, 8, 8));
        for (place, value) in found.iter().enumerate() {
            let expected = if place % 8 < 4 && place / 8 < 4 { 0.5 } else { 0.0 };
            assert!((value - expected).abs() < 1e-5, "{place}: {value}");
        }
    }

    #[test]
    fn weights_of_a_pixel_are_its_coverage() {
        let warp = Warp::new(Canvas::new(7, 5).rotated(30.0).map, [5, 7]);
        let ones = warp.apply(Tensor::ones([1, 3, 5, 7], &Device::flex()));
        let ones = ones.into_data().try_to_vec::<f32>().unwrap();
        assert!(warp.coverage().zip(ones).all(|(share, one)| (share - one).abs() < 1e-6));
        assert!(warp.coverage().any(|share| share < 0.1) && warp.coverage().any(|share| share > 0.99));
    }

    /// The gradient of a sum of products is the transpose.
    #[test]
    fn gradients_are_transposes() {
        let warp = Warp::new(Canvas::new(6, 4).rotated(-35.0).cropped(0.6, [0.2, 0.7]).map, [4, 6]);
        let values = |salt: usize| (0..72).map(move |i| ((i * 7919 + salt) % 251) as f32 / 251.0);
        let of = |salt| {
            Tensor::<4>::from_data(TensorData::new(values(salt).collect(), [1, 3, 4, 6]), &Device::flex())
        };
        let (x, y): (Tensor<4>, Tensor<4>) = (of(1), of(90));
        let leaf = x.clone().autodiff().require_grad();
        let mut gradients = (warp.apply(leaf.clone()) * y.clone().autodiff()).sum().backward();
        let transposed = leaf.grad_remove(&mut gradients).unwrap();
        let [a, b] = [warp.apply(x.clone()) * y, transposed * x].map(|t| t.sum().into_scalar::<f32>());
        assert!((a - b).abs() < 1e-4 * a.abs(), "{a} and {b}");
    }
}

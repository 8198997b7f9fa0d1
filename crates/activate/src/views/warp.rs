//! Geometric edits as weighted sums of pixels, which gradients go through.

use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor};
use extractor::beside;

use super::{
    canvas::Affine,
    gather::{Sums, gather},
};

/// Points on each side of a pixel that are averaged where the image shrinks, at most.
const MAX_POINTS: usize = 3;

/// Bilinear interpolation of an image at other places, with so many points a pixel that a shrunk image is averaged. What
/// lies outside of the image is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Warp {
    map: Affine,
    /// Height and width, before and after.
    size: [usize; 2],
}

/// Every pixel of the result as a weighted sum of pixels of the image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    /// Height and width, before and after.
    size: [usize; 2],
    /// Weights are zeros outside of the image.
    sums: Arc<Sums>,
}

impl Warp {
    pub fn new(map: Affine, size: [usize; 2]) -> Self {
        Self { map, size }
    }

    /// Whether any point of any pixel lies outside of the image: those at the corners lie farthest out, rounded or not.
    pub fn leaves_room(&self) -> bool {
        let points = points(self.map, self.size);
        let ends =
            self.size.map(|side| [centre(0, 0, points, side), centre(side - 1, points - 1, points, side)]);
        let corners = ends[1].into_iter().flat_map(|u| ends[0].map(|v| self.map.at([u, v])));
        !corners.flatten().all(|at| (0.0..1.0).contains(&at))
    }

    /// All sums, on the host.
    pub fn table(&self) -> Table {
        let Self { map, size } = *self;
        let points = points(map, size);
        let count = 4 * points * points;
        let [height, width] = size;
        let (mut sources, mut weights) = (vec![0; height * width * count], vec![0.0; height * width * count]);
        let pixels = sources.chunks_exact_mut(count).zip(weights.chunks_exact_mut(count));
        for (place, (sources, weights)) in pixels.enumerate() {
            let quads = sources.as_chunks_mut::<4>().0.iter_mut().zip(weights.as_chunks_mut::<4>().0);
            for (point, (sources, weights)) in quads.enumerate() {
                let u = centre(place % width, point % points, points, width);
                let v = centre(place / width, point / points, points, height);
                bilinear(map.at([u, v]), size, sources, weights);
            }
            weights.iter_mut().for_each(|weight| *weight /= (points * points) as f32);
        }
        Table { size, sums: Arc::new(Sums { count, sources, weights }) }
    }

    /// The same sums by operations of every device, where all is computed from the numbers of the map, and the share of
    /// each pixel that comes from the image.
    ///
    /// # Shapes
    /// `[n, c, h, w]` -> `[n, c, h, w]`, `[1, 1, h, w]`
    pub fn on_device(&self, images: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let ([n, c, height, width], points) = (images.dims(), points(self.map, self.size));
        let planes: Tensor<2> = images.reshape([n * c, height * width]);
        let each = (0..points * points).map(|point| {
            let taps = Taps::new(self, [point / points, point % points], points, &planes.device().inner());
            (taps.sum(planes.clone()), taps.inside)
        });
        let (sum, inside) = each.reduce(|a, b| (a.0 + b.0, a.1 + b.1)).unwrap_or_else(|| unreachable!());
        let share = 1.0 / (points * points) as f64;
        ((sum * share).reshape([n, c, height, width]), (inside * share).reshape([1, 1, height, width]))
    }
}

/// The four pixels around one point of every pixel, on a device.
struct Taps {
    /// `[4 * h * w]`.
    sources: Tensor<1, Int>,
    /// `[4, h * w]`, zeros outside of the image.
    weights: Tensor<2>,
    /// `[h * w]`: 1 for points in the image, 0 for others.
    inside: Tensor<1>,
}

impl Taps {
    /// `point` is the row and the column of the point, of `points` each.
    fn new(warp: &Warp, point: [usize; 2], points: usize, device: &Device) -> Self {
        let [height, width] = warp.size;
        let u = centres(width, point[1], points, device).reshape([1, width]);
        let v = centres(height, point[0], points, device).reshape([height, 1]);
        let [x, y] = warp.map.all([u, v]).map(|at| at.reshape([height * width]));
        let inside = [x.clone(), y.clone()]
            .map(|at| at.clone().greater_equal_scalar(0.0).float() * at.lower_scalar(1.0).float());
        let [inside_x, inside_y] = inside;
        let inside = inside_x * inside_y;
        let ([left, right], share_x) = all_neighbours(x, width);
        let ([above, below], share_y) = all_neighbours(y, height);
        let place = |row: &Tensor<1>, column: &Tensor<1>| row.clone() * width as f64 + column.clone();
        let places =
            [place(&above, &left), place(&above, &right), place(&below, &left), place(&below, &right)];
        // Of the upper or the lower row, of the left or the right column.
        let rows = [share_y.clone().neg() + 1.0, share_y].map(|share| share * inside.clone());
        let columns = [share_x.clone().neg() + 1.0, share_x];
        let weights = [[0, 0], [0, 1], [1, 0], [1, 1]]
            .map(|[row, column]| (rows[row].clone() * columns[column].clone()).reshape([1, height * width]));
        Self { sources: Tensor::cat(places.into(), 0).int(), weights: Tensor::cat(weights.into(), 0), inside }
    }

    /// `[planes, h * w]` -> the same.
    fn sum(&self, planes: Tensor<2>) -> Tensor<2> {
        let ([count, pixels], taps) = (planes.dims(), self.sources.dims()[0]);
        // Of each plane its own: the sums of the gradient of a selection would be one thread's, one after the other.
        let sources = self.sources.clone().reshape([1, taps]).expand([count, taps]);
        let sources = if planes.is_autodiff() { sources.autodiff() } else { sources };
        let weights = beside(&self.weights, &planes).reshape([1, 4, pixels]);
        (planes.gather(1, sources).reshape([count, 4, pixels]) * weights).sum_dim(1).reshape([count, pixels])
    }
}

/// Where a point of a pixel lies, in shares of the side; points are counted from 0.
fn centre(pixel: usize, point: usize, points: usize, side: usize) -> f32 {
    (pixel as f32 + (point as f32 + 0.5) / points as f32) / side as f32
}

/// The same of all pixels of a side, `[side]`.
fn centres(side: usize, point: usize, points: usize, device: &Device) -> Tensor<1> {
    let inside = (point as f32 + 0.5) / points as f32;
    (Tensor::<1, Int>::arange(0..side as i64, device).float() + inside) / side as f32
}

/// [`neighbours`] of many points.
fn all_neighbours(at: Tensor<1>, length: usize) -> ([Tensor<1>; 2], Tensor<1>) {
    let position = at * length as f32 - 0.5;
    let first = position.clone().floor();
    let pixel = |i: Tensor<1>| i.clamp(0.0, (length - 1) as f32);
    ([pixel(first.clone()), pixel(first.clone() + 1.0)], position - first)
}

impl Table {
    /// `[h * w]`: the share of each pixel that comes from the image.
    pub fn coverage(&self) -> impl Iterator<Item = f32> {
        self.sums.weights.chunks_exact(self.sums.count).map(|weights| weights.iter().sum())
    }

    /// On the CPU.
    ///
    /// # Shapes
    /// `[1, 3, h, w]` -> `[1, 3, h, w]`
    pub fn apply(&self, image: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = image.dims();
        assert_eq!([height, width], self.size, "height and width of the image");
        gather(image, &self.sums)
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
    use extractor::transfer::upload;

    fn image(values: &[f32], height: usize, width: usize) -> Tensor<4> {
        let values = [values, values, values].concat();
        upload(values, [1, 3, height, width], &Device::flex())
    }

    fn warped(canvas: Canvas, image: Tensor<4>) -> Vec<f32> {
        let [_, _, height, width] = image.dims();
        let warped = Warp::new(canvas.map, [height, width]).table().apply(image);
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
        let warp = Warp::new(Canvas::new(7, 5).rotated(30.0).map, [5, 7]).table();
        let ones = warp.apply(Tensor::ones([1, 3, 5, 7], &Device::flex()));
        let ones = ones.into_data().try_to_vec::<f32>().unwrap();
        assert!(warp.coverage().zip(ones).all(|(share, one)| (share - one).abs() < 1e-6));
        assert!(warp.coverage().any(|share| share < 0.1) && warp.coverage().any(|share| share > 0.99));
    }

    /// The gradient of a sum of products is the transpose.
    #[test]
    fn gradients_are_transposes() {
        let warp = Warp::new(Canvas::new(6, 4).rotated(-35.0).cropped(0.6, [0.2, 0.7]).map, [4, 6]).table();
        let values = |salt: usize| (0..72).map(move |i| ((i * 7919 + salt) % 251) as f32 / 251.0);
        let of = |salt| upload(values(salt).collect(), [1, 3, 4, 6], &Device::flex());
        let (x, y): (Tensor<4>, Tensor<4>) = (of(1), of(90));
        let leaf = x.clone().autodiff().require_grad();
        let mut gradients = (warp.apply(leaf.clone()) * y.clone().autodiff()).sum().backward();
        let transposed = leaf.grad_remove(&mut gradients).unwrap();
        let [a, b] = [warp.apply(x.clone()) * y, transposed * x].map(|t| t.sum().into_scalar::<f32>());
        assert!((a - b).abs() < 1e-4 * a.abs(), "{a} and {b}");
    }

    fn canvases() -> Vec<Canvas> {
        let whole = Canvas::new(60, 40);
        vec![
            whole,
            whole.rotated(90.0),
            whole.rotated(-31.0),
            whole.mirrored(),
            whole.flipped().rotated(7.0),
            whole.cropped(0.4, [0.3, 0.9]),
            whole.cropped(0.6, [0.5, 0.5]).rotated(20.0),
            whole.inset([0.2, 0.1], [0.5, 0.8]),
            whole.inset([0.0, 0.3], [1.0, 0.7]).inset([0.25, 0.25], [0.5, 0.4]),
        ]
    }

    #[test]
    fn corners_say_whether_anything_is_left_free() {
        for canvas in canvases() {
            for size in [[32, 32], [18, 27]] {
                let warp = Warp::new(canvas.map, size);
                let expected = warp.table().coverage().any(|share| share < 1.0 - 1e-3);
                assert_eq!(warp.leaves_room(), expected, "{canvas:?}");
            }
        }
    }

    /// Images, what they become, and the gradient of a sum of products, by the table and by every device's operations.
    #[test]
    fn the_table_of_the_cpu_is_what_every_device_computes() {
        for (canvas, size @ [h, w]) in canvases().into_iter().flat_map(|c| [(c, [32, 32]), (c, [18, 27])]) {
            let (warp, table) = (Warp::new(canvas.map, size), Warp::new(canvas.map, size).table());
            let noise = |salt: usize| -> Tensor<4> {
                let values = (0..3 * h * w).map(|i| ((i * 7919 + salt) % 251) as f32 / 251.0).collect();
                upload(values, [1, 3, h, w], &Device::flex())
            };
            let run = |apply: &dyn Fn(Tensor<4>) -> Tensor<4>| {
                let leaf = noise(1).autodiff().require_grad();
                let warped = apply(leaf.clone());
                let mut gradients = (warped.clone() * noise(90).autodiff()).sum().backward();
                (warped.inner(), leaf.grad_remove(&mut gradients).unwrap())
            };
            let (expected, found) = (run(&|image| table.apply(image)), run(&|image| warp.on_device(image).0));
            let far = |a: Tensor<4>, b: Tensor<4>| (a - b).abs().max().into_scalar::<f32>();
            // Rounded places: a share of a pixel is off by 1e-5 at most, its neighbours by 1.
            assert!(far(found.0, expected.0) < 2e-5, "{canvas:?}");
            assert!(far(found.1, expected.1) < 1e-4, "{canvas:?}: gradient");
            let coverage = upload(table.coverage().collect(), [1, 1, h, w], &Device::flex());
            assert!(far(warp.on_device(noise(3)).1, coverage) < 1e-5, "{canvas:?}: coverage");
        }
    }
}
